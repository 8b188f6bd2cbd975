import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { KafkaUnusableCode } from './errors.ts';
import { type KafkaSettings, LEDGER_PARTITIONS, type TopicName } from './settings.ts';

/** What a topic has to be for the promises of the log to hold. */
export type TopicRule = {
  /** Undefined: whatever it has. */
  readonly partitions: number | undefined;
  readonly cleanup: 'delete' | 'compact';
  /** Shortest time for which records must stay; `for_ever`: nothing of it is ever deleted. */
  readonly retention_ms: number | 'for_ever';
  /** Whether the broker has to say when a record came, because time is taken from it. */
  readonly append_time: boolean;
  /** Bytes that one batch of records may have. */
  readonly record_bytes: number;
};

/** Settings of a topic as the cluster tells them, by Kafka's names for them. */
export type TopicFacts = {
  readonly name: string;
  readonly partitions: number;
  readonly configuration: ReadonlyMap<string, string>;
};

export type TopicProblem = { readonly code: KafkaUnusableCode; readonly message: string };

/** A record of the largest size, and what Kafka adds to it. */
const RECORD_BYTES = LIMITS.log_record_bytes_max + 64 * 1024;

/** The log, its consumers and the ledger all take these for granted. */
export function ruleOf(topic: TopicName): TopicRule {
  const log: TopicRule = {
    partitions: 1,
    cleanup: 'delete',
    retention_ms: LIMITS.kafka_retention_ms_min,
    append_time: true,
    record_bytes: RECORD_BYTES,
  };
  switch (topic) {
    case 'events':
    case 'spans':
    case 'alerts':
      return { ...log, partitions: undefined };
    case 'raw':
      // Written by others, who choose its times and the size of their records.
      return { ...log, partitions: undefined, append_time: false, record_bytes: 0, retention_ms: 0 };
    case 'control':
      return { ...log, retention_ms: 'for_ever' };
    case 'dead':
    case 'feed':
    case 'findings':
    case 'commands':
      return log;
    case 'ledger':
      return { ...log, partitions: LEDGER_PARTITIONS, cleanup: 'compact', append_time: false };
  }
}

/** How a topic is made when it is absent. */
export function creationOf(
  topic: TopicName,
  settings: Pick<KafkaSettings, 'partitions' | 'replication_factor'>,
): { readonly partitions: number; readonly configuration: Readonly<Record<string, string>> } {
  const rule = ruleOf(topic);
  const keeping_ms = rule.retention_ms === 'for_ever' ? -1 : LIMITS.kafka_retention_ms;
  return {
    partitions: rule.partitions ?? settings.partitions,
    configuration: {
      'cleanup.policy': rule.cleanup,
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': `${RECORD_BYTES}`,
      // With three replicas one may be down, and what was acknowledged still has two copies.
      'min.insync.replicas': settings.replication_factor > 2 ? '2' : '1',
      ...(rule.cleanup === 'delete'
        ? { 'retention.ms': `${keeping_ms}`, 'retention.bytes': '-1' }
        : // What begins anew reads all of it, so it is kept short.
          {
            'segment.bytes': `${8 * 1024 * 1024}`,
            'min.cleanable.dirty.ratio': '0.1',
            'max.compaction.lag.ms': `${UNITS.DAY_MS}`,
          }),
    },
  };
}

/** What makes a topic unsafe to use: nothing when it is as it should be. */
export function problemsOf(rule: TopicRule, { name, partitions, configuration }: TopicFacts): TopicProblem[] {
  const problems: TopicProblem[] = [];
  const problem = (code: KafkaUnusableCode, message: string): void => void problems.push({ code, message });
  const of = (setting: string): string => configuration.get(setting) ?? '';

  if (rule.partitions !== undefined && partitions !== rule.partitions) {
    problem(
      'kafka_topic_partitions',
      `topic ${name} has ${partitions} partitions and must have ${rule.partitions}: use another topic, or delete it while it is empty`,
    );
  }
  const cleanup = of('cleanup.policy');
  if (cleanup !== rule.cleanup) {
    const why = rule.cleanup === 'delete' ? 'compaction drops events of one key' : 'deletion drops positions and sums';
    problem('kafka_topic_cleanup', `topic ${name} has cleanup.policy=${cleanup}, and ${why}: set ${rule.cleanup}`);
  }
  const times = of('message.timestamp.type');
  if (rule.append_time && times !== 'LogAppendTime') {
    problem(
      'kafka_topic_timestamps',
      `topic ${name} has message.timestamp.type=${times}, so writers would choose what time it is: set LogAppendTime`,
    );
  }
  if (rule.cleanup === 'delete') problems.push(...retentionProblems(rule, name, of));
  const record_bytes = Number(of('max.message.bytes'));
  if (record_bytes < rule.record_bytes) {
    problem(
      'kafka_topic_record_size',
      `topic ${name} has max.message.bytes=${record_bytes}, and records may have more: set ${rule.record_bytes}`,
    );
  }
  return problems;
}

function retentionProblems(rule: TopicRule, name: string, of: (setting: string) => string): TopicProblem[] {
  const unbounded = -1;
  const ms = Number(of('retention.ms'));
  const bytes = Number(of('retention.bytes'));
  const problem = (message: string): TopicProblem => ({ code: 'kafka_topic_retention', message });
  if (rule.retention_ms === 'for_ever') {
    const cut = ms !== unbounded || bytes !== unbounded;
    return cut
      ? [problem(`topic ${name} forgets records, and must not: set retention.ms and retention.bytes to -1`)]
      : [];
  }
  if (ms === unbounded || ms >= rule.retention_ms) return [];
  return [problem(`topic ${name} has retention.ms=${ms}, which is too short: set ${rule.retention_ms} or more, or -1`)];
}

/** What does not make a topic unusable, and is worth saying: how it can lose what was acknowledged. */
export function weaknessOf(
  { configuration }: TopicFacts,
  replicas: number,
): 'one_replica' | 'one_insync' | 'unclean' | undefined {
  if (replicas < 2) return 'one_replica';
  if (Number(configuration.get('min.insync.replicas')) < 2) return 'one_insync';
  return configuration.get('unclean.leader.election.enable') === 'true' ? 'unclean' : undefined;
}

import { UNITS } from '../../../schemas/limits.ts';
import { IngestRunner } from '../../ingest/raw-runner.ts';
import { type RawSource, readySources } from '../../ingest/raw-source.ts';
import { settleRule } from '../../ingest/settle/rule.ts';
import { systemClock } from '../../platform/clock.ts';
import type { FrozenConfig } from '../../platform/config.ts';
import { TOPICS, type Topic } from '../../platform/event-log.ts';
import type { GapPort } from '../../platform/gaps.ts';
import { EXIT, Problem } from '../problem.ts';
import type { Inputs } from '../recorded/inputs.ts';
import type { Ground } from './foundation.ts';
import { joinGroup, type Membership } from './membership.ts';

/** Ingest of raw topics and of what waits to be settled: a group for each topic, whose processes share its partitions. */
export type IngestRole = {
  readonly runner: IngestRunner;
  /** Rejects with the defect that ended it; stays pending otherwise. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
};

/** Tells the outside how far the groups have read; nothing here reads it back. */
const SHOW_MS = 5 * UNITS.SECOND_MS;

/** Throws a Problem where the configured sources contradict the mappings. */
export async function startIngest(ground: Ground, inputs: Inputs, gaps: GapPort): Promise<IngestRole> {
  const { log, telemetry, config } = ground;
  const clock = systemClock;
  const ready = readySources(sourcesOf(config), inputs.mappings, inputs.settings);
  if (!ready.ok) throw new Problem('config_invalid', ready.problems.map(sourceProblem).join('\n'), EXIT.usage);
  const { sources } = ready;
  const { catalogue, settings } = inputs;
  const settle = settleRule(settings.bound_ms);
  const runner = new IngestRunner({ log, clock, telemetry, gaps, catalogue, sources, settle });
  const memberships = new Map<Topic, Membership>();
  for (const topic of runner.topics) {
    const group = `ingest.${topic.replace(/^source:/, '')}`;
    memberships.set(topic, joinGroup({ log, clock, telemetry, topic, group, listener: runner.listener(topic) }));
  }
  const stopping = new AbortController();
  const showing = show(runner, memberships, stopping.signal);
  const ended = Promise.race([runner.run(), ...[...memberships.values()].map(({ failed }) => failed)]);
  const failed = ended.then(() => new Promise<never>(() => {}));
  failed.catch(() => undefined);
  await Promise.all([...memberships.values()].map(({ joined }) => joined));
  return {
    runner,
    failed,
    async stop() {
      stopping.abort();
      await Promise.all([...memberships.values()].map((membership) => membership.stop()));
      await runner.stop();
      await showing;
    },
  };
}

/** The configured sources and, where it is not among them, the topic that is always read. */
function sourcesOf(config: FrozenConfig): RawSource[] {
  const listed = config.ingest.sources.map(
    ({ topic, ...source }): RawSource => ({ ...source, topic: topicOf(config, topic) }),
  );
  return listed.some(({ topic }) => topic === TOPICS.raw) ? listed : [...listed, { topic: TOPICS.raw, format: 'auto' }];
}

/** The topic that a source's name in the cluster stands for. */
export function topicOf({ log }: Pick<FrozenConfig, 'log'>, name: string): Topic {
  return name === (log.kafka?.topics.raw ?? TOPICS.raw) ? TOPICS.raw : `source:${name}`;
}

function sourceProblem({ field, message }: { readonly field: readonly (string | number)[]; readonly message: string }) {
  const [index, ...rest] = field;
  return `ingest.sources[${index}].${rest.join('.')}: ${message}`;
}

async function show(
  runner: IngestRunner,
  memberships: ReadonlyMap<Topic, Membership>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(SHOW_MS, signal);
    for (const [topic, membership] of memberships) await membership.show(runner.progress(topic));
  }
}

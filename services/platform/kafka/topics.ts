import kafkajs, { type Admin } from 'kafkajs';
import type { KafkaConnection } from './connection.ts';
import { failureOf } from './connection-errors.ts';
import { KafkaUnusable } from './errors.ts';
import { errorOfCode } from './internals.ts';
import type { KafkaMetadata } from './metadata.ts';
import { refusalOf } from './refusals.ts';
import { assertSafeHost, securityProblem } from './security.ts';
import type { KafkaSettings, TopicName } from './settings.ts';
import { creationOf, problemsOf, ruleOf, type TopicFacts, type TopicProblem, weaknessOf } from './topic-rules.ts';

// kafkajs's names for all but its client are only found on its default export.
const { ConfigResourceTypes, KafkaJSAggregateError } = kafkajs;

const UNKNOWN_TOPIC_OR_PARTITION = 3;

/** Partitions of topics by their names on the cluster. */
type Partitions = ReadonlyMap<string, number>;

type Shell = {
  readonly connection: KafkaConnection;
  readonly metadata: Pick<KafkaMetadata, 'describe'>;
  readonly admin: Admin;
};

/**
 * Creates what is absent and may be created, and looks at every setting on which a promise rests. Returns the
 * partitions of our topics by their names on the cluster. Throws KafkaUnusable with all that is wrong, LogUnavailable
 * while the cluster does not answer.
 */
export async function prepareTopics(
  connection: KafkaConnection,
  metadata: Pick<KafkaMetadata, 'describe'>,
): Promise<Partitions> {
  return await connection.persist('looking at the topics', async () => {
    // A new one for every attempt: kafkajs goes on with a connection that was refused half-way.
    const client = connection.client();
    try {
      return await prepare({ connection, metadata, admin: client.kafka.admin() });
    } catch (error) {
      throw securityProblem(error) ?? refusalOf(error, 'looking at the topics') ?? error;
    } finally {
      client.destroy();
    }
  });
}

async function prepare(shell: Shell): Promise<Partitions> {
  const { settings, telemetry } = shell.connection;
  const own = Object.entries(settings.topics) as [TopicName, string][];
  const names = [...own.map(([, name]) => name), ...settings.source_topics];
  const before = await lookUp(shell, names);
  for (const { host } of shell.connection.addresses.values()) assertSafeHost(settings, host);
  await shell.admin.connect();
  const absent = own.filter(([, name]) => !before.has(name));
  const missing = [
    ...settings.source_topics
      .filter((name) => !before.has(name))
      .map((name) => missingTopic(name, 'create it, or correct ingest.sources')),
    ...(settings.create_topics ? [] : absent).map(([, name]) =>
      missingTopic(name, 'create it, or set log.kafka.create_topics'),
    ),
  ];
  refuse(missing);
  await create(shell, absent);
  const partitions = absent.length === 0 ? before : await lookUp(shell, names);
  // A new topic is not known to every broker at once: the whole look is repeated.
  if (names.some((name) => !partitions.has(name))) throw errorOfCode(UNKNOWN_TOPIC_OR_PARTITION);
  const facts = await lookInto(shell, own, partitions);
  refuse(facts.flatMap(({ rule, topic }) => problemsOf(rule, topic)));
  const weak = Map.groupBy(facts, ({ topic, replicas }) => weaknessOf(topic, replicas) ?? 'none');
  weak.delete('none');
  for (const [reason, found] of weak) {
    telemetry.occurred('log_topics_weak', { reason }, { topics: found.map(({ topic }) => topic.name) }, found.length);
  }
  return partitions;
}

/** Those that are there. */
async function lookUp({ metadata }: Shell, names: readonly string[]): Promise<Partitions> {
  const found = new Map<string, number>();
  for (const name of names) {
    try {
      found.set(name, (await metadata.describe(name)).partitions);
    } catch (error) {
      if (failureOf(error).type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    }
  }
  return found;
}

function missingTopic(name: string, remedy: string): TopicProblem {
  return { code: 'kafka_topic_missing', message: `there is no topic ${name}: ${remedy}` };
}

/** One error for all problems, under the code of the first. */
function refuse(problems: readonly TopicProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  throw new KafkaUnusable(first.code, problems.map(({ message }) => message).join('\n'));
}

async function create({ connection, admin }: Shell, absent: readonly (readonly [TopicName, string])[]): Promise<void> {
  if (absent.length === 0) return;
  const { settings } = connection;
  const topics = absent.map(([topic, name]) => {
    const { partitions, configuration } = creationOf(topic, settings);
    return {
      topic: name,
      numPartitions: partitions,
      replicationFactor: settings.replication_factor,
      configEntries: Object.entries(configuration).map(([setting, value]) => ({ name: setting, value })),
    };
  });
  try {
    await admin.createTopics({ topics, waitForLeaders: true });
  } catch (error) {
    const errors: readonly unknown[] = error instanceof KafkaJSAggregateError ? error.errors : [error];
    // Another process that starts was faster.
    const failed = errors.filter((one) => failureOf(one).type !== 'TOPIC_ALREADY_EXISTS');
    refuse(failed.flatMap((one) => creationProblem(one, settings)));
    if (failed.length > 0) throw failed[0];
  }
}

/** What a broker has against a topic of ours; nothing for errors that pass. */
function creationProblem(error: unknown, { replication_factor }: KafkaSettings): TopicProblem[] {
  const { type } = failureOf(error);
  const name = error instanceof Error && 'topic' in error ? `topic ${String(error.topic)}` : 'topics';
  switch (type) {
    case 'INVALID_REPLICATION_FACTOR':
      return [
        {
          code: 'kafka_topic_not_created',
          message: `${name} cannot be created with ${replication_factor} replicas: set log.kafka.replication_factor to at most the number of brokers`,
        },
      ];
    case 'POLICY_VIOLATION':
    case 'INVALID_CONFIG':
    case 'INVALID_PARTITIONS':
    case 'INVALID_TOPIC_EXCEPTION':
      return [
        {
          code: 'kafka_topic_not_created',
          message: `${name} cannot be created (${type}): create it by hand, with the settings in docs/clustered.md`,
        },
      ];
    default:
      return [];
  }
}

type Found = { readonly rule: ReturnType<typeof ruleOf>; readonly topic: TopicFacts; readonly replicas: number };

async function lookInto(
  { admin }: Shell,
  own: readonly (readonly [TopicName, string])[],
  partitions: Partitions,
): Promise<readonly Found[]> {
  const { resources } = await admin.describeConfigs({
    resources: own.map(([, name]) => ({ type: ConfigResourceTypes.TOPIC, name })),
    includeSynonyms: false,
  });
  const { topics } = await admin.fetchTopicMetadata({ topics: own.map(([, name]) => name) });
  return own.map(([topic, name]) => {
    const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
    const configuration = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
    const described = topics.find((found) => found.name === name)?.partitions ?? [];
    return {
      rule: ruleOf(topic),
      topic: { name, partitions: partitions.get(name) ?? 0, configuration },
      replicas: Math.min(...described.map(({ replicas }) => replicas.length)),
    };
  });
}

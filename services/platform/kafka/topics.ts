import kafkajs, { type Admin } from 'kafkajs';
import type { KafkaConnection } from './connection.ts';
import { failureOf } from './connection-errors.ts';
import type { KafkaNodes } from './connection-nodes.ts';
import { KafkaUnusable } from './errors.ts';
import { errorOfCode } from './internals.ts';
import type { KafkaMetadata } from './metadata.ts';
import { refusalOf } from './refusals.ts';
import { assertSafeHost, securityProblem } from './security.ts';
import type { TopicName } from './settings.ts';
import { createTopics } from './topic-creation.ts';
import { problemsOf, ruleOf, type TopicFacts, type TopicProblem, weaknessOf } from './topic-rules.ts';

// kafkajs's names for all but its client are only found on its default export.
const { ConfigResourceTypes } = kafkajs;

const UNKNOWN_TOPIC_OR_PARTITION = 3;
/** Brokers hear of new topics with a delay: what seems absent is looked for again after so long. */
const SECOND_LOOK_MS = 100;

/** Partitions of topics by their names on the cluster. */
export type TopicPartitions = ReadonlyMap<string, number>;

type Own = readonly (readonly [TopicName, string])[];

type Shell = {
  readonly connection: KafkaConnection;
  readonly nodes: KafkaNodes;
  readonly metadata: KafkaMetadata;
  readonly admin: Admin;
};

/**
 * Creates what is absent and may be created, and looks at every setting on which a promise rests. Returns the
 * partitions of our topics by their names on the cluster. Throws KafkaUnusable with all that is wrong, LogUnavailable
 * while the cluster does not answer.
 */
export function prepareTopics(shell: Omit<Shell, 'admin'>): Promise<TopicPartitions> {
  const { connection } = shell;
  return connection.persist('looking at the topics', async () => {
    // A new one for every attempt: kafkajs goes on with a connection that was refused half-way.
    const client = connection.client();
    try {
      return await prepare({ ...shell, admin: client.kafka.admin() });
    } catch (error) {
      throw securityProblem(error) ?? refusalOf(error, 'looking at the topics') ?? error;
    } finally {
      client.destroy();
    }
  });
}

async function prepare(shell: Shell): Promise<TopicPartitions> {
  const { connection, admin } = shell;
  const { settings } = connection;
  const own: Own = Object.entries(settings.topics) as [TopicName, string][];
  const names = own.map(([, name]) => name);
  const there = await lookTwice(shell, [...names, ...settings.source_topics]);
  for (const { host } of connection.addresses.values()) assertSafeHost(settings, host);
  await admin.connect();
  const absent = own.filter(([, name]) => !there.has(name));
  refuse([
    ...missing(settings.source_topics, there, 'create it, or correct ingest.sources'),
    ...(settings.create_topics ? [] : missing(names, there, 'create it, or set log.kafka.create_topics')),
  ]);
  refuse(await createTopics(admin, settings, absent));
  const partitions = await lookUp(shell, names);
  // A new topic is not known to every broker at once: the whole look is repeated.
  if (partitions.size < names.length) throw errorOfCode(UNKNOWN_TOPIC_OR_PARTITION);
  await assertLed(shell, partitions);
  await checkSettings(shell, own, partitions);
  return partitions;
}

async function lookTwice(shell: Shell, names: readonly string[]): Promise<TopicPartitions> {
  const found = await lookUp(shell, names);
  if (found.size === names.length) return found;
  await shell.connection.clock.sleep(SECOND_LOOK_MS);
  return lookUp(shell, names);
}

/** Those that are there. */
async function lookUp({ metadata }: Shell, names: readonly string[]): Promise<TopicPartitions> {
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

function missing(names: readonly string[], there: TopicPartitions, remedy: string): TopicProblem[] {
  return names
    .filter((name) => !there.has(name))
    .map((name) => ({ code: 'kafka_topic_missing', message: `there is no topic ${name}: ${remedy}` }));
}

/** One error for all problems, under the code of the first. */
function refuse(problems: readonly TopicProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  throw new KafkaUnusable(first.code, problems.map(({ message }) => message).join('\n'));
}

/**
 * Every partition answers on the broker that leads it. A broker that is still making one takes it into transactions all
 * the same, and does not get over their markers for half a minute (Kafka 4.3: WriteTxnMarkers stays without an answer).
 */
async function assertLed({ nodes, metadata }: Shell, partitions: TopicPartitions): Promise<void> {
  const all = [...partitions].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  try {
    const leaders = await Promise.all(all.map(({ topic, partition }) => metadata.leader(topic, partition)));
    const by_leader = Map.groupBy(all, (_, i) => leaders[i] as number);
    for (const [node, led] of by_leader) {
      const topics = [...Map.groupBy(led, ({ topic }) => topic)].map(([topic, of]) => ({
        topic,
        partitions: of.map(({ partition }) => ({ partition, timestamp: -1 as const })),
      }));
      await nodes.use(node, (broker) => broker.listOffsets({ replicaId: -1, isolationLevel: 0, topics }));
    }
  } catch (error) {
    for (const topic of partitions.keys()) metadata.forget(topic);
    throw error;
  }
}

async function checkSettings({ connection, admin }: Shell, own: Own, partitions: TopicPartitions): Promise<void> {
  const { resources } = await admin.describeConfigs({
    resources: own.map(([, name]) => ({ type: ConfigResourceTypes.TOPIC, name })),
    includeSynonyms: false,
  });
  const { topics } = await admin.fetchTopicMetadata({ topics: own.map(([, name]) => name) });
  const found = own.map(([topic, name]) => {
    const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
    const described = topics.find((one) => one.name === name)?.partitions ?? [];
    const facts: TopicFacts = {
      name,
      partitions: partitions.get(name) ?? 0,
      configuration: new Map(entries.map(({ configName, configValue }) => [configName, configValue])),
    };
    return { rule: ruleOf(topic), facts, replicas: Math.min(...described.map(({ replicas }) => replicas.length)) };
  });
  refuse(found.flatMap(({ rule, facts }) => problemsOf(rule, facts)));
  const weak = Map.groupBy(found, ({ facts, replicas }) => weaknessOf(facts, replicas) ?? 'none');
  weak.delete('none');
  for (const [reason, of] of weak) {
    const names = of.map(({ facts }) => facts.name);
    connection.telemetry.occurred('log_topics_weak', { reason }, { topics: names }, names.length);
  }
}

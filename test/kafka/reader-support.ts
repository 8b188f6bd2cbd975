import { type Admin, Kafka, logLevel, type Message } from 'kafkajs';
import { systemClock } from '../../services/platform/clock.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type KafkaConnection, openConnection } from '../../services/platform/kafka/connection.ts';
import type { KafkaReader } from '../../services/platform/kafka/reader-types.ts';
import type { KafkaSettings } from '../../services/platform/kafka/settings.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';

/** A connection to a broker of the tests, which needs no topics of ours. */
export function connect(brokers: readonly string[], changes: Partial<KafkaSettings> = {}): KafkaConnection {
  const settings: KafkaSettings = {
    brokers,
    client_id: 'countersign-test',
    allow_plaintext: true,
    prefix: 'countersign-test',
    instance: 'test',
    topics: { ...TOPICS, ledger: 'agent.ledger' },
    create_topics: false,
    partitions: 1,
    replication_factor: 1,
    session_timeout_ms: 6_000,
    transaction_timeout_ms: 6_000,
    source_topics: [],
    ...changes,
  };
  return openConnection({ settings, clock: systemClock, telemetry: silentTelemetry() });
}

/** kafkajs's own client, as a peer. */
export function peer(brokers: readonly string[]): Kafka {
  return new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 10, retries: 20, maxRetryTime: 500 },
  });
}

export async function withAdmin<T>(brokers: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = peer(brokers).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

export async function createTopic(
  brokers: readonly string[],
  topic: string,
  options: { readonly partitions?: number; readonly config?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const configEntries = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }));
  await withAdmin(brokers, async (admin) => {
    // kafkajs's own wait for leaders fails when the broker does not know the topic yet.
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: options.partitions ?? 1, configEntries }],
    });
    await until(async () => {
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false;
      } catch {
        return false;
      }
    });
  });
}

export async function produce(
  brokers: readonly string[],
  topic: string,
  messages: readonly Message[],
  partition = 0,
): Promise<void> {
  const producer = peer(brokers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({ topic, messages: messages.map((message) => ({ ...message, partition })) });
  } finally {
    await producer.disconnect();
  }
}

/** One transaction by kafkajs; the offsets of its markers are the one behind its last record of each partition. */
export async function transact(
  brokers: readonly string[],
  options: {
    readonly topic: string;
    readonly id: string;
    readonly values: readonly string[];
    readonly commit: boolean;
  },
): Promise<void> {
  const { topic, id, values, commit } = options;
  const producer = peer(brokers).producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  try {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
    if (commit) await transaction.commit();
    else await transaction.abort();
  } finally {
    await producer.disconnect();
  }
}

export const MOST = { records: 10_000, bytes: 16 * 1024 * 1024 };

/** Values of all records from the offset to the end, in reads of at most so many. */
export async function readValues(
  reader: KafkaReader,
  topic: string,
  options: { readonly partition?: number; readonly from?: number; readonly records?: number } = {},
): Promise<string[]> {
  const { partition = 0, records = MOST.records } = options;
  const values: string[] = [];
  for (let at = options.from ?? 0; ; ) {
    const read = await reader.read(topic, partition, at, { ...MOST, records });
    if (read.records.length === 0) return values;
    values.push(...read.records.map(({ value }) => value.toString()));
    at = read.next;
  }
}

const PATIENCE_MS = 40_000;

/** Resolves when the condition holds. A test that waits in vain fails, and does not keep its process running. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const begun = systemClock.elapsed();
  while (!(await condition())) {
    if (systemClock.elapsed() - begun > PATIENCE_MS) throw new Error('what was waited for does not come');
    await systemClock.sleep(10);
  }
}

/** Nothing else of this process runs meanwhile. */
export function standStill(ms: number): void {
  const begun = systemClock.elapsed();
  while (systemClock.elapsed() - begun < ms);
}

import kafkajs, { Kafka, logLevel } from 'kafkajs';
import { type Clock, systemClock } from '../../services/platform/clock.ts';
import { type KafkaLog, openKafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import {
  type KafkaSettings,
  physicalName,
  TOPIC_NAMES,
  type TopicName,
} from '../../services/platform/kafka/settings.ts';
import { silentTelemetry, type Telemetry } from '../../services/platform/telemetry.ts';
import type { LogPlace } from '../log/support.ts';
import { PARTITIONS } from '../log/support.ts';
import { uniquePrefix } from '../support/kafka/for-tests.ts';

const NAMES = Object.keys(TOPIC_NAMES) as TopicName[];

/** Settings for topics, groups and transactional ids that no other test of the run has. */
export function testSettings(brokers: readonly string[], changed: Partial<KafkaSettings> = {}): KafkaSettings {
  const prefix = uniquePrefix();
  return {
    brokers,
    client_id: 'countersign-test',
    allow_plaintext: false,
    prefix,
    instance: 'one',
    topics: Object.fromEntries(NAMES.map((name) => [name, `${prefix}.${name}`])) as Record<TopicName, string>,
    create_topics: true,
    partitions: PARTITIONS,
    replication_factor: 1,
    session_timeout_ms: 10_000,
    transaction_timeout_ms: 10_000,
    source_topics: [],
    ...changed,
  };
}

/** The public client of kafkajs, without its log: the independent peer of the tests. */
export function plainClient(brokers: readonly string[]): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId: 'peer',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20 },
  });
}

/** A log of its own topics on a broker; every handle is another process by name. */
export function kafkaPlace(brokers: readonly string[], changed: Partial<KafkaSettings> = {}) {
  const settings = testSettings(brokers, changed);
  let handles = 0;
  const admin = async <T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> => {
    const client = plainClient(brokers).admin();
    await client.connect();
    try {
      return await repeated(() => work(client));
    } finally {
      await client.disconnect();
    }
  };
  return {
    settings,
    admin,
    open: (
      clock: Clock = systemClock,
      how: Partial<KafkaSettings> & { readonly telemetry?: Telemetry } = {},
    ): Promise<KafkaLog> => {
      const { telemetry = silentTelemetry(), ...other } = how;
      return openKafkaLog({ settings: { ...settings, instance: `handle-${handles++}`, ...other }, clock, telemetry });
    },
    trim: (_, topic, partition, before_offset) =>
      admin(async (client) => {
        const name = physicalName(settings, topic);
        const ends = await client.fetchTopicOffsets(name);
        const end = Number(ends.find((of) => of.partition === partition)?.high);
        const offset = `${Math.min(end, before_offset)}`;
        await client.deleteTopicRecords({ topic: name, partitions: [{ partition, offset }] });
      }),
    // Topics stay: deleting one whose transactions still get their markers holds up every transaction of the broker.
    dispose: async () => {},
  } satisfies LogPlace & Record<string, unknown>;
}

/** What is new on the cluster is not known everywhere at once. */
async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 50 || !(error instanceof kafkajs.KafkaJSError && error.retriable)) throw error;
    }
    await systemClock.sleep(20);
  }
}

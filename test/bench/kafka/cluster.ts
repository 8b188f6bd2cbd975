import { Kafka, logLevel } from 'kafkajs';
import { kafkaSettings } from '../../../services/cli/service/kafka-settings.ts';
import { systemClock } from '../../../services/platform/clock.ts';
import { type LoadedConfig, loadConfig } from '../../../services/platform/config.ts';
import { openConnection } from '../../../services/platform/kafka/connection.ts';
import { TOPIC_NAMES, type TopicName } from '../../../services/platform/kafka/settings.ts';
import { silentTelemetry } from '../../../services/platform/telemetry.ts';
import type { PartArguments } from './messages.ts';
import { PARTITIONS } from './sizes.ts';

const NAMES = Object.keys(TOPIC_NAMES) as TopicName[];

/** The names of a part's topics on the cluster. */
export function topicsOf({ name, topics }: Pick<PartArguments, 'name' | 'topics'>): Record<TopicName, string> {
  return Object.fromEntries(NAMES.map((topic) => [topic, topics[topic] ?? `${name}.${topic}`])) as Record<
    TopicName,
    string
  >;
}

/** The configuration of a process as an operator would write it. */
export function configOf(given: PartArguments): LoadedConfig {
  const { part, brokers, name, data, store_url, session_timeout_ms } = given;
  // The road tells what the embedded road tells: sessions end on the clock of the recording.
  const recorded = part !== 'ingest';
  const topics = topicsOf(given);
  const loaded = loadConfig({
    cwd: data,
    environment: {},
    overrides: {
      data_dir: data,
      log: {
        partitions: PARTITIONS,
        kafka: {
          brokers: [...brokers],
          client_id: 'countersign-bench',
          group: name,
          topics,
          replication_factor: 1,
          ...(session_timeout_ms === undefined ? {} : { session_timeout_ms }),
        },
      },
      ingest: { sources: [{ topic: topics.raw, format: 'canonical', origin: 'bench', recorded }] },
      ...(store_url === undefined ? {} : { store: { url: store_url, database: 'default' } }),
    },
  });
  if (!loaded.ok) throw new Error(`the configuration does not load: ${JSON.stringify(loaded.problems)}`);
  return loaded;
}

/** kafkajs by its public interface, as sources use it. */
export function publicClient({ brokers }: Pick<PartArguments, 'brokers'>): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId: 'source',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, retries: 10 },
  });
}

/** Removes the topics that were a part's own, so that the disk holds one run at a time. */
export async function removeTopics(given: PartArguments): Promise<void> {
  const { config, secrets } = configOf(given);
  if (config.log.kafka === undefined) throw new Error('the configuration names no Kafka');
  const settings = kafkaSettings(config, config.log.kafka, secrets, 'bench');
  const connection = openConnection({ settings, clock: systemClock, telemetry: silentTelemetry() });
  const admin = connection.client({ retry: { retries: 5 } }).kafka.admin();
  try {
    await admin.connect();
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${given.name}.`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    connection.close();
  }
}

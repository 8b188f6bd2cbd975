import { join } from 'node:path';
import { TOPIC_NAMES } from '../../services/platform/kafka/settings.ts';
import { startFront } from '../support/clickhouse-http-front.ts';
import { type KafkaBroker, startKafka } from '../support/kafka/broker.ts';
import { KAFKA_VERSION } from '../support/kafka/jars.ts';
import { type OpenEnvironment, writeConfig } from './environment.ts';
import { type LogPlace, openLogAt } from './places.ts';
import { startServiceChild } from './process.ts';

const PROCESSES_MAX = 3;
const PARTITIONS = 6;
/** Short, so that being away for longer than that is a matter of seconds. */
const SESSION_MS = 3_000;
const TRANSACTION_MS = 6_000;

/**
 * Kafka 4.3.0 takes a transaction for complete without having written its markers to partitions that have no leader at
 * the moment (`KRaftMetadataCache.getPartitionLeaderEndpoint` answers as for a deleted topic; 3.9 and 4.1 answer that
 * nobody leads, and try again). Such a partition stands still for ever, and a lone broker that stops or comes back leads
 * none of its partitions for a while. So brokers are restarted in a version that has no such defect.
 */
const RESTARTED_VERSION = '3.9.1';

export type KafkaEnvironments = {
  /** `restarts`: the scenario stops and starts the broker. */
  open(restarts: boolean): OpenEnvironment;
  close(): Promise<void>;
};

/**
 * Clusters on one broker of each version: each scenario has topics, groups and a store of its own. `version`: whatever the
 * scenario does.
 */
export function kafkaEnvironments(version_wanted?: string): KafkaEnvironments {
  const brokers = new Map<string, Promise<KafkaBroker>>();
  let opened = 0;
  return {
    open: (restarts) => async (options) => {
      const version = version_wanted ?? (restarts ? RESTARTED_VERSION : KAFKA_VERSION);
      const broker = brokers.get(version) ?? startKafka({ version });
      brokers.set(version, broker);
      opened += 1;
      return openCluster(await broker, `s${options.seed}-${opened}`, options);
    },
    async close() {
      for (const broker of brokers.values()) await (await broker).dispose();
    },
  };
}

async function openCluster(
  broker: KafkaBroker,
  name: string,
  { folder, seed }: Parameters<OpenEnvironment>[0],
): ReturnType<OpenEnvironment> {
  const front = await startFront();
  const config = configOf(broker, front.url, name);
  const directory = (place: number): string => join(folder, `data-${place}`);
  for (let place = 0; place < PROCESSES_MAX; place++) writeConfig(directory(place), config);
  const harness = join(folder, 'harness');
  writeConfig(harness, config);
  const log: LogPlace = { kind: 'kafka', data: harness };
  let starts = 0;
  return {
    kind: 'kafka',
    folder,
    processes_max: PROCESSES_MAX,
    log,
    store: { kind: 'server', url: front.url, database: 'default' },
    start(place, trap) {
      starts += 1;
      const given = { data: directory(place), seed: seed + starts, ...(trap === undefined ? {} : { trap }) };
      return startServiceChild(given, join(folder, `process-${place}.log`));
    },
    openLog: () => openLogAt(log),
    cluster: { broker, front, session_timeout_ms: SESSION_MS },
    async close() {
      // Nobody needs its data any more.
      await front.kill();
      await front.close();
    },
  };
}

function configOf(broker: KafkaBroker, url: string, name: string): unknown {
  const topics = Object.keys(TOPIC_NAMES);
  return {
    listen: { port: 0 },
    log: {
      partitions: PARTITIONS,
      kafka: {
        brokers: broker.brokers,
        group: name,
        client_id: name,
        topics: Object.fromEntries(topics.map((topic) => [topic, `${name}.${topic}`])),
        replication_factor: 1,
        session_timeout_ms: SESSION_MS,
        transaction_timeout_ms: TRANSACTION_MS,
      },
    },
    store: { url, database: 'default' },
  };
}

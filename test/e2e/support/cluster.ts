import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { TOPIC_NAMES, type TopicName } from '../../../services/platform/kafka/settings.ts';
import { call, type ServiceProcess } from '../../support/service-process.ts';

/** One installation on a broker that others use as well: topics, groups and transactional ids of its own. */
export type Installation = {
  readonly brokers: readonly string[];
  readonly topics: Readonly<Record<TopicName, string>>;
  readonly environment: Readonly<Record<string, string>>;
};

const NAMES = Object.keys(TOPIC_NAMES) as TopicName[];

export function installationOn(brokers: readonly string[], prefix: string, partitions: number): Installation {
  const topics = Object.fromEntries(NAMES.map((name) => [name, `${prefix}.${name}`])) as Installation['topics'];
  return {
    brokers,
    topics,
    environment: {
      COUNTERSIGN_LOG_KAFKA_BROKERS: brokers.join(','),
      COUNTERSIGN_LOG_KAFKA_GROUP: prefix,
      COUNTERSIGN_LOG_KAFKA_REPLICATION_FACTOR: '1',
      COUNTERSIGN_LOG_KAFKA_SESSION_TIMEOUT_MS: '6000',
      COUNTERSIGN_LOG_KAFKA_TRANSACTION_TIMEOUT_MS: '6000',
      COUNTERSIGN_LOG_PARTITIONS: String(partitions),
      ...Object.fromEntries(NAMES.map((name) => [`COUNTERSIGN_LOG_KAFKA_TOPICS_${name.toUpperCase()}`, topics[name]])),
    },
  };
}

/** Sends lines with a real producer, to any partition. */
export async function produce(
  { brokers }: Installation,
  topic: string,
  records: readonly { readonly key?: string; readonly value: string; readonly partition?: number }[],
): Promise<void> {
  const producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  try {
    for (let from = 0; from < records.length; from += 1000) {
      const messages = records.slice(from, from + 1000).map((record) => ({ key: record.key ?? null, ...record }));
      await producer.send({ topic, messages });
    }
  } finally {
    await producer.disconnect();
  }
}

/** Makes a topic that is nobody's but its sources'. */
export async function createTopic({ brokers }: Installation, topic: string, partitions: number): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }] });
  } finally {
    await admin.disconnect();
  }
}

export type Receiver = { readonly url: string; readonly bodies: readonly string[]; close(): Promise<void> };

/** Takes every webhook. */
export async function receiver(): Promise<Receiver> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString('utf8'));
      response.writeHead(200).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    bodies,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export type Status = {
  readonly ready: boolean;
  readonly lag: number;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly sums: {
    readonly received: number;
    readonly accepted: number;
    readonly dead_lettered: number;
    readonly balanced: boolean;
  };
  readonly partitions: readonly {
    readonly partition: number;
    readonly here: boolean;
    readonly next_offset: number;
    readonly durable_offset: number;
    readonly counters: Readonly<Record<string, number>>;
  }[];
};

export async function statusOf(service: ServiceProcess, token: string): Promise<Status> {
  const { status, body } = await call(service, token, '/v1/status');
  if (status !== 200) throw new Error(`status answers ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Of one kind of record, what detect has counted over all partitions. */
export function counted({ partitions }: Status, kind: string): number {
  return partitions.reduce((sum, { counters }) => sum + (counters[kind] ?? 0), 0);
}

/** Waits for what must come; who waits in vain is ended by the test's time limit, and the last look says what for. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

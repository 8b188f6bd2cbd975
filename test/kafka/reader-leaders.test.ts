import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { KafkaConnection } from '../../services/platform/kafka/connection.ts';
import { openKafkaReader } from '../../services/platform/kafka/reader.ts';
import type { KafkaReader } from '../../services/platform/kafka/reader-types.ts';
import { type KafkaBroker, startKafka } from '../support/kafka/broker.ts';
import { whyNoJars } from '../support/kafka/jars.ts';
import { connect, MOST, produce, readValues, until, withAdmin } from './reader-support.ts';

const missing = whyNoJars();
const skip = missing === undefined ? false : `NOT RUN: no Kafka brokers can be started, ${missing}`;
const NEVER = new AbortController().signal;

describe('a cluster of two brokers', { skip }, () => {
  const topic = 'leaders';
  let brokers: readonly KafkaBroker[] = [];
  let all: readonly string[] = [];
  let connection: KafkaConnection;
  let reader: KafkaReader;

  before(async () => {
    const quorum = `127.0.0.1:${await freePort()}`;
    const common = { 'controller.quorum.voters': `1@${quorum}` };
    const first = startKafka({
      properties: { ...common, listeners: `PLAINTEXT://127.0.0.1:{port},CONTROLLER://${quorum}` },
    });
    const second = startKafka({
      properties: {
        ...common,
        'process.roles': 'broker',
        'node.id': '2',
        listeners: 'PLAINTEXT://127.0.0.1:{port}',
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      },
    });
    brokers = await Promise.all([first, second]);
    all = brokers.flatMap((broker) => broker.brokers);
    await withAdmin(all, (admin) =>
      admin.createTopics({
        waitForLeaders: false,
        topics: [
          {
            topic,
            replicaAssignment: [
              { partition: 0, replicas: [1] },
              { partition: 1, replicas: [2] },
            ],
          },
        ],
      }),
    );
    await until(async () => (await leaders()).join() === '1,2');
    connection = connect(all.slice(0, 1));
    reader = openKafkaReader(connection);
  });
  after(async () => {
    await reader?.close();
    connection?.close();
    await Promise.all(brokers.map((broker) => broker.dispose()));
  });
  const leaders = async (): Promise<readonly number[]> => {
    try {
      const { topics } = await withAdmin(all, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
      return [...(topics[0]?.partitions ?? [])]
        .sort((a, b) => a.partitionId - b.partitionId)
        .map(({ leader }) => leader);
    } catch {
      return [];
    }
  };
  const move = async (partition: number, node: number): Promise<void> => {
    await withAdmin(all, (admin) =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition, replicas: [node] }] }],
      }),
    );
    await until(async () => (await leaders())[partition] === node);
  };

  test('each partition is read from its leader', async () => {
    await produce(all, topic, [{ value: 'one' }], 0);
    await produce(all, topic, [{ value: 'two' }], 1);
    assert.deepEqual(await readValues(reader, topic, { partition: 0 }), ['one']);
    assert.deepEqual(await readValues(reader, topic, { partition: 1 }), ['two']);
  });

  test('a leader that moves is followed, by those who read and by those who wait', async () => {
    const waiting = [0, 1].map((partition) => reader.waitBeyond(topic, partition, 1, NEVER));
    await move(0, 2);
    await move(1, 1);
    assert.deepEqual(await reader.read(topic, 0, 1, MOST), { records: [], next: 1 });
    assert.deepEqual(await reader.offsets(topic, 1), { start: 0, stable: 1, end: 1 });
    await produce(all, topic, [{ value: 'three' }], 0);
    await produce(all, topic, [{ value: 'four' }], 1);
    await Promise.all(waiting);
    assert.deepEqual(await readValues(reader, topic, { partition: 0 }), ['one', 'three']);
    assert.deepEqual(await readValues(reader, topic, { partition: 1 }), ['two', 'four']);
  });

  test('what lies on a broker that is gone is unavailable, the rest is read as before', async () => {
    await brokers[1]?.kill();
    const [gone, there] = await Promise.allSettled([
      reader.read(topic, 0, 2, MOST),
      readValues(reader, topic, { partition: 1 }),
    ]);
    assert.equal(gone.status === 'rejected' && gone.reason.name, 'LogUnavailable');
    assert.deepEqual(there.status === 'fulfilled' && there.value, ['two', 'four']);
    await brokers[1]?.start();
    await until(async () => (await leaders()).join() === '2,1');
    assert.deepEqual(await readValues(reader, topic, { partition: 0 }), ['one', 'three']);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  await promisify(server.close.bind(server))();
  return port;
}

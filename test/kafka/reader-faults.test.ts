import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KafkaConnection } from '../../services/platform/kafka/connection.ts';
import { joinGroup } from '../../services/platform/kafka/group.ts';
import { openKafkaReader } from '../../services/platform/kafka/reader.ts';
import type { KafkaReader } from '../../services/platform/kafka/reader-types.ts';
import { type KafkaBroker, startKafka } from '../support/kafka/broker.ts';
import { whyNoJars } from '../support/kafka/jars.ts';
import { connect, createTopic, MOST, produce, readValues, until } from './reader-support.ts';

const missing = whyNoJars();
const skip = missing === undefined ? false : `NOT RUN: no Kafka broker can be started, ${missing}`;
const NEVER = new AbortController().signal;

describe('a broker that fails', { skip }, () => {
  const topic = 'faults';
  let broker: KafkaBroker;
  let connection: KafkaConnection;
  let reader: KafkaReader;
  before(async () => {
    broker = await startKafka();
    connection = connect(broker.brokers);
    reader = openKafkaReader(connection);
    await createTopic(broker.brokers, topic, { partitions: 2 });
    await produce(broker.brokers, topic, [{ value: 'first' }]);
  });
  after(async () => {
    await reader?.close();
    connection?.close();
    await broker?.dispose();
  });

  test('killed: reads and waits end as unavailable, and go on with the broker', async () => {
    assert.deepEqual(await readValues(reader, topic), ['first']);
    const unavailable = { name: 'LogUnavailable', reason: 'io' };
    const waiting = reader.waitBeyond(topic, 0, 1, NEVER);
    await Promise.all([
      assert.rejects(waiting, unavailable),
      broker
        .kill()
        .then(() =>
          Promise.all([
            assert.rejects(reader.read(topic, 0, 1, MOST), unavailable),
            assert.rejects(reader.offsets(topic, 0), unavailable),
            assert.rejects(reader.describe(topic), unavailable),
          ]),
        ),
    ]);
    await broker.start();
    const news = reader.waitBeyond(topic, 0, 1, NEVER);
    await produce(broker.brokers, topic, [{ value: 'second' }]);
    await news;
    assert.deepEqual(await readValues(reader, topic), ['first', 'second']);
  });

  test('restarted while somebody waits: the wait goes on', async () => {
    const { stable } = await reader.offsets(topic, 0);
    await broker.stop();
    const started = broker.start();
    const waiting = reader.waitBeyond(topic, 0, stable, NEVER).catch(() => reader.waitBeyond(topic, 0, stable, NEVER));
    await started;
    await produce(broker.brokers, topic, [{ value: 'third' }]);
    await waiting;
    assert.deepEqual(await readValues(reader, topic, { from: stable }), ['third']);
  });

  test('standing still: reads end as unavailable, the membership as lost, and both come back', async () => {
    const told: string[] = [];
    const subscription = await joinGroup(connection, {
      topic,
      group: 'still',
      session_timeout_ms: 3_000,
      heartbeat_ms: 100,
      listener: {
        assigned: async (partition) => void told.push(`assigned ${partition}`),
        revoked: async (partition, how) => void told.push(`${how} ${partition}`),
      },
    });
    await until(() => told.length === 2);
    const { stable } = await reader.offsets(topic, 0);
    broker.pause();
    try {
      // A signal takes its time: until every thread of the broker stands, a read may still be answered.
      const reads = until(() => reader.read(topic, 0, stable, MOST).then(() => false));
      await assert.rejects(reads, { name: 'LogUnavailable', reason: 'io' });
      assert.deepEqual(told.slice(2).sort(), ['lost 0', 'lost 1']);
    } finally {
      broker.resume();
    }
    await until(() => told.length === 6);
    assert.deepEqual(told.slice(4).sort(), ['assigned 0', 'assigned 1']);
    await until(async () => {
      const { next } = await reader.read(topic, 0, stable, MOST).catch(() => ({ next: -1 }));
      return next === stable;
    });
    await subscription.close();
  });
});

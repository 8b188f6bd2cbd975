import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../services/platform/clock.ts';
import { LogUnavailable, OffsetOutOfRange } from '../../services/platform/event-log.ts';
import type { KafkaConnection } from '../../services/platform/kafka/connection.ts';
import { openKafkaReader } from '../../services/platform/kafka/reader.ts';
import type { KafkaReader } from '../../services/platform/kafka/reader-types.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { connect, createTopic, MOST, peer, produce, readValues, transact, withAdmin } from './reader-support.ts';

const kafka = await kafkaForTests();
const NEVER = new AbortController().signal;

describe('the reader', { skip: kafka.skip }, () => {
  let connection: KafkaConnection;
  let reader: KafkaReader;
  before(() => {
    connection = connect(kafka.brokers);
    reader = openKafkaReader(connection);
  });
  after(async () => {
    await reader?.close();
    connection?.close();
  });
  const newTopic = async (options: Parameters<typeof createTopic>[2] = {}): Promise<string> => {
    const topic = uniquePrefix();
    await createTopic(kafka.brokers, topic, options);
    return topic;
  };
  const values = (count: number, from = 0): { readonly value: string }[] =>
    Array.from({ length: count }, (_, i) => ({ value: `${from + i}` }));
  const numbers = (count: number, from = 0): string[] => values(count, from).map(({ value }) => value);

  test('a topic has its partitions and, made anew, another generation', async () => {
    const topic = await newTopic({ partitions: 3 });
    const info = await reader.describe(topic);
    assert.equal(info.partitions, 3);
    assert.match(info.generation, /^[0-9a-f]{32}$/);
    assert.deepEqual(await reader.describe(topic), info);
    await withAdmin(kafka.brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await createTopic(kafka.brokers, topic, { partitions: 2 });
    const anew = await reader.describe(topic);
    assert.equal(anew.partitions, 2);
    assert.notEqual(anew.generation, info.generation);
  });

  test('an empty partition starts and ends at 0 and reads as nothing', async () => {
    const topic = await newTopic();
    assert.deepEqual(await reader.offsets(topic, 0), { start: 0, stable: 0, end: 0 });
    assert.deepEqual(await reader.read(topic, 0, 0, MOST), { records: [], next: 0 });
  });

  test('the time of a record is when the log took it, where the topic says so', async () => {
    const topic = await newTopic({ config: { 'message.timestamp.type': 'LogAppendTime' } });
    const begun = systemClock.now();
    await produce(kafka.brokers, topic, [{ value: 'a', timestamp: '1' }]);
    const [record] = (await reader.read(topic, 0, 0, MOST)).records;
    assert.ok(record !== undefined && record.append_ms >= begun && record.append_ms <= systemClock.now());
  });

  test('reads give what was asked for at most, and at least one record', async () => {
    const topic = await newTopic();
    await produce(kafka.brokers, topic, values(30));
    const counts = async (most: { records: number; bytes: number }): Promise<number> =>
      (await reader.read(topic, 0, 3, most)).records.length;
    assert.equal(await counts({ records: 7, bytes: 1 << 20 }), 7);
    assert.equal(await counts({ records: 7, bytes: 1 }), 1);
    assert.deepEqual(await readValues(reader, topic, { from: 12, records: 5 }), numbers(18, 12));
  });

  test('much more than is fetched at once is read ahead, within its bounds', async () => {
    const topic = await newTopic();
    const padding = 'x'.repeat(1_000);
    const producer = peer(kafka.brokers).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    for (let at = 0; at < 3_000; at += 250) {
      const messages = numbers(250, at).map((value) => ({ value: `${value} ${padding}` }));
      await producer.send({ topic, messages });
    }
    await producer.disconnect();
    for (const read_ahead_bytes_max of [0, 100_000, 10_000_000]) {
      const small = openKafkaReader(connection, { fetch_bytes: 100_000, read_ahead_bytes_max });
      const read = await readValues(small, topic, { records: 120 });
      assert.deepEqual(
        read.map((value) => value.split(' ')[0]),
        numbers(3_000),
      );
      await small.close();
    }
  });

  test('readers of one partition at several places do not disturb each other', async () => {
    const topic = await newTopic();
    await produce(kafka.brokers, topic, values(500));
    const read = await Promise.all([0, 0, 100, 250].map((from) => readValues(reader, topic, { from, records: 33 })));
    assert.deepEqual(
      read,
      [0, 0, 100, 250].map((from) => numbers(500 - from, from)),
    );
  });

  test('what is not decided is not read, and the end lies before it', async () => {
    const topic = await newTopic();
    await produce(kafka.brokers, topic, values(2));
    const producer = peer(kafka.brokers).producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'open' }] });
    await produce(kafka.brokers, topic, [{ value: 'behind it' }]);
    assert.deepEqual(await reader.offsets(topic, 0), { start: 0, stable: 2, end: 4 });
    assert.deepEqual(await readValues(reader, topic), ['0', '1']);
    assert.equal((await reader.read(topic, 0, 2, MOST)).next, 2);
    let woken = false;
    const waiting = reader.waitBeyond(topic, 0, 2, NEVER).then(() => {
      woken = true;
    });
    await transact(kafka.brokers, { topic: await newTopic(), id: `${topic}-other`, values: ['x'], commit: true });
    assert.equal(woken, false);
    await transaction.commit();
    await waiting;
    await producer.disconnect();
    assert.deepEqual(await readValues(reader, topic), ['0', '1', 'open', 'behind it']);
    const { stable } = await reader.offsets(topic, 0);
    assert.deepEqual(await reader.read(topic, 0, 4, MOST), { records: [], next: stable });
  });

  test('an aborted transaction is passed over, and whoever waits before it is told', async () => {
    const topic = await newTopic();
    const waiting = reader.waitBeyond(topic, 0, 0, NEVER);
    await transact(kafka.brokers, { topic, id: topic, values: ['never'], commit: false });
    await waiting;
    const { stable } = await reader.offsets(topic, 0);
    assert.equal(stable, 2);
    assert.deepEqual(await reader.read(topic, 0, 0, MOST), { records: [], next: 2 });
  });

  test('waiting ends with a record, on whichever partition, and its record is there', async () => {
    const topic = await newTopic({ partitions: 4 });
    for (const partition of [2, 0, 3, 2]) {
      const stop = new AbortController();
      const { stable } = await reader.offsets(topic, partition);
      const others = [0, 1, 2, 3]
        .filter((other) => other !== partition)
        .map((other) => reader.waitBeyond(topic, other, 100, stop.signal));
      const waiting = reader.waitBeyond(topic, partition, stable, NEVER);
      await produce(kafka.brokers, topic, [{ value: 'news' }], partition);
      await waiting;
      assert.deepEqual(await readValues(reader, topic, { partition, from: stable }), ['news']);
      stop.abort();
      await Promise.all(others);
    }
  });

  test('waiting ends with its signal, and does not delay anybody', { timeout: 20_000 }, async () => {
    const topic = await newTopic({ partitions: 2 });
    const stop = new AbortController();
    const waiting = Promise.all([0, 0, 0].map((offset) => reader.waitBeyond(topic, 1, offset, stop.signal)));
    // Each of these would wait for an open question if it went the same way.
    for (let i = 0; i < 100; i++) {
      await reader.read(topic, 0, 0, MOST);
      await reader.offsets(topic, 1);
    }
    stop.abort();
    await waiting;
    await reader.waitBeyond(topic, 1, 0, AbortSignal.abort());
  });

  test('keys are text whatever they are, and none is empty', async () => {
    const topic = await newTopic();
    const keys = ['k', '', null, Buffer.of(0xff, 0x41), 'schlüssel-€-😀'];
    await produce(
      kafka.brokers,
      topic,
      keys.map((key) => ({ key, value: 'v' })),
    );
    const { records } = await reader.read(topic, 0, 0, MOST);
    assert.deepEqual(
      records.map(({ key }) => key),
      ['k', '', '', '\ufffdA', 'schlüssel-€-😀'],
    );
  });

  test('a partition that does not exist is not waited for without end', async () => {
    const topic = await newTopic();
    const absent = await Promise.allSettled([
      reader.read(topic, 7, 0, MOST),
      reader.offsets(`${topic}-absent`, 0),
      reader.waitBeyond(topic, 7, 0, NEVER),
    ]);
    for (const outcome of absent) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof LogUnavailable, `${outcome.status}`);
      assert.equal(outcome.reason.reason, 'io');
    }
  });

  test('a closed reader says so, and nobody waits on', async () => {
    const topic = await newTopic();
    const closing = openKafkaReader(connection);
    await closing.read(topic, 0, 0, MOST);
    const waiting = closing.waitBeyond(topic, 0, 0, NEVER);
    await closing.close();
    await waiting;
    await assert.rejects(closing.read(topic, 0, 0, MOST), { name: 'LogUnavailable', reason: 'closed' });
    await assert.rejects(closing.offsets(topic, 0), { name: 'LogUnavailable', reason: 'closed' });
  });

  test('a topic made anew under a reader is out of range even where it is longer, and while it was away', async () => {
    const topic = await newTopic();
    await produce(kafka.brokers, topic, values(20));
    assert.equal((await reader.read(topic, 0, 0, MOST)).next, 20);
    await withAdmin(kafka.brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await assert.rejects(reader.read(topic, 0, 20, MOST), { name: 'LogUnavailable', reason: 'io' });
    await createTopic(kafka.brokers, topic);
    await produce(kafka.brokers, topic, values(30, 100));
    await assert.rejects(reader.read(topic, 0, 20, MOST), (error) => {
      assert.ok(error instanceof OffsetOutOfRange, `${error}`);
      assert.deepEqual(error.bounds, { start: 0, end: 30 });
      return true;
    });
    // Whoever knows that now reads the new one.
    assert.deepEqual(await readValues(reader, topic, { from: 20 }), numbers(10, 120));
  });
});

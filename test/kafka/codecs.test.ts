import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { CompressionTypes } from 'kafkajs';
import { type LogRecord, RecordsUnreadable } from '../../services/platform/event-log.ts';
import type { KafkaConnection } from '../../services/platform/kafka/connection.ts';
import { openKafkaReader } from '../../services/platform/kafka/reader.ts';
import type { KafkaReader } from '../../services/platform/kafka/reader-types.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { connect, createTopic, MOST, peer, readValues } from './reader-support.ts';

const kafka = await kafkaForTests();
const RECORDS = 600;
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const BOMBS = CODECS.slice(1);

/** What CodecsProducer.java writes as its i-th record. */
function expected(i: number): Omit<LogRecord, 'offset'> & { readonly offset: number } {
  const key = i % 7 === 3 ? '' : i % 7 === 5 ? Buffer.of(0xff, i).toString() : `key-${i}`;
  const scattered = ((i * 2654435761) % 4294967296).toString(36);
  const text = i % 11 === 6 ? '' : `value ${i} ${'x'.repeat(i % 300)}${scattered.repeat(i % 13)}`;
  const common = { offset: i, append_ms: 1_700_000_000_000 + i, key };
  if (i % 11 === 4) return { ...common, value: Buffer.alloc(0), tombstone: true };
  return { ...common, value: Buffer.from(text) };
}

describe('what real producers write', { skip: kafka.skip }, () => {
  const prefix = uniquePrefix();
  let connection: KafkaConnection;
  let reader: KafkaReader;

  before(async () => {
    const topics = [...CODECS, ...BOMBS.map((codec) => `bomb-${codec}`), 'transactions', 'kafkajs'];
    await Promise.all(topics.map((topic) => createTopic(kafka.brokers, `${prefix}-${topic}`)));
    const program = join(import.meta.dirname, 'CodecsProducer.java');
    const java = ['-XX:TieredStopAtLevel=1', '-cp', `${kafka.jars}/*`, program, kafka.brokers[0] ?? '', prefix];
    await promisify(execFile)('java', java);
    connection = connect(kafka.brokers);
    reader = openKafkaReader(connection, { batch_bytes_max: 1024 * 1024 });
  });
  after(async () => {
    await reader?.close();
    connection?.close();
  });

  for (const codec of CODECS) {
    test(`${codec}: keys, values, tombstones, times and headers`, async () => {
      const records: LogRecord[] = [];
      // In pieces that end within batches.
      for (let at = 0; at < RECORDS; ) {
        const read = await reader.read(`${prefix}-${codec}`, 0, at, { ...MOST, records: 37 });
        records.push(...read.records);
        at = read.next;
      }
      assert.deepEqual(
        records,
        Array.from({ length: RECORDS }, (_, i) => expected(i)),
      );
    });
  }

  for (const codec of BOMBS) {
    test(`${codec}: a batch that unpacks to more than allowed is told, and can be passed over`, async () => {
      const topic = `${prefix}-bomb-${codec}`;
      const first = await reader.read(topic, 0, 0, MOST);
      assert.deepEqual(
        first.records.map(({ value }) => value.toString()),
        ['before'],
      );
      assert.equal(first.next, 1);
      await assert.rejects(reader.read(topic, 0, 1, MOST), (error) => {
        assert.ok(error instanceof RecordsUnreadable);
        assert.deepEqual([error.offset, error.next, error.reason], [1, 2, 'too_large']);
        return true;
      });
      assert.deepEqual(await readValues(reader, topic, { from: 2 }), ['after']);
    });
  }

  test('of transactions that overlap only what was committed is read, from any offset', async () => {
    const topic = `${prefix}-transactions`;
    const committed = ['a0', 'p0', 'a1', 'b2', 'p1', 'a3'];
    assert.deepEqual(await readValues(reader, topic), committed);
    assert.deepEqual(await readValues(reader, topic, { records: 1 }), committed);
    const { stable, end } = await reader.offsets(topic, 0);
    assert.equal(stable, end);
    for (let from = 0; from <= stable; from++) {
      const values = await readValues(reader, topic, { from });
      assert.deepEqual(values, committed.slice(committed.length - values.length));
    }
    // The last transaction was aborted: nothing comes, and the reader is behind its marker.
    assert.deepEqual(await reader.read(topic, 0, stable - 2, MOST), { records: [], next: stable });
  });

  test('kafkajs: plain and gzip', async () => {
    const topic = `${prefix}-kafkajs`;
    const producer = peer(kafka.brokers).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      await producer.send({
        topic,
        compression,
        messages: [
          { key: 'a', value: 'one', headers: { trace: ['1', '2'] }, timestamp: '1700000000000' },
          { key: null, value: null, timestamp: '1600000000000' },
        ],
      });
    }
    await producer.disconnect();
    const { records, next } = await reader.read(topic, 0, 0, MOST);
    assert.equal(next, 4);
    assert.deepEqual(
      records,
      [0, 2].flatMap((base) => [
        { offset: base, append_ms: 1_700_000_000_000, key: 'a', value: Buffer.from('one') },
        { offset: base + 1, append_ms: 1_600_000_000_000, key: '', value: Buffer.alloc(0), tombstone: true },
      ]),
    );
  });
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, type TestOptions, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../schemas/limits.ts';
import { systemClock } from '../../services/platform/clock.ts';
import {
  type EventLog,
  LogUnavailable,
  type LogWrite,
  OffsetOutOfRange,
  PositionConflict,
  TOPICS,
} from '../../services/platform/event-log.ts';
import { partitionOf } from '../../services/platform/partitioner.ts';
import { ALL, type LogPlace, PARTITIONS, readAll, record } from './support.ts';

/**
 * What every implementation of the seam promises (services/platform/event-log.ts). Offsets may have holes, and the time
 * of an append is the log's own: what a log promises beyond that stands in its own tests.
 */
export function describeLog(name: string, makePlace: () => Promise<LogPlace>, options: TestOptions = {}): void {
  describe(name, options, () => {
    const clock = systemClock;
    let place: LogPlace;
    let log: EventLog;
    beforeEach(async () => {
      place = await makePlace();
      log = await place.open(clock);
    });
    afterEach(async () => {
      await log.close();
      await place.dispose();
    });
    const endOf = async (partition: number): Promise<number> => (await log.bounds(TOPICS.events, partition)).end;
    const reopen = async (): Promise<void> => {
      // What this handle sees of its own writes, every other one sees as well; without a look that may take a moment.
      await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => endOf(partition)));
      await log.bounds(TOPICS.dead, 0);
      await log.close();
      log = await place.open(clock);
    };
    const values = async (partition: number): Promise<string[]> =>
      (await readAll(log, TOPICS.events, partition)).map((r) => r.value.toString());

    test('topics have their partitions and a generation that lasts', async () => {
      const events = await log.describe(TOPICS.events);
      assert.equal(events.partitions, PARTITIONS);
      assert.equal((await log.describe(TOPICS.alerts)).partitions, PARTITIONS);
      for (const topic of [TOPICS.dead, TOPICS.feed, TOPICS.commands, TOPICS.control]) {
        assert.equal((await log.describe(topic)).partitions, 1);
      }
      await reopen();
      assert.deepEqual(await log.describe(TOPICS.events), events);
      const other = await makePlace();
      const stranger = await other.open(clock);
      assert.notEqual((await stranger.describe(TOPICS.events)).generation, events.generation);
      await stranger.close();
      await other.dispose();
    });

    test('an empty partition starts and ends at 0 and reads as nothing', async () => {
      assert.deepEqual(await log.bounds(TOPICS.events, 0), { start: 0, end: 0 });
      assert.deepEqual(await log.read(TOPICS.events, 0, 0, ALL), { records: [], next: 0 });
      assert.equal(await log.position('nobody'), undefined);
      assert.equal((await log.counters()).size, 0);
    });

    test('records come back in order, with offsets, keys, times and bytes', async () => {
      const before = clock.now();
      const first = await log.transact({ records: [record('a', 'one', 1), record('b', 'two', 1)] });
      const second = await log.transact({ records: [record('c', 'three', 1)] });
      const appended = [...first.offsets, ...second.offsets];
      assert.ok(appended.every(({ partition }) => partition === 1));
      const offsets = appended.map(({ offset }) => offset);
      assert.ok(offsets.every((offset, i) => i === 0 || offset > (offsets[i - 1] ?? 0)));
      const { start, end } = await log.bounds(TOPICS.events, 1);
      assert.equal(start, 0);
      assert.ok(end > (offsets.at(-1) ?? 0));
      await reopen();
      const read = await readAll(log, TOPICS.events, 1);
      assert.deepEqual(
        read.map(({ offset, key, value }) => [offset, key, value.toString()]),
        [
          [offsets[0], 'a', 'one'],
          [offsets[1], 'b', 'two'],
          [offsets[2], 'c', 'three'],
        ],
      );
      for (const { append_ms } of read) {
        assert.ok(Number.isInteger(append_ms));
        assert.ok(append_ms >= Math.floor(before) && append_ms <= clock.now());
      }
      const second_on = (await log.read(TOPICS.events, 1, offsets[1] ?? 0, ALL)).records.map((r) => r.key);
      assert.deepEqual(second_on, ['b', 'c']);
      assert.deepEqual(await log.read(TOPICS.events, 1, end, ALL), { records: [], next: end });
    });

    test('the key chooses the partition, unless the writer does', async () => {
      const keys = Array.from({ length: 50 }, (_, i) => `identity-${i}`);
      const { offsets } = await log.transact({ records: keys.map((key) => record(key, key)) });
      assert.deepEqual(
        offsets.map((o) => o.partition),
        keys.map((key) => partitionOf(key, PARTITIONS)),
      );
      for (let partition = 0; partition < PARTITIONS; partition++) {
        assert.deepEqual(
          await values(partition),
          keys.filter((key) => partitionOf(key, PARTITIONS) === partition),
        );
      }
    });

    test('one write reaches several topics, positions and counters together', async () => {
      await log.transact({
        records: [record('a', 'event', 0), { topic: TOPICS.dead, key: '', value: Buffer.from('dead') }],
        positions: [{ name: 'source', position: 'file:10' }],
        counters: [
          { name: 'received', add: 2 },
          { name: 'dead', add: 1 },
        ],
      });
      await log.transact({
        records: [],
        positions: [{ name: 'source', position: 'file:20' }],
        counters: [{ name: 'received', add: 40 }],
      });
      await reopen();
      assert.equal((await log.read(TOPICS.dead, 0, 0, ALL)).records.length, 1);
      assert.equal(await log.position('source'), 'file:20');
      assert.deepEqual([...(await log.counters())].sort(), [
        ['dead', 1],
        ['received', 42],
      ]);
    });

    test('a write in conflict leaves nothing behind', async () => {
      const write = (position: string, expected: string | undefined): LogWrite => ({
        records: [record('a', position, 0)],
        positions: [{ name: 'fence', position }],
        counters: [{ name: 'writes', add: 1 }],
        expect: { name: 'fence', position: expected },
      });
      await log.transact(write('1', undefined));
      await assert.rejects(log.transact(write('2', undefined)), PositionConflict);
      await assert.rejects(log.transact(write('2', '0')), PositionConflict);
      await log.transact(write('2', '1'));
      assert.deepEqual(await values(0), ['1', '2']);
      assert.equal((await log.counters()).get('writes'), 2);
    });

    test('of writers that expect the same position one gets through, also from another handle', async () => {
      const other = await place.open(clock);
      const outcomes = await Promise.allSettled(
        [log, other, log, other].map((writer, i) =>
          writer.transact({
            records: [record('a', `writer ${i}`, 0)],
            positions: [{ name: 'fence', position: 'taken' }],
            expect: { name: 'fence', position: undefined },
          }),
        ),
      );
      await other.close();
      const lost = outcomes.filter((o) => o.status === 'rejected');
      assert.equal(lost.length, 3);
      for (const { reason } of lost) assert.ok(reason instanceof PositionConflict);
      await log.waitBeyond(TOPICS.events, 0, 0, new AbortController().signal);
      assert.equal((await values(0)).length, 1);
    });

    test('writes of one turn keep their order, and one that fails fails alone', async () => {
      const writes = Array.from({ length: 40 }, (_, i) =>
        log.transact({
          records: [record('k', `${i}`, 2)],
          ...(i % 4 === 3 ? { expect: { name: 'never', position: 'set' } } : {}),
        }),
      );
      const outcomes = await Promise.allSettled(writes);
      outcomes.forEach((outcome, i) => {
        assert.equal(outcome.status, i % 4 === 3 ? 'rejected' : 'fulfilled');
      });
      const expected = Array.from({ length: 40 }, (_, i) => i).filter((i) => i % 4 !== 3);
      assert.deepEqual(await values(2), expected.map(String));
    });

    test('reading stops at the asked number and bytes, and always gives one', async () => {
      const { offsets } = await log.transact({
        records: Array.from({ length: 10 }, (_, i) => record('k', `${i}`.repeat(100), 0)),
      });
      const end = await endOf(0);
      const count = async (offset: number, records: number, bytes: number): Promise<number> => {
        const read = await log.read(TOPICS.events, 0, offset, { records, bytes });
        const last = read.records.at(-1);
        assert.ok(read.next > (last?.offset ?? -1) && read.next <= end);
        return read.records.length;
      };
      const eighth = offsets[8]?.offset ?? 0;
      assert.equal(await count(0, 4, 1e9), 4);
      assert.equal(await count(eighth, 4, 1e9), 2);
      assert.equal(await count(0, 100, 1), 1);
      assert.equal(await count(0, 100, 250), 3);
      assert.equal(await count(end, 100, 1), 0);
    });

    test('an offset outside the log is an error, not an empty answer', async () => {
      const { offsets } = await log.transact({ records: Array.from({ length: 6 }, (_, i) => record('k', `${i}`, 0)) });
      const at = (index: number): number => offsets[index]?.offset ?? -1;
      const end = await endOf(0);
      await assert.rejects(log.read(TOPICS.events, 0, end + 1, ALL), OffsetOutOfRange);
      await assert.rejects(log.read(TOPICS.events, 0, -1, ALL), OffsetOutOfRange);
      await place.trim(log, TOPICS.events, 0, at(4));
      assert.deepEqual(await log.bounds(TOPICS.events, 0), { start: at(4), end });
      await assert.rejects(log.read(TOPICS.events, 0, at(3), ALL), (error) => {
        assert.ok(error instanceof OffsetOutOfRange);
        assert.deepEqual([error.bounds.start, error.bounds.end], [at(4), end]);
        return true;
      });
      assert.deepEqual(await values(0), ['4', '5']);
      await place.trim(log, TOPICS.events, 0, end + 99);
      assert.deepEqual(await log.bounds(TOPICS.events, 0), { start: end, end });
      const after = await log.transact({ records: [record('k', 'after', 0)] });
      assert.ok((after.offsets[0]?.offset ?? -1) >= end);
      await reopen();
      assert.deepEqual(await values(0), ['after']);
    });

    test('what no log could take is refused before anything is written', async () => {
      const refused: LogWrite[] = [
        { records: [record('k', 'v', PARTITIONS)] },
        { records: [record('k', 'v', -1)] },
        { records: [record('k', 'v', 0.5)] },
        { records: [record('k', Buffer.alloc(LIMITS.log_record_bytes_max))] },
        { records: [], counters: [{ name: 'c', add: Number.NaN }] },
        { records: [], counters: [{ name: 'c', add: 0.5 }] },
      ];
      for (const write of refused) await assert.rejects(log.transact(write), RangeError);
      assert.equal((await log.counters()).size, 0);
    });

    test('large and empty records keep every byte', async () => {
      const large = Buffer.alloc(5 * 1024 * 1024, 'large ');
      await log.transact({ records: [record('a', 'before', 0), record('b', large, 0), record('c', '', 0)] });
      await reopen();
      const read = await readAll(log, TOPICS.events, 0, { records: 2, bytes: 1 });
      assert.deepEqual(
        read.map((r) => r.value.length),
        [6, large.length, 0],
      );
      assert.ok(read[1]?.value.equals(large));
    });

    test('hostile keys come back as they were', async () => {
      const keys = ['', '\u0000', 'a\u0000b', "'; DROP TABLE streams; --", '\ud800', '\udc00\ud800', '🜏', 'ÿ', 'Ā'];
      keys.push('__proto__', 'x'.repeat(100_000), '\u202e\u0007');
      await log.transact({ records: keys.map((key, i) => record(key, `${i}`, 0)) });
      await reopen();
      assert.deepEqual(
        (await readAll(log, TOPICS.events, 0)).map((r) => r.key),
        keys,
      );
    });

    test('any writes read back as the same records, in whatever portions', async () => {
      const anyRecord = fc.record({
        key: fc.string({ unit: 'binary', maxLength: 12 }),
        value: fc.uint8Array({ maxLength: 40 }),
        partition: fc.nat({ max: PARTITIONS - 1 }),
      });
      const anyWrites = fc.array(fc.array(anyRecord, { maxLength: 20 }), { maxLength: 12 });
      const anyMost = fc.record({ records: fc.integer({ min: 1, max: 9 }), bytes: fc.integer({ min: 1, max: 200 }) });
      await fc.assert(
        fc.asyncProperty(anyWrites, anyMost, async (writes, most) => {
          const from = await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => endOf(p)));
          await Promise.all(
            writes.map((records) =>
              log.transact({ records: records.map((r) => record(r.key, Buffer.from(r.value), r.partition)) }),
            ),
          );
          for (let partition = 0; partition < PARTITIONS; partition++) {
            const expected = writes.flat().filter((r) => r.partition === partition);
            const read = (await readAll(log, TOPICS.events, partition, most)).slice(-expected.length || undefined);
            assert.ok((await endOf(partition)) >= (from[partition] ?? 0) + expected.length);
            if (expected.length === 0) continue;
            assert.deepEqual(
              read.map((r) => [r.key, [...r.value]]),
              expected.map((r) => [r.key, [...r.value]]),
            );
          }
        }),
        { numRuns: 40 },
      );
    });

    test('waiting ends with an append, own or of another handle, and with an abort', async () => {
      const forever = new AbortController();
      const append = (writer: EventLog) => writer.transact({ records: [record('k', 'v', 0)] });
      const own = log.waitBeyond(TOPICS.events, 0, 0, forever.signal);
      await append(log);
      await own;
      await log.waitBeyond(TOPICS.events, 0, 0, forever.signal);

      const other = await place.open(clock);
      const seen = await endOf(0);
      const foreign = log.waitBeyond(TOPICS.events, 0, seen, forever.signal);
      await append(other);
      await foreign;
      await other.close();

      let settled = false;
      const end = await endOf(0);
      const aborted = log.waitBeyond(TOPICS.events, 0, end, forever.signal).then(() => {
        settled = true;
      });
      await log.transact({ records: [record('k', 'v', 1)] });
      assert.equal(settled, false, 'another partition has grown, not this one');
      forever.abort();
      await aborted;
      await log.waitBeyond(TOPICS.events, 0, end, forever.signal);
    });

    test('a subscriber that is alone is given every partition', async () => {
      const assigned: number[] = [];
      const { promise: complete, resolve } = Promise.withResolvers<void>();
      const subscription = await log.subscribe(TOPICS.events, 'detect', {
        assigned: async (partition) => {
          assigned.push(partition);
          if (assigned.length === PARTITIONS) resolve();
        },
        revoked: async (_, how) => assert.equal(how, 'handed_over'),
      });
      await complete;
      assert.deepEqual(assigned.sort(), [0, 1, 2]);
      await subscription.show([{ partition: 0, next: 0 }]);
      await subscription.close();
    });

    test('closing carries out what was asked for and refuses what comes after', async () => {
      const last = log.transact({ records: [record('k', 'last', 0)] });
      const waiting = log.waitBeyond(TOPICS.events, 1, 0, new AbortController().signal);
      await log.close();
      await Promise.all([last, waiting]);
      const isClosed = (error: unknown): boolean => error instanceof LogUnavailable && error.reason === 'closed';
      await assert.rejects(log.transact({ records: [] }), isClosed);
      await assert.rejects(log.read(TOPICS.events, 0, 0, ALL), isClosed);
      log = await place.open(clock);
      await log.waitBeyond(TOPICS.events, 0, 0, new AbortController().signal);
      assert.deepEqual(await values(0), ['last']);
    });
  });
}

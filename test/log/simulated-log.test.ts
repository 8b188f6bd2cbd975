import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../services/platform/clock.ts';
import { LogUnavailable, type LogWrite, TOPICS } from '../../services/platform/event-log.ts';
import { type Fault, newDisk, openSimulatedLog, randomFaults } from '../support/simulated-log.ts';
import { readAll } from './support.ts';

const write = (text: string): LogWrite => ({
  records: [{ topic: TOPICS.events, key: 'k', value: Buffer.from(text) }],
  counters: [{ name: 'writes', add: 1 }],
});
const texts = async (disk: ReturnType<typeof newDisk>): Promise<string[]> =>
  (await readAll(openSimulatedLog({ disk, clock: systemClock }), TOPICS.events, 0)).map((r) => r.value.toString());
const emptyDisk = () => newDisk({ partitions: 1, random: () => 0.5 });
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('faults of the simulated log', () => {
  test('a failed write is durable or not, and the handle lives on', async () => {
    const disk = emptyDisk();
    const faults: Fault[] = [{ fail: 'before' }, { fail: 'after' }, {}];
    const log = openSimulatedLog({ disk, clock: systemClock, faults: () => faults.shift() ?? {} });
    const outcomes = await Promise.allSettled(['lost', 'kept', 'fine'].map((text) => log.transact(write(text))));
    assert.deepEqual(
      outcomes.map((o) => (o.status === 'rejected' ? o.reason instanceof LogUnavailable : 'written')),
      [true, true, 'written'],
    );
    assert.deepEqual(await texts(disk), ['kept', 'fine']);
    assert.equal(disk.counters.get('writes'), 2);
  });

  test('after a crash nothing settles, and the disk holds what was durable', async () => {
    for (const crash of ['before', 'after'] as const) {
      const disk = emptyDisk();
      let crashed = 0;
      const log = openSimulatedLog({
        disk,
        clock: systemClock,
        faults: (operation) => (operation === 'transact' ? { crash } : {}),
        crashed: () => crashed++,
      });
      let settled = 0;
      const settle = (): void => void settled++;
      for (const promise of [
        log.waitBeyond(TOPICS.events, 0, 0, new AbortController().signal),
        log.transact(write('first')),
        log.transact(write('second')),
        log.transact(write('third')).then(() => log.bounds(TOPICS.events, 0)),
      ]) {
        promise.then(settle, settle);
      }
      await turns();
      log.bounds(TOPICS.events, 0).then(settle, settle);
      await turns();
      assert.deepEqual([settled, crashed], [crash === 'after' ? 1 : 0, 1]);
      assert.deepEqual(await texts(disk), crash === 'after' ? ['first'] : []);
    }
  });

  test('delays use the given clock only, and keep the order of writes', async () => {
    const disk = emptyDisk();
    const slept: number[] = [];
    const clock = { ...systemClock, sleep: async (ms: number) => void slept.push(ms) };
    const delays = [7, 3, 5];
    const log = openSimulatedLog({ disk, clock, faults: () => ({ delay_ms: delays.shift() ?? 0 }) });
    await Promise.all(['a', 'b', 'c'].map((text) => log.transact(write(text))));
    assert.deepEqual(slept, [7, 3, 5]);
    assert.deepEqual(await texts(disk), ['a', 'b', 'c']);
  });

  test('skipped offsets leave gaps that readers step over', async () => {
    const disk = emptyDisk();
    const log = openSimulatedLog({ disk, clock: systemClock, faults: () => ({ offsets_skipped: 2, records_max: 1 }) });
    for (const text of ['a', 'b']) await log.transact(write(text));
    const read = await readAll(log, TOPICS.events, 0);
    assert.deepEqual(
      read.map((r) => [r.offset, r.value.toString()]),
      [
        [2, 'a'],
        [5, 'b'],
      ],
    );
  });

  test('the same random numbers give the same faults', () => {
    const plan = () => {
      let state = 7;
      const random = (): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      };
      const faults = randomFaults(random, { fail: 0.3, delay: 0.3, delay_ms_max: 50, skip: 0.2 });
      return Array.from({ length: 200 }, (_, i) => faults(i % 2 === 0 ? 'transact' : 'read'));
    };
    assert.deepEqual(plan(), plan());
    assert.ok(plan().some((fault) => fault.fail === 'before') && plan().some((fault) => fault.fail === 'after'));
    assert.ok(plan().some((fault) => fault.offsets_skipped !== undefined));
  });
});

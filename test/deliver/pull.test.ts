import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../schemas/limits.ts';
import { CURSOR_ERRORS, decodeCursor, encodeCursor } from '../../services/deliver/cursor.ts';
import { type PullPage, type PullRequest, readFeed } from '../../services/deliver/pull.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { openSimulatedLog, trimSimulated } from '../support/simulated-log.ts';
import { hastyClock, manualClock, revisionOf, settled, simulated, writeFeed } from './support.ts';

async function page(log: EventLog, request: PullRequest): Promise<PullPage> {
  const result = await readFeed(log, request);
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

const uidsOf = (items: PullPage['items']) => items.map((item) => item.metadata.uid);

describe('a reader with a cursor', () => {
  const actions = fc.array(
    fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ read: fc.integer({ min: 1, max: 7 }), forgets: fc.boolean() }),
    ),
    { maxLength: 40 },
  );

  it('gets each item once and in order, in any interleaving of appends and reads', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (steps) => {
        const { disk } = simulated();
        const holey = openSimulatedLog({
          disk,
          clock: hastyClock(),
          faults: () => ({ offsets_skipped: 2, records_max: 3 }),
        });
        const appended: string[] = [];
        const got: string[] = [];
        let cursor: string | undefined;
        const read = async (limit: number) => page(holey, { limit, ...(cursor === undefined ? {} : { cursor }) });
        for (const step of steps) {
          if ('append' in step) {
            const alerts = Array.from({ length: step.append }, (_, i) => revisionOf(`a${appended.length + i}`, 1));
            await writeFeed(holey, alerts);
            appended.push(...alerts.map(({ uid }) => `${uid}:1`));
            continue;
          }
          const answer = await read(step.read);
          assert.ok(answer.items.length <= step.read);
          // The reader crashed before it kept the answer: it asks again with the cursor it has, and gets the same.
          if (step.forgets) continue;
          got.push(...uidsOf(answer.items));
          cursor = answer.next_cursor;
          assert.equal(answer.more, got.length < appended.length);
        }
        for (let more = true; more; ) {
          const answer = await read(5);
          got.push(...uidsOf(answer.items));
          cursor = answer.next_cursor;
          more = answer.more;
        }
        assert.deepEqual(got, appended);
      }),
      { numRuns: 80 },
    );
  });

  it('is given only what the filter wants, and passes over the rest without losing its place', async () => {
    const { log } = simulated();
    await writeFeed(log, [
      revisionOf('a', 1, { severity: 'low' }),
      revisionOf('b', 1, { severity: 'critical' }),
      revisionOf('c', 1, { severity: 'critical', tenant: 'other' }),
      revisionOf('d', 1, { severity: 'medium', status: 'closed' }),
    ]);
    const uids = async (filter: PullRequest['filter'] & object) =>
      uidsOf((await page(log, { limit: 10, filter })).items).join();
    assert.equal(await uids({}), 'a:1,b:1,c:1,d:1');
    assert.equal(await uids({ severity_min: 'medium' }), 'b:1,c:1,d:1');
    assert.equal(await uids({ severity_min: 'high', tenant: 'default' }), 'b:1');
    assert.equal(await uids({ status: 'closed' }), 'd:1');
    assert.equal(await uids({ identity: 'agent:somebody-else' }), '');
    const none = await page(log, { limit: 10, filter: { identity: 'agent:somebody-else' } });
    assert.equal(none.more, false);
    const after = await page(log, { limit: 10, cursor: none.next_cursor });
    assert.deepEqual(after.items, []);
  });

  it('reads a bounded part of the feed in one request, whatever the filter', async () => {
    const { log } = simulated();
    const alerts = Array.from({ length: LIMITS.fetch_records_max + 100 }, (_, i) => revisionOf(`a${i}`, 1));
    await writeFeed(log, alerts);
    const filter = { tenant: 'nobody' };
    const first = await page(log, { limit: 5, filter });
    assert.deepEqual([first.items.length, first.more], [0, true]);
    const second = await page(log, { limit: 5, filter, cursor: first.next_cursor });
    assert.deepEqual([second.items.length, second.more], [0, false]);
  });

  it('starts at what retention has left when it has no cursor', async () => {
    const { disk, log } = simulated();
    await writeFeed(
      log,
      [1, 2, 3].map((revision) => revisionOf('a', revision)),
    );
    trimSimulated(disk, TOPICS.feed, 0, 1);
    assert.deepEqual(uidsOf((await page(log, { limit: 10 })).items), ['a:2', 'a:3']);
  });

  it('may not ask for no item or for too many', async () => {
    const { log } = simulated();
    for (const limit of [0, 1.5, LIMITS.page_items_max + 1, Number.NaN]) {
      await assert.rejects(readFeed(log, { limit }), RangeError);
    }
  });
});

describe('a cursor that cannot be honoured', () => {
  const feed = { generation: 'g1', start: 10, end: 20 };
  const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const cases: Record<(typeof CURSOR_ERRORS)[number], string[]> = {
    cursor_malformed: [
      '',
      '!!',
      'x'.repeat(5000),
      text({}),
      text([1, 'g1']),
      text([1, 'g1', -1]),
      text([1, 'g1', 1.5]),
      'bm90IGpzb24',
    ],
    cursor_version: [text([2, 'g1', 15])],
    cursor_generation: [encodeCursor('g0', 15)],
    cursor_expired: [encodeCursor('g1', 9)],
    cursor_beyond_end: [encodeCursor('g1', 21)],
  };
  for (const code of CURSOR_ERRORS) {
    it(`is refused as ${code}, with the remedy`, () => {
      for (const cursor of cases[code]) {
        const result = decodeCursor(cursor, feed);
        assert.ok(!result.ok, cursor);
        assert.equal(result.error.code, code, cursor);
        assert.match(result.error.message, /Send|Upgrade|Start again/);
      }
    });
  }

  it('comes back from the reader as it is', async () => {
    const { log } = simulated();
    const result = await readFeed(log, { limit: 1, cursor: encodeCursor('of-another-feed', 0) });
    assert.equal(!result.ok && result.error.code, 'cursor_generation');
  });

  it('and any other text never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (cursor) => {
        const result = decodeCursor(cursor, feed);
        assert.ok(result.ok || CURSOR_ERRORS.includes(result.error.code));
      }),
    );
  });
});

describe('a long poll', () => {
  it('is answered by the first item that comes', async () => {
    const { log } = simulated();
    const clock = manualClock();
    const { next_cursor } = await page(log, { limit: 10 });
    const signal = new AbortController().signal;
    const waiting = page(log, { limit: 10, cursor: next_cursor, wait: { ms: 30_000, clock, signal } });
    await settled();
    await clock.advance(29_000);
    await writeFeed(log, [revisionOf('a', 1)]);
    assert.deepEqual(uidsOf((await waiting).items), ['a:1']);
    assert.deepEqual(clock.due(), [], 'the timer was taken back');
  });

  it('goes on waiting when what came is not wanted', async () => {
    const { log } = simulated();
    const clock = manualClock();
    const signal = new AbortController().signal;
    const filter = { severity_min: 'critical' } as const;
    const waiting = page(log, { limit: 10, filter, wait: { ms: 30_000, clock, signal } });
    await settled();
    await writeFeed(log, [revisionOf('a', 1, { severity: 'low' })]);
    await settled();
    await writeFeed(log, [revisionOf('b', 1, { severity: 'critical' })]);
    assert.deepEqual(uidsOf((await waiting).items), ['b:1']);
  });

  it('ends with an empty page and a cursor when its time is over, and never lasts longer than the limit', async () => {
    const { log } = simulated();
    const clock = manualClock();
    const signal = new AbortController().signal;
    const waiting = page(log, { limit: 10, wait: { ms: Number.MAX_SAFE_INTEGER, clock, signal } });
    await settled();
    assert.deepEqual(clock.due(), [LIMITS.pull_wait_ms_max]);
    await clock.advance(LIMITS.pull_wait_ms_max);
    const { items, next_cursor, more } = await waiting;
    assert.deepEqual([items, more], [[], false]);
    await writeFeed(log, [revisionOf('a', 1)]);
    assert.deepEqual(uidsOf((await page(log, { limit: 10, cursor: next_cursor })).items), ['a:1']);
  });

  it('ends when its client goes away', async () => {
    const { log } = simulated();
    const client = new AbortController();
    const wait = { ms: 30_000, clock: manualClock(), signal: client.signal };
    const waiting = page(log, { limit: 10, wait });
    await settled();
    client.abort();
    assert.deepEqual((await waiting).items, []);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { FEED_POSITION, type Feeder, openFeeder, runFeed } from '../../services/deliver/feed.ts';
import { decodePosition, encodePosition, newFeedMemory, planFeed, remember } from '../../services/deliver/feed-core.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { noGaps } from '../support/no-gaps.ts';
import { type Fault, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';
import { until } from './receiver.ts';
import {
  alertBytes,
  feedKeys,
  hastyClock,
  manualClock,
  revisionOf,
  settled,
  simulated,
  writeAlerts,
} from './support.ts';

const telemetry = silentTelemetry();

async function open(log: EventLog): Promise<Feeder> {
  const opened = await openFeeder({ log, clock: hastyClock(), telemetry, gaps: noGaps() });
  assert.ok(opened.kind === 'feeder', JSON.stringify(opened));
  return opened;
}

async function feedAll(log: EventLog): Promise<void> {
  const feeder = await open(log);
  while ((await feeder.step()) > 0);
}

/** Revisions of a few alerts in the order in which one partition brings them forth. */
function storyOf(partition: number, uids: readonly number[]): { uid: string; revision: number }[] {
  const revisions = new Map<number, number>();
  return uids.map((uid) => {
    const revision = (revisions.get(uid) ?? 0) + 1;
    revisions.set(uid, revision);
    return { uid: `p${partition}-${uid}`, revision };
  });
}

/** What detect writes when it crashes: it goes back to a checkpoint and writes the same again. */
function withRepeats<T>(story: readonly T[], rewinds: readonly { readonly at: number; readonly back: number }[]): T[] {
  const written: T[] = [];
  let from = 0;
  for (const { at, back } of rewinds) {
    const until = Math.min(story.length, from + at);
    written.push(...story.slice(from, until));
    from = Math.max(0, until - back);
  }
  written.push(...story.slice(from));
  return written;
}

const stories = fc.array(
  fc.record({
    uids: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 25 }),
    rewinds: fc.array(fc.record({ at: fc.nat(10), back: fc.nat(10) }), { maxLength: 4 }),
  }),
  { minLength: 2, maxLength: 2 },
);

const nameOf = (partition: number) => (key: string) => key.startsWith(`p${partition}-`);

async function assertFed(log: EventLog, partition: number, story: readonly { uid: string; revision: number }[]) {
  const keys = (await feedKeys(log)).filter(nameOf(partition));
  assert.deepEqual(
    keys,
    story.map(({ uid, revision }) => `${uid}:${revision}`),
  );
}

describe('the feed', () => {
  it('takes each revision once and in order, whatever detect repeats', async () => {
    await fc.assert(
      fc.asyncProperty(stories, fc.boolean(), async (partitions, reopens) => {
        const { log } = simulated();
        let written = 0;
        for (const [partition, { uids, rewinds }] of partitions.entries()) {
          const records = withRepeats(storyOf(partition, uids), rewinds);
          written += records.length;
          const alerts = records.map(({ uid, revision }) => revisionOf(uid, revision));
          for (const alert of alerts) {
            await writeAlerts(log, partition, [alert]);
            if (reopens) await feedAll(log);
          }
        }
        await feedAll(log);
        for (const [partition, { uids }] of partitions.entries())
          await assertFed(log, partition, storyOf(partition, uids));
        const sums = await log.counters();
        const sum = (name: string) => sums.get(name) ?? 0;
        assert.equal(sum('feed_read'), written);
        assert.equal(sum('feed_appended') + sum('feed_repeated') + sum('feed_rejected'), written);
      }),
      { numRuns: 60 },
    );
  });

  it('passes the bytes on as they are', async () => {
    const { log } = simulated();
    const value = Buffer.from(JSON.stringify({ ...revisionOf('a', 1), of_a_later_version: true }));
    await log.transact({ records: [{ topic: TOPICS.alerts, partition: 1, key: 'k', value }] });
    await feedAll(log);
    const [record] = (await log.read(TOPICS.feed, 0, 0, { records: 1, bytes: 1 })).records;
    assert.ok(record?.value.equals(value));
  });

  it('dead-letters what is no alert and goes on', async () => {
    const { log } = simulated();
    const bad = ['{"uid":"a"}', 'not json', '{"uid":""}', JSON.stringify({ ...revisionOf('a', 1), uid: '' })];
    const records = bad.map((text) => ({ topic: TOPICS.alerts, partition: 0, key: 'k', value: Buffer.from(text) }));
    await log.transact({ records });
    await writeAlerts(log, 0, [revisionOf('a', 1)]);
    await feedAll(log);
    assert.deepEqual(await feedKeys(log), ['a:1']);
    const { partitions } = await log.describe(TOPICS.dead);
    const letters: DeadLetter[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      for (const { value } of (await log.read(TOPICS.dead, partition, 0, { records: 10, bytes: 1 << 20 })).records) {
        letters.push(DeadLetter.parse(JSON.parse(value.toString())));
      }
    }
    letters.sort((a, b) => (a.position < b.position ? -1 : 1));
    assert.deepEqual(
      letters.map(({ reason, bytes }) => [reason, Buffer.from(bytes, 'base64').toString()]),
      bad.map((text) => ['schema_mismatch', text]),
    );
  });
});

describe('a crash of the feeder', () => {
  const story = storyOf(0, [0, 1, 0, 0, 2, 1, 2, 2]);
  const other = storyOf(1, [0, 0, 1]);

  /** Writes in three goes, each with repeats of what went before, and feeds after each. */
  async function live(disk: SimulatedDisk, faultAt: number, fault: Fault): Promise<{ readonly reached: boolean }> {
    const writer = openSimulatedLog({ disk, clock: hastyClock() });
    let operations = 0;
    for (const [from, to] of [
      [0, 3],
      [1, 6],
      [4, 8],
    ] as const) {
      const alertsOf = (records: typeof story) => records.map(({ uid, revision }) => revisionOf(uid, revision));
      await writeAlerts(writer, 0, alertsOf(story.slice(from, to)));
      await writeAlerts(writer, 1, alertsOf(other.slice(0, to)));
      for (let done = false; !done; ) {
        const crashed = Promise.withResolvers<'crashed'>();
        const log = openSimulatedLog({
          disk,
          clock: hastyClock(),
          faults: () => ({ records_max: 2, offsets_skipped: 1, ...(operations++ === faultAt ? fault : {}) }),
          crashed: () => crashed.resolve('crashed'),
        });
        done = (await Promise.race([feedAll(log).catch(() => 'failed'), crashed.promise])) === undefined;
      }
    }
    return { reached: operations > faultAt };
  }

  for (const fault of [{ fail: 'before' }, { fail: 'after' }, { crash: 'before' }, { crash: 'after' }] as const) {
    it(`${JSON.stringify(fault)} at any operation neither skips nor repeats`, async () => {
      let at = 0;
      for (let reached = true; reached; at++) {
        const { disk, log } = simulated();
        ({ reached } = await live(disk, at, fault));
        await assertFed(log, 0, story);
        await assertFed(log, 1, other);
      }
      assert.ok(at > 20, `only ${at} operations were tried`);
    });
  }

  it('of two feeders lets one through, and the other one finds its place again', async () => {
    const { log } = simulated();
    await writeAlerts(log, 0, [revisionOf('a', 1), revisionOf('a', 2)]);
    const [one, other] = [await open(log), await open(log)];
    const results = await Promise.allSettled([one.step(), other.step()]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected'],
    );
    await writeAlerts(log, 0, [revisionOf('a', 2), revisionOf('a', 3)]);
    await feedAll(log);
    assert.deepEqual(await feedKeys(log), ['a:1', 'a:2', 'a:3']);
  });
});

describe('the running feed', () => {
  it('follows the log, waits out failures, and ends with the signal', async () => {
    const { disk, log } = simulated();
    const clock = manualClock();
    let operations = 0;
    const shaky = openSimulatedLog({
      disk,
      clock,
      faults: () => (operations++ % 23 === 7 ? { fail: operations % 2 === 0 ? 'after' : 'before' } : {}),
    });
    const stop = new AbortController();
    const running = runFeed({ log: shaky, clock, telemetry, gaps: noGaps() }, stop.signal);
    const expected: string[] = [];
    for (let revision = 1; revision <= 20; revision++) {
      await writeAlerts(log, revision % 2, [revisionOf(`u${revision % 2}`, Math.ceil(revision / 2))]);
      expected.push(`u${revision % 2}:${Math.ceil(revision / 2)}`);
      await until(async () => {
        await clock.advance(LIMITS.feed_retry_ms);
        return (await log.bounds(TOPICS.feed, 0)).end >= revision;
      });
    }
    stop.abort();
    await running;
    assert.deepEqual(await feedKeys(log), expected);
  });

  it('ends at once when it is told to while it waits', async () => {
    const { log } = simulated();
    const stop = new AbortController();
    const clock = manualClock();
    const running = runFeed({ log, clock, telemetry, gaps: noGaps() }, stop.signal);
    await settled();
    stop.abort();
    await running;
    assert.deepEqual(clock.due(), [], 'no sleeper is left behind');
  });

  it('starts and stops as often as it is wanted, and two of them feed each revision once', async () => {
    const { disk, log } = simulated();
    const clock = manualClock();
    const expected: string[] = [];
    for (let revision = 1; revision <= 6; revision++) {
      const stop = new AbortController();
      const both = [1, 2].map(() =>
        runFeed({ log: openSimulatedLog({ disk, clock }), clock, telemetry, gaps: noGaps() }, stop.signal),
      );
      await writeAlerts(log, 0, [revisionOf('a', revision)]);
      expected.push(`a:${revision}`);
      await until(async () => (await log.bounds(TOPICS.feed, 0)).end >= revision);
      await clock.advance(LIMITS.feed_retry_ms_max);
      stop.abort();
      await Promise.all(both);
      assert.deepEqual(await feedKeys(log), expected);
    }
  });
});

describe('the memory of the feed', () => {
  const record = (uid: string, revision: number, offset: number) => ({
    partition: 0,
    offset,
    append_ms: 0,
    value: alertBytes(revisionOf(uid, revision)),
  });

  it('is bounded, and holds exactly the tail of the feed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 200 }), (uids) => {
        const memory = newFeedMemory(10);
        uids.forEach((uid, offset) => {
          remember(memory, String(uid), offset + 1, offset);
        });
        const rebuilt = newFeedMemory(10);
        uids.forEach((uid, offset) => {
          if (offset >= uids.length - 10) remember(rebuilt, String(uid), offset + 1, offset);
        });
        assert.deepEqual([...memory.seen], [...rebuilt.seen]);
        assert.ok(memory.seen.size <= 10);
      }),
    );
  });

  it('knows repeats within one batch, and counts revisions that jump', () => {
    const plan = planFeed(newFeedMemory(), [
      record('a', 1, 0),
      record('a', 1, 1),
      record('a', 3, 2),
      record('b', 2, 3),
    ]);
    assert.deepEqual(
      plan.append.map(({ uid, revision }) => `${uid}:${revision}`),
      ['a:1', 'a:3', 'b:2'],
    );
    assert.equal(plan.repeats, 1);
    assert.equal(plan.holes, 1);
  });

  it('writes its position and reads it back, and refuses one it did not write', async () => {
    const position = { alerts_generation: 'a"1', feed_generation: 'f', next: [0, 7, 12] };
    assert.deepEqual(decodePosition(encodePosition(position)), position);
    const { log } = simulated();
    await log.transact({ records: [], positions: [{ name: FEED_POSITION, position: '[2,"a","f",0]' }] });
    await assert.rejects(
      openFeeder({ log, clock: hastyClock(), telemetry, gaps: noGaps() }),
      /not written by this version/,
    );
  });
});

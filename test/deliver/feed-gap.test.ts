import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Gap, GapResume } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { runFeed } from '../../services/deliver/feed.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../services/platform/event-log.ts';
import { type GapPort, gapOf, HIDDEN_BY_GROWTH } from '../../services/platform/gaps.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { openSimulatedLog, type SimulatedDisk, trimSimulated } from '../support/simulated-log.ts';
import { until } from './receiver.ts';
import { feedKeys, manualClock, revisionOf, settled, simulated, writeAlerts } from './support.ts';

const telemetry = silentTelemetry();

/** What the control log would hold, in the hands of the test. */
function fakeGaps() {
  const reported: Gap[] = [];
  const decisions = new Map<string, GapResume>();
  const closed: [string, number][] = [];
  const working: string[] = [];
  const listeners = new Set<() => void>();
  const port: GapPort = {
    report: async (gap) => void reported.push(gap),
    decision: (id) => decisions.get(id),
    changed: (signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          listeners.delete(done);
          resolve();
        };
        listeners.add(done);
        signal.addEventListener('abort', done, { once: true });
      }),
    closed: async (id, at) => void closed.push([id, at]),
    hidden: ({ topic, partition }, evidence) =>
      reported.find(
        (gap) =>
          gap.topic === topic &&
          gap.partition === partition &&
          gap.reason === HIDDEN_BY_GROWTH &&
          gapOf(gap, evidence).id === gap.id,
      ),
    working: async ({ topic, partition }, offset) => void working.push(`${topic}/${partition}@${offset}`),
  };
  const decide = (id: string, resume: GapResume): void => {
    decisions.set(id, resume);
    for (const listener of [...listeners]) listener();
  };
  return { port, reported, closed, working, decide };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const revisions = (uid: string, from: number, to: number) => range(from, to).map((n) => revisionOf(uid, n));

/** One topic as if deleted and made anew, or with another number of partitions. */
function remake(disk: SimulatedDisk, topic: typeof TOPICS.alerts | typeof TOPICS.feed, partitions?: number): void {
  const held = disk.topics.get(topic);
  assert.ok(held);
  const fresh = () => ({ start: 0, end: 0, append_ms: 0, records: [] });
  const made =
    partitions === undefined
      ? { generation: `${held.generation}-again`, partitions: held.partitions.map(fresh) }
      : {
          generation: held.generation,
          partitions: Array.from({ length: partitions }, (_, at) => held.partitions[at] ?? fresh()),
        };
  (disk.topics as Map<string, typeof held>).set(topic, made);
}

/** A feed that has delivered a:1 to a:3 from partition 0 and b:1 from partition 1, stopped, and has a:4 to a:6 before it. */
async function fed() {
  const { disk, log } = simulated();
  const clock = manualClock();
  await writeAlerts(log, 0, revisions('a', 1, 3));
  await writeAlerts(log, 1, revisions('b', 1, 1));
  const gaps = fakeGaps();
  const start = (on: EventLog = log) => {
    const stop = new AbortController();
    const running = runFeed({ log: on, clock, telemetry, gaps: gaps.port }, stop.signal);
    return async () => {
      stop.abort();
      await running;
    };
  };
  const end = start();
  await until(async () => (await log.bounds(TOPICS.feed, 0)).end >= 4);
  await end();
  await writeAlerts(log, 0, revisions('a', 4, 6));
  return { disk, log, clock, gaps, start };
}

type Case = {
  readonly name: string;
  readonly happens: (disk: SimulatedDisk, log: EventLog) => Promise<void> | void;
  readonly gap: Partial<Gap>;
  /** Keys of the feed after the decision, and after c:1 came to partition 1. */
  readonly start: readonly string[];
  readonly end: readonly string[];
};

const OLD = ['a:1', 'a:2', 'a:3', 'b:1'];

const CASES: readonly Case[] = [
  {
    name: 'alerts were deleted before they were fed',
    happens: (disk) => trimSimulated(disk, TOPICS.alerts, 0, 5),
    gap: { topic: TOPICS.alerts, partition: 0, reason: 'offset_before_log', lost: 2 },
    start: [...OLD, 'a:6', 'c:1'],
    end: [...OLD, 'c:1'],
  },
  {
    name: 'the alerts were made anew',
    happens: async (disk, log) => {
      remake(disk, TOPICS.alerts);
      await writeAlerts(log, 0, revisions('a', 2, 4));
    },
    gap: { topic: TOPICS.alerts, partition: 0, reason: 'generation_changed' },
    start: [...OLD, 'a:4', 'c:1'],
    end: [...OLD, 'c:1'],
  },
  {
    name: 'the alerts have lost their tail',
    happens: async (disk, log) => {
      remake(disk, TOPICS.alerts, 0);
      remake(disk, TOPICS.alerts, 2);
      await writeAlerts(log, 0, revisions('a', 3, 4));
    },
    gap: { topic: TOPICS.alerts, partition: 0, reason: 'offset_beyond_log' },
    start: [...OLD, 'a:4', 'c:1'],
    end: [...OLD, 'c:1'],
  },
  {
    name: 'the alerts have more partitions',
    happens: async (disk, log) => {
      remake(disk, TOPICS.alerts, 3);
      await writeAlerts(log, 2, revisions('d', 1, 1));
    },
    gap: { topic: TOPICS.alerts, partition: 0, reason: 'partition_count_changed' },
    start: [...OLD, 'a:4', 'a:5', 'a:6', 'c:1', 'd:1'],
    end: [...OLD, 'a:4', 'a:5', 'a:6', 'c:1'],
  },
  {
    name: 'the feed was made anew',
    happens: (disk) => remake(disk, TOPICS.feed),
    gap: { topic: TOPICS.feed, partition: 0, reason: 'generation_changed' },
    start: ['a:1', 'a:2', 'a:3', 'a:4', 'a:5', 'a:6', 'b:1', 'c:1'],
    end: ['a:4', 'a:5', 'a:6', 'c:1'],
  },
];

describe('a gap of the feed', () => {
  for (const { name, happens, gap, start, end } of CASES) {
    for (const resume of ['start', 'end'] as const) {
      it(`${name}: waits, and goes on at the ${resume}`, async () => {
        const on = await fed();
        await happens(on.disk, on.log);
        const before = (await feedKeys(on.log)).length;
        const stop = on.start();
        await until(() => on.gaps.reported.length > 0);
        const found = on.gaps.reported[0];
        assert.ok(found);
        assert.deepEqual({ ...found, ...gap, stage: 'deliver' }, found);
        await settled();
        assert.equal((await feedKeys(on.log)).length, before, 'nothing is fed before the decision');
        on.gaps.decide(found.id, resume);
        await until(() => on.gaps.closed.length > 0);
        await writeAlerts(on.log, 1, revisions('c', 1, 1));
        const expected = resume === 'start' ? start : end;
        await until(async () => (await feedKeys(on.log)).length >= expected.length);
        await stop();
        const keys = await feedKeys(on.log);
        assert.deepEqual(keys.toSorted(), [...expected].toSorted());
        const ofA = keys.filter((key) => key.startsWith('a:'));
        assert.deepEqual(ofA, ofA.toSorted(), 'in order');
        assert.deepEqual(
          on.gaps.closed.map(([id]) => id),
          [found.id],
        );
        assert.equal(on.gaps.reported.length, 1, 'one gap, one incident');
      });
    }
  }

  it('is the same gap after a restart, also when retention has gone on', async () => {
    const on = await fed();
    trimSimulated(on.disk, TOPICS.alerts, 0, 4);
    const first = on.start();
    await until(() => on.gaps.reported.length === 1);
    await first();
    trimSimulated(on.disk, TOPICS.alerts, 0, 6);
    const second = on.start();
    await until(() => on.gaps.reported.length === 2);
    await second();
    assert.equal(on.gaps.reported[0]?.id, on.gaps.reported[1]?.id);
    const third = on.start();
    on.gaps.decide(on.gaps.reported[0]?.id ?? '', 'start');
    await until(() => on.gaps.closed.length === 1);
    assert.equal(on.gaps.closed[0]?.[1], 6, 'at what is there by then');
    await third();
  });

  it('does not vanish when a log that has lost its tail grows again', async () => {
    const on = await fed();
    remake(on.disk, TOPICS.alerts, 0);
    remake(on.disk, TOPICS.alerts, 2);
    const first = on.start();
    await until(() => on.gaps.reported.length === 1);
    await first();
    await writeAlerts(on.log, 0, revisions('a', 4, 8));
    await writeAlerts(on.log, 1, revisions('b', 2, 2));
    const second = on.start();
    await until(() => on.gaps.reported.length === 2);
    assert.equal(on.gaps.reported[1]?.id, on.gaps.reported[0]?.id);
    on.gaps.decide(on.gaps.reported[0]?.id ?? '', 'start');
    await until(async () => (await feedKeys(on.log)).length >= 9);
    await second();
    const keys = await feedKeys(on.log);
    assert.deepEqual(
      keys.filter((key) => key.startsWith('a:')),
      range(1, 8).map((n) => `a:${n}`),
    );
  });

  it('is noticed while the feed runs', async () => {
    const on = await fed();
    const stop = on.start();
    await until(async () => (await feedKeys(on.log)).length === 7);
    assert.deepEqual(on.gaps.working, [
      'agent.feed/0@0',
      'agent.alerts/0@0',
      'agent.alerts/1@0',
      'agent.feed/0@0',
      'agent.alerts/0@3',
      'agent.alerts/1@1',
    ]);
    remake(on.disk, TOPICS.alerts);
    await until(async () => {
      await on.clock.advance(LIMITS.log_check_ms);
      return on.gaps.reported.length > 0;
    });
    assert.equal(on.gaps.reported[0]?.reason, 'generation_changed');
    await stop();
  });

  it('ends at once when it is told to while it waits', async () => {
    const on = await fed();
    trimSimulated(on.disk, TOPICS.alerts, 0, 5);
    const stop = on.start();
    await until(() => on.gaps.reported.length > 0);
    await stop();
    assert.deepEqual(on.gaps.closed, []);
  });

  for (const moment of ['before', 'after'] as const) {
    it(`goes on as it was decided when any operation fails (${moment})`, async () => {
      let operations = 0;
      for (let failing = 0, reached = true; reached; failing++) {
        const on = await fed();
        trimSimulated(on.disk, TOPICS.alerts, 0, 5);
        let count = 0;
        const shaky = openSimulatedLog({
          disk: on.disk,
          clock: on.clock,
          faults: () => (count++ === failing ? { fail: moment } : {}),
        });
        let closings = 0;
        const { closed } = on.gaps.port;
        // The control log can be away, too, after the position has moved.
        on.gaps.port.closed = async (id, at) => {
          if (closings++ === 0 && failing % 2 === 0) throw new LogUnavailable('io', 'away');
          return closed(id, at);
        };
        const stop = on.start(shaky);
        await until(async () => {
          await on.clock.advance(LIMITS.feed_retry_ms);
          return on.gaps.reported.length > 0;
        });
        on.gaps.decide(on.gaps.reported[0]?.id ?? '', 'start');
        await until(async () => {
          await on.clock.advance(LIMITS.feed_retry_ms);
          return (await feedKeys(on.log)).length === 5;
        });
        await stop();
        assert.deepEqual(await feedKeys(on.log), [...OLD, 'a:6']);
        assert.equal(new Set(on.gaps.reported.map(({ id }) => id)).size, 1);
        reached = count > failing;
        operations = failing;
      }
      assert.ok(operations > 10, `only ${operations} operations were tried`);
    });
  }
});

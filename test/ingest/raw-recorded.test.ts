import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DetectRecord } from '../../schemas/record.ts';
import { createRecordedClock } from '../../services/ingest/recorded-clock.ts';
import { recordedTimeOf } from '../../services/ingest/recorded-time.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type Fault, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';
import {
  allRecords,
  assertSums,
  diskOf,
  isDrained,
  jumpingClock,
  positionsOf,
  produce,
  RAW,
  runnerOn,
  sourcesOf,
  until,
} from './raw-support.ts';
import { DAY_MS, HOUR_MS, input, MINUTE_MS, MONDAY_MS } from './support.ts';

const sources = sourcesOf({ ...RAW, recorded: true });
type Raw = string | undefined;

const event = (id: string, time: number): string =>
  JSON.stringify(input({ id, time, identity: { id: `agent-${id}` } }));

async function workOff(disk: SimulatedDisk, limits = {}, faults?: () => Fault): Promise<boolean> {
  let dead = false;
  const clock = jumpingClock();
  const crashed = (): void => {
    dead = true;
  };
  const log = openSimulatedLog({ disk, clock, crashed, ...(faults === undefined ? {} : { faults }) });
  const { runner } = runnerOn(log, { clock, sources, limits });
  for (const [partition] of positionsOf(disk).entries()) await runner.listener(TOPICS.raw).assigned(partition);
  await until('worked off', () => dead || isDrained(disk));
  if (!dead) await runner.stop();
  return !dead;
}

/** The recorded clock of every event in the log, by id; ticks by their time. */
function written(disk: SimulatedDisk): { clocks: Record<string, number | undefined>; ticks: (number | undefined)[] } {
  const records = allRecords(disk, TOPICS.events).map(({ value }) => DetectRecord.parse(JSON.parse(value.toString())));
  return {
    clocks: Object.fromEntries(records.flatMap((one) => (one.type === 'event' ? [[one.event.id, one.at]] : []))),
    ticks: records.flatMap((one) => (one.type === 'tick' ? [one.at] : [])),
  };
}

/** A week with a weekend, a date from another age, a dead letter, and times that go back. */
function week(): { times: number[]; values: Raw[] } {
  const times = Array.from({ length: 60 }, (_, at) => MONDAY_MS + at * 37 * MINUTE_MS - (at % 7 === 3 ? HOUR_MS : 0));
  for (let at = 60; at < 90; at++) times.push(MONDAY_MS + 5 * DAY_MS + at * 11 * MINUTE_MS);
  times[20] = Date.UTC(2099, 0, 1);
  const values: Raw[] = times.map((time, at) => event(`e${at}`, time));
  values[40] = `[${values[40]},7,${values[41]}]`;
  values[41] = undefined;
  return { times, values };
}

function clocksOf(times: readonly number[]): Record<string, number> {
  const clocks: Record<string, number> = {};
  const clock = createRecordedClock<string>((id, at_ms) => {
    clocks[id] = at_ms;
  });
  for (const [at, time] of times.entries()) clock.push(`e${at}`, time);
  clock.end();
  return clocks;
}

describe('a recorded source', () => {
  test('carries the clock of its recording, however it is read', async () => {
    const { times, values } = week();
    for (const raw_batch_records_max of [1, 2, 5, 1000]) {
      const disk = diskOf(1);
      produce(disk, values);
      await workOff(disk, { raw_batch_records_max });
      assert.deepEqual(written(disk).clocks, clocksOf(times), `${raw_batch_records_max}`);
      assert.equal(positionsOf(disk)[0]?.clock, Math.max(...Object.values(clocksOf(times))));
      assertSumsOf(disk);
    }
  });

  test('carries it on over a crash at any step', async () => {
    const { times, values } = week();
    let steps = 0;
    for (const moment of ['before', 'after'] as const) {
      for (let at = 0; ; at += 1) {
        const disk = diskOf(1);
        produce(disk, values);
        let operations = 0;
        const limits = { raw_batch_records_max: 5 };
        if (await workOff(disk, limits, () => (operations++ === at ? { crash: moment } : {}))) break;
        steps++;
        await workOff(disk, limits);
        assert.deepEqual(written(disk).clocks, clocksOf(times), `${moment} operation ${at}`);
        assertSumsOf(disk);
      }
    }
    assert.ok(steps > 50);
  });

  test('is not held up by an end that waits for more, and goes on when more comes', async () => {
    const disk = diskOf(1);
    produce(disk, [event('a', MONDAY_MS)]);
    const clock = jumpingClock();
    const { runner } = runnerOn(openSimulatedLog({ disk, clock }), { clock, sources });
    await runner.listener(TOPICS.raw).assigned(0);
    await until('worked off', () => isDrained(disk));
    produce(disk, [event('b', MONDAY_MS + 3 * DAY_MS), event('c', MONDAY_MS + 3 * DAY_MS + 1)]);
    await until('worked off', () => isDrained(disk));
    await runner.stop();
    assert.deepEqual(written(disk).clocks, {
      a: MONDAY_MS,
      b: MONDAY_MS + 3 * DAY_MS,
      c: MONDAY_MS + 3 * DAY_MS + 1,
    });
  });

  const assertSumsOf = (disk: SimulatedDisk): void => {
    const ticks = written(disk).ticks.length;
    const events = disk.topics.get(TOPICS.events)?.partitions ?? [];
    for (const held of events) held.records = held.records.filter(({ key }) => key !== 'tick');
    assert.ok(ticks >= 0);
    assertSums(disk);
  };
});

describe('recorded time', () => {
  test('is that of the partition which is furthest behind, of those that still go on', () => {
    const at = (clock: number | undefined, idle = false) => ({ clock, idle });
    assert.equal(recordedTimeOf([at(5), at(3), at(9)]), 3);
    assert.equal(recordedTimeOf([at(5), at(3, true), at(9)]), 5);
    assert.equal(recordedTimeOf([at(5), at(undefined)]), undefined);
    assert.equal(recordedTimeOf([at(5), at(undefined, true)]), 5);
    assert.equal(recordedTimeOf([at(5, true), at(3, true), at(undefined, true)]), 5);
    assert.equal(recordedTimeOf([at(undefined, true)]), undefined);
  });

  test('is ticked in every partition, once, and never before an event that is older', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { minLength: 40, maxLength: 60 }), fc.nat(20), async (order, seen) => {
        const disk = diskOf(3);
        const clock = jumpingClock();
        const log = openSimulatedLog({ disk, clock });
        const { runner } = runnerOn(log, {
          clock,
          sources,
          limits: { raw_recorded_time_ms: 200, raw_recorded_idle_ms: 1000 },
        });
        for (const partition of [0, 1, 2]) {
          produce(disk, [event(`first${partition}`, MONDAY_MS)], { partition });
        }
        const begin = (): Promise<unknown> =>
          Promise.all([0, 1, 2].map((partition) => runner.listener(TOPICS.raw).assigned(partition)));
        for (const [at, partition] of order.entries()) {
          produce(disk, [event(`e${at}`, MONDAY_MS + at * 7 * MINUTE_MS)], { partition });
          if (at === seen) await begin();
        }
        await until('worked off', () => isDrained(disk));
        const end = MONDAY_MS + (order.length - 1) * 7 * MINUTE_MS;
        const last = Math.floor(end / (10 * MINUTE_MS)) * 10 * MINUTE_MS;
        await until('ticked', () => written(disk).ticks.includes(last));
        await runner.stop();
        for (const { records } of disk.topics.get(TOPICS.events)?.partitions ?? []) {
          const ticks = records.flatMap(({ value }) => {
            const one = DetectRecord.parse(JSON.parse(value.toString()));
            return one.type === 'tick' ? [one.at ?? 0] : [];
          });
          assert.equal(ticks.at(-1), last);
          assert.deepEqual(ticks, [...new Set(ticks)].sort());
          assert.ok(ticks.every((at) => at % (10 * MINUTE_MS) === 0));
          assertNothingOlder(records.map(({ value }) => DetectRecord.parse(JSON.parse(value.toString()))));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('is not kept for live sources', async () => {
    const disk = diskOf(1);
    produce(disk, week().values);
    const { runner } = runnerOn(openSimulatedLog({ disk, clock: jumpingClock() }));
    await runner.listener(TOPICS.raw).assigned(0);
    await until('worked off', () => isDrained(disk));
    await runner.stop();
    assert.deepEqual(written(disk).ticks, []);
    assert.equal(disk.positions.has(`ingest.${TOPICS.raw}.time`), false);
  });
});

function assertNothingOlder(records: readonly DetectRecord[]): void {
  let tick = 0;
  for (const { type, at = 0 } of records) {
    if (type === 'tick') tick = at;
    else assert.ok(at >= tick, `an event at ${at} behind the tick at ${tick}`);
  }
}

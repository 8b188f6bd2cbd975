import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../schemas/limits.ts';
import { boundariesBetween } from '../../services/ingest/boundaries.ts';
import { createRecordedClock, NO_CLOCK } from '../../services/ingest/recorded-clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS } from './support.ts';

/** The clocks of a sequence of times; undefined stands for a dead letter. */
function clocksOf(times: readonly (number | undefined)[]): number[] {
  const clocks: number[] = [];
  const order: number[] = [];
  const clock = createRecordedClock<number>((index, at_ms) => {
    order.push(index);
    clocks.push(at_ms);
  });
  times.forEach((time_ms, index) => void clock.push(index, time_ms));
  clock.end();
  assert.deepEqual(
    order,
    times.map((_, index) => index),
  );
  return clocks;
}

const steady = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index * MINUTE_MS);

test('the clock is the running maximum', () => {
  const times = [0, 5, 3, 9, 9, 1].map((minutes) => MONDAY_MS + minutes * MINUTE_MS);
  assert.deepEqual(
    clocksOf(times),
    [0, 5, 5, 9, 9, 9].map((minutes) => MONDAY_MS + minutes * MINUTE_MS),
  );
});

test('one event dated 2099 does not drag the clock', () => {
  const absurd = Date.UTC(2099, 0, 1);
  const times = [...steady(MONDAY_MS, 50), absurd, ...steady(MONDAY_MS + 50 * MINUTE_MS, 50)];
  const expected = [...steady(MONDAY_MS, 50), MONDAY_MS + 49 * MINUTE_MS, ...steady(MONDAY_MS + 50 * MINUTE_MS, 50)];
  assert.deepEqual(clocksOf(times), expected);
});

test('nor do several of them in a row, nor one at the beginning or the end', () => {
  const absurd = Date.UTC(2099, 0, 1);
  const limit = MONDAY_MS + 200 * MINUTE_MS;
  for (const at of [0, 1, 20, 100]) {
    for (const count of at === 100 ? [1] : [1, 2, 5]) {
      const times = steady(MONDAY_MS, 100).toSpliced(
        at,
        0,
        ...Array.from({ length: count }, (_, index) => absurd + index),
      );
      const clocks = clocksOf(times);
      assert.ok(
        clocks.every((clock) => clock >= MONDAY_MS && clock < limit),
        `${count} at ${at}`,
      );
      assert.equal(clocks.at(-1), MONDAY_MS + 99 * MINUTE_MS);
    }
  }
});

test('a weekend without events is a step that the events after it confirm', () => {
  const friday = steady(MONDAY_MS, 30);
  const monday = steady(MONDAY_MS + 3 * DAY_MS, 30);
  assert.deepEqual(clocksOf([...friday, ...monday]), [...friday, ...monday]);
});

test('a gap right after an absurd event is still found', () => {
  const before = steady(MONDAY_MS, 30);
  const after = steady(MONDAY_MS + 3 * DAY_MS, 30);
  const clocks = clocksOf([...before, Date.UTC(2099, 0, 1), ...after]);
  assert.deepEqual(clocks, [...before, before.at(-1), ...after]);
});

test('an unconfirmed last event does not move the clock', () => {
  const times = steady(MONDAY_MS, 3);
  assert.deepEqual(clocksOf([...times, MONDAY_MS + 2 * DAY_MS]), [...times, times[2]]);
});

test('a single event is its own clock, whatever its date', () => {
  assert.deepEqual(clocksOf([MONDAY_MS]), [MONDAY_MS]);
  assert.deepEqual(clocksOf([]), []);
});

test('what has no time stands where the clock stands', () => {
  assert.deepEqual(clocksOf([undefined, MONDAY_MS, undefined, MONDAY_MS + 1]), [
    NO_CLOCK,
    MONDAY_MS,
    MONDAY_MS,
    MONDAY_MS + 1,
  ]);
});

test('many dead letters do not wait for a confirmation without end', () => {
  let settled = 0;
  const clock = createRecordedClock<undefined>(() => {
    settled++;
  });
  for (let index = 0; index < 10_000; index++) {
    clock.push(undefined, index === 0 ? MONDAY_MS : undefined);
    assert.ok(index + 1 - settled <= 4 * LIMITS.replay_lookahead_events);
  }
});

test('any sequence: order kept, never backwards, never beyond the latest event, the same again', () => {
  const time = fc.oneof(
    fc.integer({ min: 0, max: 20 * 24 * 60 }).map((minutes) => MONDAY_MS + minutes * MINUTE_MS),
    fc.constantFrom(undefined, LIMITS.time_ms_min, LIMITS.time_ms_max),
  );
  fc.assert(
    fc.property(fc.array(time, { maxLength: 200 }), (times) => {
      const clocks = clocksOf(times);
      for (let index = 1; index < clocks.length; index++)
        assert.ok((clocks[index] as number) >= (clocks[index - 1] as number));
      const latest = Math.max(NO_CLOCK, ...times.filter((value) => value !== undefined));
      assert.ok(clocks.every((clock) => clock <= latest));
      assert.deepEqual(clocksOf(times), clocks);
    }),
  );
});

const TEN = LIMITS.replay_tick_ms;
const SIX = LIMITS.replay_cut_ms;
const start = Math.ceil(MONDAY_MS / SIX) * SIX;

test('ticks stand at ten minutes, cuts at six hours, each boundary once', () => {
  assert.deepEqual(boundariesBetween(start + 1, start + TEN - 1), []);
  assert.deepEqual(boundariesBetween(start + 1, start + TEN), [{ kind: 'tick', at: start + TEN }]);
  assert.deepEqual(boundariesBetween(start + TEN, start + TEN + 1), []);
  assert.deepEqual(boundariesBetween(start - 1, start), [
    { kind: 'tick', at: start },
    { kind: 'cut', at: start },
  ]);
});

test('walking in small steps or in one gives the same ticks, and a gap has one cut, at its last boundary', () => {
  const until = start + 3 * DAY_MS + HOUR_MS;
  const walked = [];
  for (let at = start - 1; at < until; at += 7 * MINUTE_MS)
    walked.push(...boundariesBetween(at, Math.min(at + 7 * MINUTE_MS, until)));
  const jumped = boundariesBetween(start - 1, until);
  const ticks = (steps: readonly { kind: string }[]) => steps.filter(({ kind }) => kind === 'tick');
  assert.deepEqual(ticks(jumped), ticks(walked));
  assert.deepEqual(
    jumped.filter(({ kind }) => kind === 'cut'),
    [{ kind: 'cut', at: start + 3 * DAY_MS }],
  );
});

test('a gap of years costs no more than a week of ticks', () => {
  const steps = boundariesBetween(MONDAY_MS, MONDAY_MS + 3_000 * DAY_MS);
  assert.ok(steps.length < (7 * DAY_MS) / TEN + SIX / TEN + 3);
  assert.ok(steps.every((step, index) => index === 0 || step.at >= (steps[index - 1]?.at ?? 0)));
  assert.equal(steps.filter(({ kind }) => kind === 'cut').length, 1);
});

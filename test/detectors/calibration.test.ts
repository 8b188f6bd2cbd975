import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CALIBRATED_MAX,
  CALIBRATION_FIELDS,
  corrected,
  excessOf,
  LEVEL_FIRST,
  LEVELS,
} from '../../detectors/calibration.ts';
import { logGamma } from '../../detectors/math/log-gamma.ts';
import { tooManyBits } from '../../detectors/tool-usage/mix-shift.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { event, Fleet, MONDAY, type Random, seeded } from './fleet.ts';

/** Surprise of a probability of 1 %. */
const ONE_IN_100 = Math.log2(100);

/** An identity that never changes: what differs is the kind of numbers and names it works with. */
type Habit = (random: Random, identity: string, time: number) => CanonicalEvent[];

const uniform = (random: Random): number => (random.next(1 << 20) + 0.5) / (1 << 20);
/** Log-normal by the sum of twelve uniforms. */
const skewed = (random: Random, octaves: number): number => {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += uniform(random);
  return Math.round(2 ** (11 + octaves * sum));
};

const HABITS: Readonly<Record<string, { readonly habit: Habit; readonly sessions_a_day: number }>> = {
  'skewed sizes': {
    sessions_a_day: 10,
    habit: (random, identity, time) =>
      Array.from({ length: 1 + random.next(6) }, (_, i) =>
        event({
          identity,
          time: time + i * 15_000,
          tool: ['list_rows', 'read_row', 'read_row', 'write_note'][random.next(4)]!,
          operation: 'read',
          resources: [{ id: `row-${random.next(60)}`, store: 'table' }],
          volume: { bytes_out: skewed(random, 1.5), bytes_in: skewed(random, 0.5), records: 1 + random.next(20) },
        }),
      ),
  },
  'discrete sizes, every resource new': {
    sessions_a_day: 10,
    habit: (random, identity, time) =>
      Array.from({ length: 2 + random.next(3) }, (_, i) =>
        event({
          identity,
          time: time + i * 15_000,
          tool: i === 0 ? 'open_ticket' : 'reply',
          operation: i === 0 ? 'read' : 'store',
          resources: [{ id: `ticket-${random.next(1 << 29)}`, store: 'helpdesk', classification: 'internal' }],
          volume: { bytes_out: [100, 200, 400][random.next(3)]!, bytes_in: 64, records: random.next(2) },
        }),
      ),
  },
  'sparse: one session a day': {
    sessions_a_day: 1,
    habit: (random, identity, time) =>
      ['fetch_report', 'send_report'].map((tool, i) =>
        event({
          identity,
          time: time + i * 15_000,
          tool,
          operation: i === 0 ? 'read' : 'export',
          resources: [{ id: `report-${random.next(8)}`, store: 'reports' }],
          volume: { bytes_out: skewed(random, 1), bytes_in: 80 },
        }),
      ),
  },
};
const IDENTITIES = 10;
const DAYS = 30;
const DAYS_LEARNED = 20;

/** Events of the last days that surprised each detector at least that much, and how many there were. */
function quietRates(name: string): { readonly reached: number[]; readonly events: number; readonly fleet: Fleet } {
  const { habit, sessions_a_day } = HABITS[name]!;
  const fleet = new Fleet();
  const random = seeded(5);
  const reached = fleet.model.detectors.map(() => 0);
  let events = 0;
  for (let day = 0; day < DAYS; day++) {
    for (let session = 0; session < sessions_a_day; session++) {
      for (let n = 0; n < IDENTITIES; n++) {
        const time = MONDAY + day * UNITS.DAY_MS + session * 45 * UNITS.MINUTE_MS + n * 1000;
        const scores = fleet.session(habit(random, `agent-${n}`, time));
        if (day < DAYS_LEARNED) continue;
        for (const { parts } of scores) {
          events++;
          for (const [d, bits] of parts.entries()) if (bits >= ONE_IN_100) reached[d] = (reached[d] as number) + 1;
        }
      }
    }
    fleet.adoptPrior();
  }
  return { reached, events, fleet };
}

describe('on identities that never change, no detector says "one in a hundred" more often than that', () => {
  for (const name of Object.keys(HABITS)) {
    test(name, () => {
      const { reached, events, fleet } = quietRates(name);
      // Events of one session are alike: their number counts as a third for the error of sampling.
      const allowed = 0.01 * events + 3 * Math.sqrt(3 * 0.01 * events);
      const wrong = fleet.model.detectors
        .map(({ name: detector }, d) => ({ detector, rate: (reached[d] as number) / events }))
        .filter(({ rate }) => rate * events > allowed);
      assert.deepEqual(wrong, [], `${events} events, at most ${allowed} allowed`);
    });
  }
});

describe('a surprise is corrected by how often the group was so surprised', () => {
  const detector = 3;
  const excess = (rateOf: (level: number) => number, events: number): Float32Array => {
    const reached = new Float64Array(CALIBRATION_FIELDS);
    for (let i = 0; i < LEVELS; i++) reached[detector * LEVELS + i] = events * rateOf(LEVEL_FIRST + i);
    return Float32Array.from(excessOf(reached, events, []));
  };

  test('a detector that overstates its bits by half is brought back, at the levels, between and beyond them', () => {
    const table = excess((level) => 2 ** (-level / 1.5), 1e9);
    for (const level of [3, 7, 12, 18]) assert.ok(Math.abs(corrected(level, detector, table) - level / 1.5) < 0.01);
    assert.ok(Math.abs(corrected(8.5, detector, table) - 8.5 / 1.5) < 0.01);
    const last = LEVEL_FIRST + LEVELS - 1;
    assert.ok(Math.abs(corrected(last + 20, detector, table) - (last / 1.5 + 20)) < 0.01, 'the tail is its own');
  });

  test('more surprise is never less', () => {
    const table = excess((level) => Math.min(1, 2 ** (2 - level)), 1e6);
    let before = 0;
    for (let bits = 0; bits < 40; bits += 0.05) {
      const now = corrected(bits, detector, table);
      assert.ok(now >= before - 1e-9, `${bits}: ${now} after ${before}`);
      before = now;
    }
  });

  test('what is surprised too seldom, or too few events to know, changes little', () => {
    for (const bits of [0.5, 4, 9, 30]) {
      assert.equal(
        corrected(
          bits,
          detector,
          excess(() => 0, 1e9),
        ),
        bits,
      );
      const alone = excess(() => 1 / 20, 20);
      assert.equal(corrected(bits, detector, alone), bits, 'one event proves nothing');
      assert.equal(
        corrected(
          bits,
          CALIBRATED_MAX,
          excess(() => 1, 1e9),
        ),
        bits,
        'there is no room for this one',
      );
    }
  });

  test('what is judged by the day is corrected either way, and no further than the events that could have shown it', () => {
    const reached = new Float64Array(CALIBRATION_FIELDS);
    const events = 2 ** 16;
    // One event in 1,024 reaches three bits, and none more.
    reached[detector * LEVELS] = 64;
    const both = Float32Array.from(excessOf(reached, events, [detector]));
    assert.ok(Math.abs(corrected(3, detector, both) - Math.log2(events / (64 + 8 + 1))) < 0.01);
    assert.ok(Math.abs(corrected(5, detector, both) - Math.log2(events / 73) - 4) < 0.01, 'at most two bits a level');
    assert.ok(Math.abs(corrected(12, detector, both) - 16) < 0.01);
    const lowered = Float32Array.from(excessOf(reached, events, []));
    assert.equal(corrected(5, detector, lowered), 5);
    assert.ok(excessOf(new Float64Array(CALIBRATION_FIELDS), 0, [detector]).every((bits) => bits === 0));
  });
});

test('the logarithm of the gamma function is that of factorials', () => {
  let factorial = 0;
  for (let n = 1; n < 200; n++) {
    assert.ok(Math.abs(logGamma(n) - factorial) < 1e-7 * Math.max(1, factorial), `${n}`);
    factorial += Math.log(n);
  }
  assert.ok(Math.abs(logGamma(0.5) - Math.log(Math.sqrt(Math.PI))) < 1e-8);
});

test('too many of a negative binomial law: at least the exact tail, and at most three bits less', () => {
  for (const mean of [0.02, 0.5, 3, 20]) {
    for (const times of [2, 5, 12, 60].filter((one) => one > 2 * mean)) {
      const exact = exactTailBits(times, mean);
      const bits = tooManyBits(times, mean);
      assert.ok(bits <= exact + 1e-3, `${times} of ${mean}: ${bits} against ${exact}`);
      assert.ok(bits > exact - 3, `${times} of ${mean}: ${bits} against ${exact}`);
    }
  }
});

/** Sum of the probabilities of `times` and all that is more, term by term. */
function exactTailBits(times: number, mean: number): number {
  const shape = mean / 0.6;
  const again = 0.6 / 1.6;
  let term = (1 - again) ** shape;
  let tail = 0;
  for (let k = 0; k < times + 400; k++) {
    if (k >= times) tail += term;
    term *= (again * (k + shape)) / (k + 1);
  }
  return -Math.log2(tail);
}

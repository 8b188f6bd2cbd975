import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AT, WORDS } from '../../detectors/layout.ts';
import {
  hear,
  lookAtSilence,
  restartSilence,
  SILENCE_BITS_MIN,
  silentSince,
  surpriseOfSilence,
} from '../../detectors/silence/silence.ts';
import { type StateRef, StateSlab } from '../../detectors/state.ts';
import { UNITS } from '../../schemas/limits.ts';
import { seeded } from './fleet.ts';

const { HOUR_MS } = UNITS;
/** A Monday at midnight, in hours. */
const MONDAY_H = Date.UTC(2026, 0, 5) / HOUR_MS;
const DAY = 24;

/** Hours in which an identity is heard of, from Monday on, in order. */
type Life = (random: () => number, days: number) => number[];

const isWorkingDay = (hour: number): boolean => Math.floor(hour / DAY) % 7 < 5;
const isOffice = (hour: number): boolean => isWorkingDay(hour) && hour % DAY >= 8 && hour % DAY < 18;

function hours(days: number, active: (hour: number) => boolean): number[] {
  return Array.from({ length: days * DAY }, (_, hour) => hour).filter(active);
}

/** A day on which everything is different: the hours of one day depend on each other. */
function moods(random: () => number, days: number, values: readonly number[]): number[] {
  return Array.from({ length: days }, () => values[Math.floor(random() * values.length)] as number);
}

const LIVES: Readonly<Record<string, Life>> = {
  'around the clock': (random, days) => hours(days, () => random() < 0.7),
  'always on': (_, days) => hours(days, () => true),
  'office hours': (random, days) => hours(days, (hour) => isOffice(hour) && random() < 0.8),
  'office hours, seldom': (random, days) => hours(days, (hour) => isOffice(hour) && random() < 0.2),
  'every six hours': (_, days) => hours(days, (hour) => hour % 6 === 2),
  'at night': (random, days) => hours(days, (hour) => hour % DAY < 5 && random() < 0.9),
  'good and bad days': (random, days) => {
    const mood = moods(random, days, [0.1, 0.3, 0.6, 0.9]);
    return hours(days, (hour) => isOffice(hour) && random() < (mood[Math.floor(hour / DAY)] as number));
  },
  'days off': (random, days) => {
    const mood = moods(random, days, [0, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]);
    return hours(days, (hour) => isOffice(hour) && random() < (mood[Math.floor(hour / DAY)] as number));
  },
  bursts: (random, days) => {
    let busy = false;
    return hours(days, () => {
      busy = random() < (busy ? 0.85 : 0.1);
      return busy;
    });
  },
};

const WEEKLY: ReadonlySet<string> = new Set(['office hours, seldom', 'good and bad days', 'days off']);

function newState(sessions = 100): StateRef {
  const state = new StateSlab(WORDS).take();
  state.u32[state.at + AT.sessions] = sessions;
  return state;
}

const at = (hour: number): number => (MONDAY_H + hour) * HOUR_MS + 60_000;

/** Lives a life, asked before each sign of life, as the worker's deadline would ask. Returns the hours found silent. */
function live(state: StateRef, heard: readonly number[], bits = SILENCE_BITS_MIN): number[] {
  const found: number[] = [];
  for (const hour of heard) {
    if (lookAtSilence(state, at(hour), bits).found !== undefined) found.push(hour);
    hear(state, at(hour));
  }
  return found;
}

describe('an identity with a habit', () => {
  for (const [name, life] of Object.entries(LIVES)) {
    test(`is hardly ever found silent while it lives on: ${name}`, () => {
      const [identities, days, settled] = [60, 180, 60];
      const random = generator(11);
      let [young, old] = [0, 0];
      for (let i = 0; i < identities; i++) {
        for (const hour of live(newState(), life(random, days))) {
          if (hour < settled * DAY) young++;
          else old++;
        }
      }
      // SILENCE_BITS_MIN is one identity-day in a thousand; three times that for what the model of a habit leaves out.
      const rate = (1000 * old) / (identities * (days - settled));
      assert.ok(rate <= 3, `${rate.toFixed(2)} in 1,000 identity-days`);
      // A first day off is news: it is found once or twice before it is a habit.
      assert.ok(young / identities <= (name === 'days off' ? 2 : 0.3), `${young / identities} an identity at first`);
    });

    test(`is found when it stops: ${name}`, () => {
      const heard = life(generator(5), 42);
      const state = newState();
      live(state, heard);
      const last = heard.at(-1) as number;
      const { due } = lookAtSilence(state, at(last), SILENCE_BITS_MIN);
      assert.ok(due !== undefined);
      const waited = due / HOUR_MS - MONDAY_H - last;
      // Over a weekend nobody works; and who is used to bad days, or to days off, is missed later.
      assert.ok(waited <= (WEEKLY.has(name) ? 9 : 4) * DAY, `${waited} hours`);
      assert.equal(lookAtSilence(state, due - 1, SILENCE_BITS_MIN).found, undefined);
      const { found } = lookAtSilence(state, due, SILENCE_BITS_MIN);
      assert.ok(found !== undefined && found.bits >= SILENCE_BITS_MIN);
      assert.equal(found.since_ms, (MONDAY_H + last + 1) * HOUR_MS);
      assert.ok(found.usual > found.longest && found.usual <= found.hours);
    });
  }
});

describe('a silence', () => {
  const settled = (bits = SILENCE_BITS_MIN): StateRef => {
    const state = newState();
    assert.deepEqual(live(state, LIVES['office hours']!(generator(3), 28), bits), []);
    return state;
  };
  /** Friday evening of the fourth week. */
  const EVENING = 28 * DAY - 2 * DAY - 6;

  test('of a night and a weekend is none', () => {
    const state = settled();
    assert.equal(lookAtSilence(state, at(EVENING), SILENCE_BITS_MIN).found, undefined);
    assert.equal(lookAtSilence(state, at(28 * DAY + 8), SILENCE_BITS_MIN).found, undefined);
  });

  test('is found once, until it is heard of again', () => {
    const state = settled();
    const later = at(28 * DAY + 4 * DAY);
    assert.ok(lookAtSilence(state, later, SILENCE_BITS_MIN).found !== undefined);
    assert.ok(silentSince(state) !== undefined);
    assert.deepEqual(lookAtSilence(state, later + DAY * HOUR_MS, SILENCE_BITS_MIN), {
      found: undefined,
      due: undefined,
    });
    hear(state, later + 30 * HOUR_MS);
    assert.equal(silentSince(state), undefined);
    assert.ok(lookAtSilence(state, later + 30 * HOUR_MS, SILENCE_BITS_MIN).due !== undefined);
  });

  test('is not judged in the first week, nor without sessions that were learned', () => {
    const young = newState();
    live(young, LIVES['always on']!(generator(1), 6));
    assert.deepEqual(lookAtSilence(young, at(20 * DAY), SILENCE_BITS_MIN), { found: undefined, due: undefined });
    const unlearned = newState(3);
    live(unlearned, LIVES['always on']!(generator(1), 20));
    assert.deepEqual(lookAtSilence(unlearned, at(30 * DAY), SILENCE_BITS_MIN), { found: undefined, due: undefined });
  });

  test('takes longer to be found at a higher threshold', () => {
    const dues = [10, 14, 20].map((bits) => lookAtSilence(settled(bits), at(EVENING), bits).due as number);
    assert.deepEqual(
      dues,
      dues.toSorted((a, b) => a - b),
    );
    assert.ok(new Set(dues).size > 1);
  });

  test('teaches little when it was an outage: the next one is found nearly as soon', () => {
    const state = settled();
    const first = lookAtSilence(state, at(28 * DAY), SILENCE_BITS_MIN).due as number;
    // Two weeks away, then back at work for two weeks.
    const back = 42 * DAY;
    assert.ok(lookAtSilence(state, at(back), SILENCE_BITS_MIN).found !== undefined);
    for (const hour of LIVES['office hours']!(generator(4), 14)) hear(state, at(back + hour));
    const second = lookAtSilence(state, at(back + 14 * DAY), SILENCE_BITS_MIN).due as number;
    const [waited, waits] = [first - at(28 * DAY), second - at(back + 14 * DAY)];
    assert.ok(
      waits <= 2 * Math.max(waited, DAY * HOUR_MS),
      `${waits / HOUR_MS} hours, where it was ${waited / HOUR_MS}`,
    );
  });

  test('does not count hours in which nobody could hear', () => {
    const state = settled();
    const week = { from: MONDAY_H + 28 * DAY + 1, to: MONDAY_H + 35 * DAY + 1 };
    const judged = at(35 * DAY);
    assert.ok(surpriseOfSilence(state, judged, []) >= SILENCE_BITS_MIN);
    assert.ok(surpriseOfSilence(state, judged, [week]) < 3);
    const { found, due } = lookAtSilence(state, judged, SILENCE_BITS_MIN, [week]);
    assert.equal(found, undefined);
    assert.ok((due as number) > judged);
    assert.ok(lookAtSilence(state, judged, SILENCE_BITS_MIN).found !== undefined);
  });

  test('does not reach from one clock to another', () => {
    const state = settled();
    restartSilence(state);
    assert.deepEqual(lookAtSilence(state, at(60 * DAY), SILENCE_BITS_MIN), { found: undefined, due: undefined });
    hear(state, at(60 * DAY));
    assert.deepEqual(lookAtSilence(state, at(61 * DAY), SILENCE_BITS_MIN), { found: undefined, due: undefined });
  });

  test('is judged alike by a restored state, and signs of life from before change nothing', () => {
    const state = settled();
    const slab = new StateSlab(WORDS);
    const copy = slab.load(slab.save(state));
    const words = slab.save(copy);
    hear(copy, at(10 * DAY));
    assert.deepEqual(slab.save(copy), words);
    assert.deepEqual(
      lookAtSilence(copy, at(33 * DAY), SILENCE_BITS_MIN),
      lookAtSilence(state, at(33 * DAY), SILENCE_BITS_MIN),
    );
  });
});

function generator(seed: number): () => number {
  const random = seeded(seed);
  return () => random.next(1 << 24) / (1 << 24);
}

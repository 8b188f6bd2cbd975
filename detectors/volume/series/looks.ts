import { log2 } from '../../math/logarithm.ts';
import { type Blend, blend, createBlend, learnBlend } from './blend.ts';
import { createHabit, HABIT_WORDS, type Habit, habitAt, learnHabit } from './habit.ts';
import { createSpread, learnSpread, SPREAD_WORDS, type Spread, spreadAt, spreadOf } from './spread.ts';

/** The numbers that a row of a series is judged by, in units of the series' own spread, and what they are made from. */
export const LOOK_NAMES = ['step', 'shift', 'unrest', 'extreme', 'flurry'] as const;
export type LookName = (typeof LOOK_NAMES)[number];

export type Looks = {
  readonly habit: Habit;
  /** Distances from the next value, from the usual value, from the level. */
  readonly off_next: Spread;
  readonly off_usual: Spread;
  readonly off_level: Spread;
  readonly forecasts: Blend;
  rows: number;
  last: number;
  /** Exponentially weighted means of the value, and of its distance from the usual one. */
  quick: number;
  calm: number;
  distance: number;
  /** What was usual at the row before. */
  usual: number;
  rise: number;
  fall: number;
  unrest: number;
  flurry: number;
};

/** What was seen of a row: the numbers in the order of their names, and what learning needs. */
export type Sight = {
  readonly numbers: Float64Array;
  readonly step_bits: number;
  readonly next: number;
  readonly usual: number;
  readonly level: number;
  readonly forecasts: Float64Array;
  readonly rise: number;
  readonly fall: number;
  readonly unrest: number;
  readonly flurry: number;
};

const FORECASTS = 6;
export const LOOKS_WORDS = HABIT_WORDS + 3 * SPREAD_WORDS + FORECASTS + 1 + 10;

const QUICK = 0.3;
const CALM = 0.05;
/** Cumulative sums: deviations a row above which they grow, the most that one row adds, and the most they hold. */
const ALLOWANCE = 0.75;
const DEVIATION_MAX = 6;
const SUM_MAX = 200;
const UNREST_ROWS = 64;
const FLURRY_ROWS = 64;
/** A row's share in a flurry is bounded, so that one surprise is none. */
const FLURRY_BITS_MAX = 12;
/** Deviations below this are all the same calm. */
const CALM_MIN = 1 / 16;
const DEVIATIONS_MAX = 1e9;
/** One row pulls a habit by at most so many spreads. */
const REACH = 4;

export function createLooks(): Looks {
  return {
    habit: createHabit(),
    off_next: createSpread(),
    off_usual: createSpread(),
    off_level: createSpread(),
    forecasts: createBlend(FORECASTS),
    rows: 0,
    last: 0,
    quick: 0,
    calm: 0,
    distance: 0,
    usual: 0,
    rise: 0,
    fall: 0,
    unrest: 0,
    flurry: 0,
  };
}

/** Looks at a row. `surprise` tells the bits of a step, of which flurries are made. */
export function see(looks: Looks, at_ms: number, value: number, surprise: (step: number) => number): Sight {
  const first = looks.rows === 0;
  const usual = first ? value : habitAt(looks.habit, at_ms);
  const level = first ? value : (looks.habit.levels[0] as number);
  const forecasts = forecastsOf(looks, value, usual);
  const next = blend(looks.forecasts, forecasts);
  const least = Math.abs(value) * 1e-9 + 1e-300;
  const off_next = (value - next) / (spreadAt(looks.off_next, at_ms) + least);
  const off_usual = (value - usual) / (spreadAt(looks.off_usual, at_ms) + least);
  const off_level = (value - level) / (spreadOf(looks.off_level) + least);

  const step = octavesOf(off_next);
  const step_bits = surprise(step);
  const deviation = clip(off_usual, DEVIATION_MAX);
  const rise = Math.max(0, Math.min(SUM_MAX, looks.rise + deviation - ALLOWANCE));
  const fall = Math.max(0, Math.min(SUM_MAX, looks.fall - deviation - ALLOWANCE));
  const move = log2(CALM_MIN + Math.min(Math.abs(off_next), DEVIATIONS_MAX));
  const unrest = looks.unrest + (move - looks.unrest) / Math.min(looks.rows + 1, UNREST_ROWS);
  const flurry =
    looks.flurry + (Math.min(step_bits, FLURRY_BITS_MAX) - looks.flurry) / Math.min(looks.rows + 1, FLURRY_ROWS);
  const numbers = Float64Array.of(step, octavesOf(rise) - octavesOf(fall), unrest, octavesOf(off_level), flurry);
  return { numbers, step_bits, next, usual, level, forecasts, rise, fall, unrest, flurry };
}

/** The value before, two weighted means, the habit, the habit at the present distance, the value before moved as the habit moves. */
function forecastsOf(looks: Looks, value: number, usual: number): Float64Array {
  if (looks.rows === 0) return new Float64Array(FORECASTS).fill(value);
  const { last, quick, calm, distance } = looks;
  return Float64Array.of(last, quick, calm, usual, usual + distance, last + usual - looks.usual);
}

export function learnLooks(looks: Looks, at_ms: number, value: number, sight: Sight): void {
  const { next, usual, level } = sight;
  if (looks.rows === 0) {
    looks.quick = looks.calm = value;
    looks.habit.levels.fill(value);
  }
  looks.rows++;
  learnSpread(looks.off_next, at_ms, value - next);
  learnSpread(looks.off_usual, at_ms, value - usual);
  learnSpread(looks.off_level, at_ms, value - level);
  learnBlend(looks.forecasts, sight.forecasts, value);
  const moved = learnHabit(looks.habit, at_ms, value, REACH * spreadAt(looks.off_usual, at_ms));
  looks.last = value;
  looks.quick += QUICK * (value - looks.quick);
  looks.calm += CALM * (value - looks.calm);
  looks.distance += QUICK * (value - usual - looks.distance);
  looks.usual = usual;
  // A sum that has told a shift begins anew at the new level (Page 1954, section 2).
  looks.rise = moved ? 0 : sight.rise;
  looks.fall = moved ? 0 : sight.fall;
  looks.unrest = sight.unrest;
  looks.flurry = sight.flurry;
}

/** Deviations on a scale that is even around 0 and counts in octaves further out. */
function octavesOf(deviations: number): number {
  const octaves = log2(1 + 4 * Math.min(Math.abs(deviations), DEVIATIONS_MAX));
  return deviations < 0 ? -octaves : octaves;
}

const clip = (value: number, most: number): number => Math.max(-most, Math.min(most, value));

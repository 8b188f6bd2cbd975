import { type Blend, blend, createBlend, learnBlend } from './blend.ts';

/**
 * What a series usually is at this time: a level, a profile over the day and one over the week, each learned as a
 * deviation from the level and drawn towards 0 while its time was seldom seen (shrinkage; James and Stein 1961). Three
 * habits are kept, without profile, with the day's and with both, and weighed by how well they have done.
 */
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAY_SLOTS = 96;
const WEEK_SLOTS = 168;
const HABITS = 3;
export const HABIT_WORDS = 2 * (DAY_SLOTS + WEEK_SLOTS) + 2 * HABITS + 3;
/** Rows of a slot after which older ones fade, and rows that the belief "as at any time" weighs. */
const DAY_VISITS_MAX = 400;
const WEEK_VISITS_MAX = 100;
const SHRINK = 6;

export type Habit = {
  readonly levels: Float64Array;
  readonly day: Float64Array;
  readonly day_visits: Float64Array;
  readonly week: Float64Array;
  readonly week_visits: Float64Array;
  readonly blend: Blend;
  rows: number;
  /** Share of rows above less share below, lately: near 1 or -1 when the level has moved. */
  side: number;
};

export function createHabit(): Habit {
  return {
    levels: new Float64Array(HABITS),
    day: new Float64Array(DAY_SLOTS),
    day_visits: new Float64Array(DAY_SLOTS),
    week: new Float64Array(WEEK_SLOTS),
    week_visits: new Float64Array(WEEK_SLOTS),
    blend: createBlend(HABITS),
    rows: 0,
    side: 0,
  };
}

const daySlot = (at_ms: number): number => Math.floor((modulo(at_ms, DAY_MS) / DAY_MS) * DAY_SLOTS);
const weekSlot = (at_ms: number): number => Math.floor(modulo(at_ms, 7 * DAY_MS) / HOUR_MS);
const modulo = (value: number, by: number): number => value - Math.floor(value / by) * by;

function drawn(means: Float64Array, visits: Float64Array, slot: number): number {
  const n = visits[slot] as number;
  return ((means[slot] as number) * n) / (n + SHRINK);
}

function candidatesAt(habit: Habit, at_ms: number): Float64Array {
  const { levels } = habit;
  const day = drawn(habit.day, habit.day_visits, daySlot(at_ms));
  const week = drawn(habit.week, habit.week_visits, weekSlot(at_ms));
  return Float64Array.of(levels[0] as number, (levels[1] as number) + day, (levels[2] as number) + day + week);
}

/** The value that is usual at a time. */
export function habitAt(habit: Habit, at_ms: number): number {
  return blend(habit.blend, candidatesAt(habit, at_ms));
}

/** Rows that the level remembers. */
const LEVEL_MEMORY = 512;
const SIDE_MEMORY = 32;
/** Sidedness that 74 rows on one side reach, and that noise about the level does not. */
const MOVED = 0.9;
const FOLLOW = 0.125;

/**
 * Takes in a value. `reach` is the largest distance that one row may pull with. Once nearly all rows lie on one side, the
 * level follows without that bound, at an eighth of the distance a row, and the profiles wait. True while it does.
 */
export function learnHabit(habit: Habit, at_ms: number, value: number, reach: number): boolean {
  const { levels } = habit;
  const candidates = candidatesAt(habit, at_ms);
  const usual = blend(habit.blend, candidates);
  learnBlend(habit.blend, candidates, value);
  habit.rows++;
  habit.side += (Math.sign(value - usual) - habit.side) / SIDE_MEMORY;
  const moved = Math.abs(habit.side) > MOVED && habit.rows > 2 * SIDE_MEMORY;
  const rate = moved ? FOLLOW : 1 / Math.min(habit.rows, LEVEL_MEMORY);
  const most = moved || habit.rows <= SIDE_MEMORY ? Number.POSITIVE_INFINITY : reach;
  for (let i = 0; i < HABITS; i++) {
    levels[i] = (levels[i] as number) + rate * clip(value - (candidates[i] as number), most);
  }
  if (moved) return true;
  const slot = daySlot(at_ms);
  const off = value - (levels[1] as number) - (habit.day[slot] as number);
  learnSlot(habit.day, habit.day_visits, slot, clip(off, most), DAY_VISITS_MAX);
  const hour = weekSlot(at_ms);
  const rest = value - (levels[2] as number) - drawn(habit.day, habit.day_visits, slot) - (habit.week[hour] as number);
  learnSlot(habit.week, habit.week_visits, hour, clip(rest, most), WEEK_VISITS_MAX);
  return false;
}

function learnSlot(means: Float64Array, visits: Float64Array, slot: number, off: number, most: number): void {
  const n = Math.min((visits[slot] as number) + 1, most);
  visits[slot] = n;
  means[slot] = (means[slot] as number) + off / n;
}

const clip = (value: number, most: number): number => Math.max(-most, Math.min(most, value));

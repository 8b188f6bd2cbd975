import { AT, momentAt, RUNNING_WORDS } from './layout.ts';
import { log2, wholeOctaves } from './math/logarithm.ts';
import type { StateRef } from './state.ts';

/**
 * Page's one-sided CUSUM over standardised daily totals (Continuous inspection schemes, 1954): what lies above the
 * expected day by more than half a standard deviation adds up, what lies below takes away. Many slightly high days
 * become visible, of which none alone is a surprise.
 */
const DAY = 2;
const SLACK = 0.5;
const STEP_MAX = 4;
const DRIFT_MAX = 40;
/** Days without which there is no habit to drift from. */
export const DRIFT_DAYS_MIN = 4;
/** Measures that are followed: bytes out and records. */
export const DRIFT_MEASURES = [0, 2] as const;
/** A day varies by at least half an octave: otherwise a clockwork agent drifts by rounding. */
const SCALE_MIN = 0.5;

/** The statistic with the day so far, given its total. */
export function driftWith(state: Pick<StateRef, 'f32' | 'at'>, which: 0 | 1, total: number): number {
  const { f32, at } = state;
  const moment = at + momentAt(DAY, DRIFT_MEASURES[which]);
  return cusumWith(f32, moment, f32[at + AT.drift + which] as number, total);
}

/** The sum with a day of this total, against the moments of the days before it. */
export function cusumWith(f32: Float32Array, moment: number, before: number, total: number): number {
  const n = f32[moment] as number;
  if (n < DRIFT_DAYS_MIN) return before;
  // Up to the mean it takes the slack away, and from most sums that is all there is.
  if (before <= SLACK && wholeOctaves(total) <= (f32[moment + 1] as number)) return 0;
  const variance = (n * (f32[moment + 2] as number) + 2 * SCALE_MIN) / (n + 2);
  const scale = Math.max(SCALE_MIN, Math.sqrt(variance * (1 + 1 / n)));
  const deviations = (log2(1 + total) - (f32[moment + 1] as number)) / scale;
  const step = Math.max(-STEP_MAX, Math.min(STEP_MAX, deviations)) - SLACK;
  return Math.min(DRIFT_MAX, Math.max(0, before + step));
}

/** The day is over: it joins the sum. While an alert holds the day, the sum starts anew, as after any alarm. */
export function closeDrift(state: StateRef, held: boolean): void {
  const running = state.at + AT.running + DAY * RUNNING_WORDS;
  for (const which of [0, 1] as const) {
    const measure = DRIFT_MEASURES[which];
    if (((state.u32[running + 5] as number) & (1 << measure)) === 0) continue;
    const total = state.f32[running + 1 + measure] as number;
    state.f32[state.at + AT.drift + which] = held ? 0 : driftWith(state, which, total);
  }
}

/** Under no change the stationary statistic exceeds h with probability near e^(-2 x slack x h) (Siegmund 1985). */
export function driftBits(statistic: number): number {
  return 2 * SLACK * statistic * Math.LOG2E;
}

import { exp2, log2 } from './math/logarithm.ts';

/**
 * Whether a detector is as rarely surprised as it claims: of quiet events a share of 2^-k may surprise by k bits or more.
 * Every detector rests on a model of behaviour (a logistic law, a chain, a back-off), and no model holds for every fleet:
 * where each ticket is a new resource, new resources are no surprise. So each group counts, by detector, how often its
 * learned sessions reached a few levels, and a surprise is corrected by what the group shows.
 *
 * Source: the reliability of probability forecasts (Dawid, The well-calibrated Bayesian, 1982); beyond the highest level
 * the excess is carried on, as in the peaks over a threshold (Pickands, Statistical inference using extreme order
 * statistics, 1975), with the detector's own tail. The correction only ever lowers: a detector that is surprised less often than
 * it claims is conservative, P(p <= alpha) <= alpha, which is what a threshold needs (Lehmann and Romano, Testing
 * Statistical Hypotheses, 2005, section 3.3), and a quiet voice that is raised would drown those that have something to say. What
 * is judged by the day, apart from the scores of events, is corrected either way.
 *
 * State: 32 words of an open session, 513 numbers of a group. Wrong while a group has learned few
 * events (counts are taken for one standard error less than they are, so one event alone proves nothing), and where
 * attacks that nobody noticed are a fair share of what was learned. The events of one session resemble each other, so at
 * most `COUNTED_MAX` of them count at a level.
 */

/** Surprises are counted at so many levels, a bit apart, from this one on. */
export const LEVEL_FIRST = 3;
export const LEVELS = 16;
/** Detectors there is room for. */
export const CALIBRATED_MAX = 32;
export const CALIBRATION_FIELDS = CALIBRATED_MAX * LEVELS;
/** Two bits a level. */
const COUNTED_MAX = 3;
const LEVEL_LAST = LEVEL_FIRST + LEVELS - 1;

/** The session counts, in two bits a level, how many of its events reached the levels; beyond `COUNTED_MAX` no more. */
export function countLevels(u32: Uint32Array, at: number, claims: readonly number[]): void {
  const detectors = Math.min(claims.length, CALIBRATED_MAX);
  for (let d = 0; d < detectors; d++) {
    const bits = claims[d] as number;
    if (bits < LEVEL_FIRST) continue;
    let word = u32[at + d] as number;
    const reached = Math.min(Math.floor(bits), LEVEL_LAST) - LEVEL_FIRST;
    for (let level = 0; level <= reached; level++) {
      if (((word >>> (level * 2)) & COUNTED_MAX) < COUNTED_MAX) word += 1 << (level * 2);
    }
    u32[at + d] = word;
  }
}

/** The learned session hands its counts on: sums by detector and level, in events times `trust`. */
export function teachLevels(u32: Uint32Array, at: number, into: Float64Array, trust: number): void {
  for (let d = 0; d < CALIBRATED_MAX; d++) {
    let word = u32[at + d] as number;
    for (let field = d * LEVELS; word !== 0; field++, word >>>= 2) {
      into[field] = (into[field] as number) + trust * (word & COUNTED_MAX);
    }
  }
}

/**
 * Bits by which a surprise of each level is too large, from how many of so many events reached it. Those of detectors in
 * `both` may be too small as well: what they claim is not of an event but of a day, and only the fleet tells how many events have
 * such a day. For them an event more counts than was seen, so what never happened is as rare as there were events to show it.
 */
export function excessOf(reached: Float64Array, events: number, both: readonly number[]): Float64Array {
  const excess = new Float64Array(CALIBRATION_FIELDS);
  for (let field = 0; field < CALIBRATION_FIELDS; field++) {
    const level = field % LEVELS;
    const claimed = events * exp2(-LEVEL_FIRST - level);
    const count = reached[field] as number;
    if (events > 0 && both.includes(Math.floor(field / LEVELS))) {
      const here = log2((count + Math.sqrt(count) + 1) / claimed);
      excess[field] = level === 0 ? here : Math.max(here, (excess[field - 1] as number) - TAIL_SLOPE_MAX + 1);
      continue;
    }
    const sure = count - Math.sqrt(count);
    const here = sure <= claimed ? 0 : log2(sure / claimed);
    excess[field] = level === 0 ? here : Math.max(here, (excess[field - 1] as number) - TAIL_SLOPE_MAX + 1);
  }
  return excess;
}
/** What was seen ends somewhere; beyond, a tail is at most so much steeper than the detector claims. */
const TAIL_SLOPE_MAX = 2;

/** The surprise that the group's experience leaves of what the detector claims; linear between the levels. */
export function corrected(bits: number, detector: number, excess: Float32Array): number {
  if (bits <= 1 || detector >= CALIBRATED_MAX) return bits;
  const first = detector * LEVELS;
  if (bits <= LEVEL_FIRST) return bits - ((excess[first] as number) * (bits - 1)) / (LEVEL_FIRST - 1);
  if (bits >= LEVEL_LAST) return Math.max(1, bits - (excess[first + LEVELS - 1] as number));
  const low = Math.floor(bits);
  const here = excess[first + low - LEVEL_FIRST] as number;
  const next = excess[first + low - LEVEL_FIRST + 1] as number;
  return Math.max(1, bits - here - (bits - low) * (next - here));
}

import type { AlertBudget } from './contract.ts';
import { DAY_SCORES, SESSION_SCORES } from './layout.ts';
import { log2 } from './math/logarithm.ts';

/**
 * Thresholds from the operator's alert budget: of the maxima of recent identity-days, the level that so many of them
 * may reach. An identity-day counts once however often it surprises, as it makes one story.
 */
export type Thresholds = {
  readonly finding_bits: number;
  readonly alert_bits: number;
  /** Sessions that reach it teach their group with less weight. */
  readonly doubt_bits: number;
};

/** Before the fleet is known, only what would be extreme anywhere becomes an alert. */
export const DEFAULT_ALERT_BITS = 24;
/** However generous the budget, an ordinary event is no alert. */
const ALERT_BITS_MIN = 8;
const FINDING_SHARE = 0.7;
/** Identity-days and sessions after which the fleet's own maxima alone set the thresholds. */
export const IDENTITY_DAYS_ENOUGH = 50;
export const SESSIONS_ENOUGH = 500;
/** Days after which it has shown what it does once a week. */
export const AGE_ENOUGH = 7;
/** Share of the most surprising sessions that teach with less weight. */
const DOUBTED_SHARE = 0.06;

export type Fleet = {
  readonly session_scores: Float64Array;
  readonly day_scores: Float64Array;
  readonly day: number;
  readonly first_day: number;
};

export function thresholdsOf(fleet: Fleet, budget: AlertBudget): Thresholds {
  const days = totalOf(fleet.day_scores);
  const sessions = totalOf(fleet.session_scores);
  const allowed = typeof budget === 'number' ? (budget / 1000) * days : budget.alerts_per_day * daysCounted(fleet);
  const own = Math.max(ALERT_BITS_MIN, levelReachedBy(fleet.day_scores, DAY_SCORES.bits, allowed));
  const trust = Math.min(
    1,
    days / IDENTITY_DAYS_ENOUGH,
    sessions / SESSIONS_ENOUGH,
    (fleet.day - fleet.first_day) / AGE_ENOUGH,
  );
  const alert_bits = own >= DEFAULT_ALERT_BITS ? own : DEFAULT_ALERT_BITS + trust * (own - DEFAULT_ALERT_BITS);
  const doubted = levelReachedBy(fleet.session_scores, SESSION_SCORES.bits, sessions * DOUBTED_SHARE);
  return {
    alert_bits: Math.fround(alert_bits),
    finding_bits: findingBitsOf(alert_bits),
    doubt_bits: Math.fround(sessions < SESSIONS_ENOUGH ? alert_bits : doubted),
  };
}

export function findingBitsOf(alert_bits: number): number {
  return Math.fround(alert_bits * FINDING_SHARE);
}

/**
 * What counts of maxima lose when a day begins: one of so many. A fleet that is so many days old surprises more than it
 * will, as nothing is known yet; what it did then is soon forgotten.
 */
export function scoresLost(age_days: number): number {
  return age_days <= YOUNG_DAYS ? 3 : 8;
}
const YOUNG_DAYS = 12;

/** How many whole days the counts amount to: of each day before the last, less is left. */
function daysCounted({ day, first_day }: Fleet): number {
  const age = day - first_day;
  let counted = 0;
  for (let past = Math.max(0, age - 64); past <= age; past++) counted = 1 + counted * (1 - 1 / scoresLost(past));
  return counted;
}

function totalOf(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += Math.max(0, count);
  return total;
}

/** The score that `allowed` of the maxima reach; within a bucket the tail is taken as exponential. */
function levelReachedBy(counts: Float64Array, width: number, allowed: number): number {
  let above = 0;
  for (let b = counts.length - 1; b >= 0; b--) {
    const here = Math.max(0, counts[b] as number);
    if (above + here > allowed) return (b + shareAbove(above, here, allowed)) * width;
    above += here;
  }
  return 0;
}

/** How far into the bucket, from below, its tail falls to `allowed`: from `above + here` to `above`. */
function shareAbove(above: number, here: number, allowed: number): number {
  if (allowed <= above) return 1;
  return above === 0 ? 1 - allowed / here : log2((above + here) / allowed) / log2((above + here) / above);
}

import { SCORE_BUCKET_BITS, SCORE_BUCKETS } from './layout.ts';

/**
 * Thresholds from the operator's alert budget: of the maxima of recent sessions, the level that so many sessions per
 * identity and day may reach.
 */
export type Thresholds = {
  readonly finding_bits: number;
  readonly alert_bits: number;
  readonly doubt_bits: number;
};

/** Before the fleet is known, only what would be extreme anywhere becomes an alert. */
export const DEFAULT_ALERT_BITS = 30;
/** However generous the budget, an ordinary event is no alert. */
const ALERT_BITS_MIN = 10;
const FINDING_SHARE = 0.7;
/** Sessions after which the fleet's own scores alone set the thresholds. */
/** Share of the most surprising sessions that teach with less weight. */
const DOUBTED_SHARE = 0.06;
const SESSIONS_ENOUGH = 1000;

export function findingBitsOf(alert_bits: number): number {
  return alert_bits * FINDING_SHARE;
}

export function thresholdsOf(
  fleet: { readonly scores: Float64Array; readonly identity_days: number },
  alerts_per_1000_identity_days: number,
): Thresholds {
  let sessions = 0;
  for (let b = 0; b < SCORE_BUCKETS; b++) {
    const count = Math.max(0, fleet.scores[b] as number);
    sessions += count;
  }
  const allowed = (alerts_per_1000_identity_days / 1000) * fleet.identity_days;
  const own = Math.max(ALERT_BITS_MIN, levelReachedBy(fleet.scores, allowed));
  const trust = Math.min(1, sessions / SESSIONS_ENOUGH);
  const alert_bits = own >= DEFAULT_ALERT_BITS ? own : DEFAULT_ALERT_BITS + trust * (own - DEFAULT_ALERT_BITS);
  return {
    alert_bits: Math.fround(alert_bits),
    finding_bits: Math.fround(findingBitsOf(alert_bits)),
    doubt_bits:
      sessions < SESSIONS_ENOUGH ? alert_bits : Math.fround(levelReachedBy(fleet.scores, sessions * DOUBTED_SHARE)),
  };
}

/** The score that `allowed` sessions reach, interpolated within its bucket; sessions above the last bucket are in it. */
function levelReachedBy(scores: Float64Array, allowed: number): number {
  let above = 0;
  for (let b = SCORE_BUCKETS - 1; b >= 0; b--) {
    const here = Math.max(0, scores[b] as number);
    if (above + here > allowed) return (b + 1 - Math.max(0, allowed - above) / here) * SCORE_BUCKET_BITS;
    above += here;
  }
  return 0;
}

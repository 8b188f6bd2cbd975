import type { AlertBudget } from '../../../../detectors/contract.ts';
import { UNITS } from '../../../../schemas/limits.ts';
import type { Ledger } from './ledger.ts';

/** What the alert budget asked for against what came, since thresholds are the fleet's own. */
export type BudgetReport = {
  readonly alerts_per_1000_identity_days: number;
  /** Recorded time (RFC 3339) since when; null while the fleet has not shown enough, and then nothing can be judged. */
  readonly own_thresholds_since: string | null;
  readonly identity_days: number;
  readonly asked: number;
  readonly came: number;
  /** `came` over `asked`; null where nothing was asked for. */
  readonly ratio: number | null;
  /** Within 25 %; null where nothing can be judged. */
  readonly met: boolean | null;
  /** How many a budget that is met exactly brings in 19 of 20 such stretches of time. */
  readonly by_chance: readonly [least: number, most: number];
};

const TOLERANCE = 0.25;

export function budgetReport(ledger: Ledger, budget: AlertBudget): BudgetReport {
  const since = ledger.own_since_ms;
  const first_day = since === undefined ? Number.POSITIVE_INFINITY : Math.ceil(since / UNITS.DAY_MS);
  const from_ms = first_day * UNITS.DAY_MS;
  let identity_days = 0;
  const judged_days = new Set<number>();
  for (const { days } of ledger.identities) {
    for (const day of days) {
      if (day < first_day) continue;
      identity_days += 1;
      judged_days.add(day);
    }
  }
  const asked = typeof budget === 'number' ? (budget / 1000) * identity_days : budget.alerts_per_day * judged_days.size;
  const came = ledger.alerts.filter(({ created }) => created >= from_ms).length;
  const judged = since !== undefined && asked > 0;
  return {
    alerts_per_1000_identity_days:
      typeof budget === 'number'
        ? budget
        : identity_days === 0
          ? 0
          : Math.round((asked / identity_days) * 100_000) / 100,
    own_thresholds_since: since === undefined ? null : new Date(since).toISOString(),
    identity_days,
    asked: Math.round(asked * 10) / 10,
    came,
    ratio: judged ? Math.round((came / asked) * 100) / 100 : null,
    met: judged ? Math.abs(came / asked - 1) <= TOLERANCE : null,
    by_chance: poissonSpan(asked),
  };
}

const EXACT_MAX = 500;
const TAIL = 0.025;

/** The counts between the 2.5 % and the 97.5 % quantile of a Poisson distribution (its normal limit where it is large). */
export function poissonSpan(mean: number): readonly [least: number, most: number] {
  if (!(mean > 0)) return [0, 0];
  if (mean > EXACT_MAX) {
    const spread = 1.96 * Math.sqrt(mean);
    return [Math.floor(mean - spread), Math.ceil(mean + spread)];
  }
  let [count, mass] = [0, Math.exp(-mean)];
  let below = mass;
  while (below < TAIL) {
    count += 1;
    mass *= mean / count;
    below += mass;
  }
  const least = count;
  while (below < 1 - TAIL) {
    count += 1;
    mass *= mean / count;
    below += mass;
  }
  return [least, count];
}

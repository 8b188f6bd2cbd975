import { exp2, log2 } from './math/logarithm.ts';
import type { WordReader } from './prior.ts';
import { type Fleet, findingBitsOf, thresholdsOf } from './threshold.ts';

/**
 * Thresholds for other budgets than the operator's: for one identity or group somebody may ask for more alerts, or for
 * fewer. The prior carries the level of the fleet's maxima (threshold.ts) for a ladder of budgets; between two rungs the
 * level is taken to be linear in the logarithm of the budget, as it is for an exponential tail.
 *
 * Wrong where the identity is not like the fleet: the level says how often a member of the fleet reaches it.
 */
export const BUDGET_LADDER = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] as const;

const LOGS = BUDGET_LADDER.map(log2);

/** `alert_bits` for each rung, never rising with the budget. */
export function levelsOf(fleet: Fleet): number[] {
  let before = Number.POSITIVE_INFINITY;
  return BUDGET_LADDER.map((budget) => {
    before = Math.min(before, thresholdsOf(fleet, budget).alert_bits);
    return before;
  });
}

/** What stands at the end of a prior; one of an earlier version ends before it. */
export function readLevels(words: WordReader): Float32Array | undefined {
  return words.done ? undefined : words.floats(words.word());
}

/** Thresholds for a budget in alerts per 1,000 identity-days; those beyond the ladder are those of its last rung. */
export function thresholdsAt(
  levels: Float32Array,
  budget: number,
): { readonly finding_bits: number; readonly alert_bits: number } {
  const at = log2(budget);
  let rung = LOGS.findIndex((log) => log >= at);
  if (rung === -1) rung = LOGS.length;
  const above = levels[Math.min(rung, LOGS.length - 1)] as number;
  const below = levels[Math.max(rung - 1, 0)] as number;
  const [from, to] = [LOGS[Math.max(rung - 1, 0)] as number, LOGS[Math.min(rung, LOGS.length - 1)] as number];
  const share = to > from ? (at - from) / (to - from) : 0;
  const alert_bits = Math.fround(below + share * (above - below));
  return { alert_bits, finding_bits: findingBitsOf(alert_bits) };
}

/**
 * Of 1,000 identity-days of the fleet, how many reach so many bits at their strongest event: the probability of an
 * identity-day at least as surprising, which the budget ladder is the quantile function of. Between two rungs the tail is
 * exponential; beyond the ladder it is that of its end. Undefined while the fleet has shown too little to tell its days apart.
 */
export function reachedPer1000(levels: Float32Array, bits: number): number | undefined {
  const last = levels.length - 1;
  if ((levels[0] as number) - (levels[last] as number) <= 0) return undefined;
  const rung = levels.findIndex((level) => level <= bits);
  if (rung === 0) return BUDGET_LADDER[0];
  if (rung === -1) return BUDGET_LADDER[last];
  const [high, low] = [levels[rung - 1] as number, levels[rung] as number];
  const [from, to] = [LOGS[rung - 1] as number, LOGS[rung] as number];
  return exp2(to - ((bits - low) / (high - low)) * (to - from));
}

import type { Model, Score, ScoreInput } from '../../detectors/contract.ts';
import { exp2, log2 } from '../../detectors/math/logarithm.ts';
import type { Thresholds } from './policy.ts';

/**
 * What is judged by the identity-day and not by the event (a sum over days) is told apart from the score of the event at hand:
 * the calls of such a day are ordinary ones, and raising the score of each would drown those that are not. It has a
 * share of the alert budget of its own.
 */
const BUDGET_SHARE = 0.1;
/** Whatever the budget, an identity-day that is reached more often than once in 64 is no alert. */
const DAY_BITS_MIN = 6;
const PER = 1000;

/**
 * Bits on the scale of the fleet's scores of the most surprising detector that is judged by the day: those that as few
 * identity-days reach at their strongest event. Undefined where it does not come within its share of the budget, or too little is
 * known of the fleet.
 */
export function toldApart(
  model: Model,
  { parts }: Score,
  input: ScoreInput,
  thresholds: Thresholds,
): { readonly bits: number; readonly detector: string } | undefined {
  const said = model.apart(input, parts);
  if (said === undefined || said.bits < DAY_BITS_MIN) return undefined;
  const { prior } = input;
  const allowed = prior.reachedPer1000(thresholds.alert_bits);
  if (allowed === undefined || said.bits < log2(PER / (BUDGET_SHARE * allowed))) return undefined;
  const { alert_bits } = prior.thresholdsAt(PER * exp2(-said.bits));
  return { bits: Math.max(alert_bits, thresholds.alert_bits), detector: said.detector };
}

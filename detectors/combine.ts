import type { Context } from './context.ts';
import type { Detector } from './detector.ts';
import { OUTCOME } from './features.ts';

/**
 * One number from the surprises of all detectors: the root of the sum of their squares.
 *
 * It lies between the largest of them (Tippett 1931, which throws corroboration away) and their sum (Fisher 1932, which
 * takes dependent detectors for independent ones). What detectors say of ordinary events is noise of one or two bits,
 * and squares keep fourteen such voices from shouting one real surprise down. The scale is nominal; thresholds are
 * taken from what the fleet really scores (threshold.ts), so the budget holds whatever the dependence.
 */
export function combine(detectors: readonly Detector[], parts: readonly number[], c: Context): number {
  const weight = operationWeight(c);
  let squares = 0;
  for (let i = 0; i < parts.length; i++) {
    const detector = detectors[i] as Detector;
    const bits = (parts[i] as number) * detector.voice * (detector.weighed === 'operation' ? weight : 1);
    squares += bits * bits;
  }
  return Math.sqrt(squares);
}

/** What the operation can do, halved for an exact repeat of a call and for a call that failed. */
function operationWeight(c: Context): number {
  let weight = c.f.weight;
  if (c.trace.hasSignature(c.f.signature)) weight /= 2;
  if (c.f.outcome === OUTCOME.error || c.f.outcome === OUTCOME.denied) weight /= 2;
  return weight;
}

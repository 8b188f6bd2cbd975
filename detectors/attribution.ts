import type { Contribution } from '../schemas/finding.ts';
import { entering, operationWeight, rootOf, type Voices } from './combine.ts';
import type { Context } from './context.ts';
import type { Detector } from './detector.ts';

/**
 * Which detector made how much of an event's score, exactly: the parts add up to the score.
 *
 * Groups of detectors (work; access; each that judges the place) enter the score as r = sqrt(x1^2 + x2^2 + ...), and their roots are added.
 * A root of squares is homogeneous of degree one, so by Euler's theorem it is the sum of each of its inputs times its
 * derivative there: x_i * dr/dx_i = x_i * x_i / r. That is the Euler allocation of a total risk to its sources (Tasche
 * 1999) and, for such functions, the Aumann-Shapley value (Aumann and Shapley 1974): what each detector adds on average while all of
 * them are turned up together. A detector twice as loud as another has four times its part, as it has in the score.
 *
 * In bits, by detector; all are 0 where the score is. Scaled to `bits`, the score as it was handed out, so that the sum
 * holds whatever is made of the combination afterwards.
 */
export function attribute(voices: Voices, parts: readonly number[], c: Context, bits: number): Float64Array {
  const weight = operationWeight(c);
  return allocate(
    Float64Array.from(parts, (part, i) => (part === 0 ? 0 : entering(voices, i, part, weight))),
    (i) => rootOf(voices, i),
    bits,
  );
}

/** The allocation of a sum of roots of squares to what enters them; `root` numbers the root that each enters. */
export function allocate(entered: Float64Array, root: (index: number) => number, total: number): Float64Array {
  const squares = new Map<number, number>();
  for (const [i, x] of entered.entries()) squares.set(root(i), (squares.get(root(i)) ?? 0) + x * x);
  const sum = [...squares.values()].reduce((all, one) => all + Math.sqrt(one), 0);
  if (sum === 0) return new Float64Array(entered.length);
  return entered.map((x, i) => (x === 0 ? 0 : ((x * x) / Math.sqrt(squares.get(root(i)) as number)) * (total / sum)));
}

/** Detectors that made something of the score, the loudest first: bits to a hundredth, shares to a thousandth. */
export function contributionsFrom(detectors: readonly Detector[], bits: Float64Array): Contribution[] {
  const total = bits.reduce((sum, one) => sum + one, 0);
  return detectors
    .map(({ name }, i) => ({
      detector: name,
      bits: Math.round((bits[i] as number) * 100) / 100,
      share: total === 0 ? 0 : Math.round(((bits[i] as number) / total) * 1000) / 1000,
    }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.bits - a.bits);
}

import type { Context } from './context.ts';
import { MEASURES } from './layout.ts';
import { exp2 } from './math/logarithm.ts';
import { ofHistory, peersName } from './sentences.ts';
import { expectTotal, SPAN_NAMES, totalBits } from './windows.ts';

/** Strongest of several totals. Filled by `strongest`, read by explanations. */
export type Strongest = { bits: number; span: number; measure: number };

const scratch = { n: 0, centre: 0, scale: 1 };

/**
 * Surprise of the most surprising of several running totals, less log2 of how many were looked at (Bonferroni): the
 * best of many looks is less of a surprise than one.
 */
export function strongest(
  c: Context,
  looks: readonly (readonly [span: number, measure: number])[],
  correction: number,
  into: Strongest,
): number {
  into.bits = 0;
  for (const [span, measure] of looks) {
    const bits = totalBits(c, span, measure, scratch);
    if (bits > into.bits) {
      into.bits = bits;
      into.span = span;
      into.measure = measure;
    }
  }
  into.bits = Math.max(0, into.bits - correction);
  return into.bits;
}

export type Compared = {
  readonly span: string;
  readonly total: number;
  readonly usual: number;
  readonly yardstick: string;
  readonly own: boolean;
};

/** The strongest total beside what is usual, for a sentence. */
export function compared(c: Context, found: Strongest): Compared {
  expectTotal(c, found.span, found.measure, scratch);
  return {
    span: SPAN_NAMES[found.span] as string,
    total: c.windows.totals[found.span * MEASURES + found.measure] as number,
    usual: Math.max(0, exp2(scratch.centre) - 1),
    yardstick: scratch.n >= 3 ? ofHistory(c) : `in ${peersName(c)}`,
    own: scratch.n >= 3,
  };
}

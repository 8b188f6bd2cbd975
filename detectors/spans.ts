import type { Context } from './context.ts';
import { MEASURES } from './layout.ts';
import { exp2 } from './math/logarithm.ts';
import { upperTailBits } from './math/moments.ts';
import { nearName, ofHistory } from './sentences.ts';
import { deviationsOf, expectTotal, SPAN_NAMES } from './windows.ts';

/** One running total to look at. */
export type Look = { readonly span: number; readonly measure: number };

/** Strongest of several totals. Filled by `strongest`, read by explanations. */
export type Strongest = { bits: number; span: number; measure: number };

const scratch = { n: 0, centre: 0, scale: 1 };

/**
 * Surprise of the most surprising of several running totals, less log2 of how many were looked at (Bonferroni): the
 * best of many looks is less of a surprise than one.
 */
export function strongest(c: Context, looks: readonly Look[], correction: number, into: Strongest): number {
  let most = 0;
  for (let i = 0; i < looks.length; i++) {
    const look = looks[i] as Look;
    const deviations = deviationsOf(c, look.span, look.measure, scratch);
    if (deviations > most) {
      most = deviations;
      into.span = look.span;
      into.measure = look.measure;
    }
  }
  into.bits = most === 0 ? 0 : Math.max(0, upperTailBits(most) - correction);
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
    yardstick: scratch.n >= 3 ? ofHistory(c) : `in ${nearName(c)}`,
    own: scratch.n >= 3,
  };
}

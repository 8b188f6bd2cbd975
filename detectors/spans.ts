import type { Context } from './context.ts';
import { MEASURES } from './layout.ts';
import { exp2 } from './math/logarithm.ts';
import { deviationsWithin, upperTailBits } from './math/moments.ts';
import { learnedFrom, learnedFromPeers } from './sentences.ts';
import { deviationsOf, expectTotal, SPAN_NAMES } from './windows.ts';

/** One running total to look at. */
type Look = { readonly span: number; readonly measure: number };

/** Running totals of which the most surprising speaks, less the price of so many looks in bits. */
export type Looks = { readonly each: readonly Look[]; readonly correction: number; readonly quiet: number };

/** `correction`: log2 of how many looks there are (Bonferroni): the best of many is less of a surprise than one. */
export function looksOf(correction: number, each: readonly Look[]): Looks {
  return { each, correction, quiet: deviationsWithin(correction) };
}

/** Strongest of several totals. Filled by `strongest`, read by explanations. */
export type Strongest = { bits: number; span: number; measure: number };

const scratch = { n: 0, centre: 0, scale: 1 };

/** Surprise of the most surprising of several running totals. What would not outweigh the price is not worked out. */
export function strongest(c: Context, { each, correction, quiet }: Looks, into: Strongest): number {
  let most = quiet;
  for (let i = 0; i < each.length; i++) {
    const look = each[i] as Look;
    const deviations = deviationsOf(c, look.span, look.measure, most, scratch);
    if (deviations > most) {
      most = deviations;
      into.span = look.span;
      into.measure = look.measure;
    }
  }
  into.bits = most === quiet ? 0 : Math.max(0, upperTailBits(most) - correction);
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
    yardstick: scratch.n >= 3 ? learnedFrom(c) : learnedFromPeers(c),
    own: scratch.n >= 3,
  };
}

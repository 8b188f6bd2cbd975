import { log2 } from '../../math/logarithm.ts';

/**
 * The tails of a number that is watched: a histogram that forgets, and beyond its outermost values an exponential tail
 * with the mean excess that was seen there (Hill, A simple general approach to inference about the tail of a
 * distribution, 1975; peaks over threshold with shape 0, Davison and Smith 1990). Where a number is given as octaves of
 * an amount, that is a power law of the amount: heavy, as sizes and latencies are.
 *
 * Equal values count as "at least as large" (p of a rank, ties included), so a discrete number surprises less often than
 * it says, never more often.
 */
export type TailTable = {
  readonly bins: Float64Array;
  /** Value of the lower edge of the first bin, and bins per unit. */
  readonly from: number;
  readonly per_unit: number;
  readonly memory: number;
  /** What the mean excess is believed to be before any was seen. */
  readonly excess: number;
  /** Weight of the next value: it grows, where the weights of all others would have to fade. */
  weight: number;
  total: number;
};

/** Values beyond which the tail is extrapolated, and the values that the belief about it weighs. */
const OUTER = 12;
const BELIEF = 4;
const WEIGHT_MAX = 2 ** 40;
/** Fewer values have no tails. */
const VALUES_MIN = 16;

export type TailShape = Pick<TailTable, 'from' | 'per_unit' | 'memory' | 'excess'> & { readonly to: number };

export function createTailTable({ from, to, per_unit, memory, excess }: TailShape): TailTable {
  const bins = new Float64Array(Math.ceil((to - from) * per_unit));
  return { bins, from, per_unit, memory, excess, weight: 1, total: 0 };
}

function binOf(table: TailTable, value: number): number {
  const bin = Math.floor((value - table.from) * table.per_unit);
  return bin < 0 ? 0 : Math.min(bin, table.bins.length - 1);
}

export function learnTail(table: TailTable, value: number): void {
  const { bins, memory } = table;
  const bin = binOf(table, value);
  bins[bin] = (bins[bin] as number) + table.weight;
  table.total += table.weight;
  table.weight *= 1 + 1 / memory;
  if (table.weight < WEIGHT_MAX) return;
  for (let i = 0; i < bins.length; i++) bins[i] = (bins[i] as number) / table.weight;
  table.total /= table.weight;
  table.weight = 1;
}

/** Bits of a value at least this large (`side` 1) or at most this large (`side` -1), from the values learned. */
export function tailBits(table: TailTable, value: number, side: 1 | -1): number {
  const { bins, weight, total } = table;
  if (total < VALUES_MIN * weight) return 0;
  const at = binOf(table, value);
  const enough = Math.min(OUTER * weight, total / 8);
  let i = side > 0 ? bins.length - 1 : 0;
  let mass = 0;
  let moment = 0;
  for (let here = bins[i] as number; mass + here < enough; here = bins[i] as number) {
    mass += here;
    moment += here * i * side;
    i -= side;
  }
  if ((at - i) * side <= 0) {
    for (; (i - at) * side >= 0; i -= side) mass += bins[i] as number;
    return log2((total + weight) / (mass + weight));
  }
  const edge = table.from + (i + (side > 0 ? 1 : 0)) / table.per_unit;
  const excess = (moment - mass * (i * side + 0.5)) / table.per_unit;
  const mean = (excess + BELIEF * weight * table.excess) / (mass + BELIEF * weight);
  return log2((total + weight) / (mass + weight)) + (Math.LOG2E * Math.max(0, (value - edge) * side)) / mean;
}

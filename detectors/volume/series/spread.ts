/**
 * How far values usually lie from what was expected, by hour of day, drawn towards all hours together. It is the square
 * of the mean root of the distance: of the dimension of the value, hardly moved by outliers, and above 0 as soon as
 * anything has ever moved, however rare.
 */
const HOURS = 24;
const HOUR_MS = 3_600_000;
const MEMORY = 512;
const HOUR_MEMORY = 192;
const SHRINK = 24;
export const SPREAD_WORDS = 2 * HOURS + 2;

export type Spread = { readonly roots: Float64Array; readonly visits: Float64Array; all: number; rows: number };

export function createSpread(): Spread {
  return { roots: new Float64Array(HOURS), visits: new Float64Array(HOURS), all: 0, rows: 0 };
}

const slotOf = (at_ms: number): number => ((Math.floor(at_ms / HOUR_MS) % HOURS) + HOURS) % HOURS;

export function spreadAt({ roots, visits, all }: Spread, at_ms: number): number {
  const slot = slotOf(at_ms);
  const n = visits[slot] as number;
  const root = (n * (roots[slot] as number) + SHRINK * all) / (n + SHRINK);
  return root * root;
}

/** All hours together. */
export const spreadOf = ({ all }: Spread): number => all * all;

export function learnSpread(spread: Spread, at_ms: number, distance: number): void {
  const { roots, visits } = spread;
  const root = Math.sqrt(Math.abs(distance));
  spread.rows++;
  spread.all += (root - spread.all) / Math.min(spread.rows, MEMORY);
  const slot = slotOf(at_ms);
  const n = Math.min((visits[slot] as number) + 1, HOUR_MEMORY);
  visits[slot] = n;
  roots[slot] = (roots[slot] as number) + (root - (roots[slot] as number)) / n;
}

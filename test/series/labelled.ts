import { BASES, createDraw, type Draw } from './shapes.ts';

/** A series with known anomalies: each a window of rows [from, to) that begins shortly before the onset. */
export type Labelled = {
  readonly name: string;
  readonly base: string;
  readonly kind: string;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly windows: readonly { readonly from: number; readonly onset: number; readonly to: number }[];
};

type Change = (value: number, into: number, draw: Draw) => number;
type Kind = {
  readonly length: number;
  /** Makes the change for a series of this spread (interquantile range 5 to 95 %), from the values around. */
  make(spread: number, strength: number, values: Float64Array, onset: number): Change;
};

/** What goes wrong, in units of the usual spread of the series. */
export const KINDS: Readonly<Record<string, Kind>> = {
  spike: { length: 2, make: (spread, strength) => (value) => value + spread * (0.8 + 1.5 * strength) },
  dip: { length: 3, make: (spread, strength) => (value) => value - spread * (0.8 + 1.2 * strength) },
  outage: { length: 40, make: (_spread, _strength, values) => () => Math.min(0, quantileOf(values, 0)) },
  level_up: { length: 900, make: (spread, strength) => (value) => value + spread * (0.6 + strength) },
  level_down: { length: 900, make: (spread, strength) => (value) => value - spread * (0.6 + strength) },
  drift: {
    length: 500,
    make: (spread, strength) => (value, into) => value + (spread * (0.8 + 2 * strength) * Math.min(into, 300)) / 300,
  },
  noise_burst: {
    length: 80,
    make: (spread, strength) => (value, _into, draw) => value + spread * (0.4 + 0.8 * strength) * draw.normal(),
  },
  flat_line: { length: 150, make: (_spread, _strength, values, onset) => () => values[onset - 1] as number },
  more_spikes: {
    length: 160,
    make: (spread, strength) => (value, into) => (into % 6 === 0 ? value + spread * (0.6 + strength) : value),
  },
  quiet_day: {
    length: 288,
    make: (_spread, strength, values) => {
      const low = quantileOf(values, 0.15);
      return (value) => low + (value - low) * (0.5 - 0.4 * strength);
    },
  },
};

function quantileOf(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

const START_MS = 1_700_000_000_000 - (1_700_000_000_000 % 300_000);
/** Rows before the first anomaly, as a share of all. */
const QUIET = 0.35;

/** One series of a base shape with two anomalies of one kind, now and then a missing step. */
export function labelledSeries(base: string, kind: string, seed: number): Labelled {
  const draw = createDraw(seed * 7919 + hash(`${base}/${kind}`));
  const { step_ms, rows, value } = BASES[base]!(draw);
  const times = new Float64Array(rows);
  const values = new Float64Array(rows);
  let at = START_MS;
  for (let i = 0; i < rows; i++) {
    at += step_ms * (draw.chance(0.002) ? 2 + Math.floor(4 * draw.uniform()) : 1);
    times[i] = at;
    values[i] = value(i, at);
  }
  const between = (share: number): number => quantileOf(values, 1 - share) - quantileOf(values, share);
  const spread = Math.max(between(0.05), between(0.005) / 2);
  const clean = values.slice();
  const half = Math.round(rows * 0.045);
  const windows = [QUIET, 0.68].map((share) => {
    const onset = Math.floor(rows * (share + 0.12 * draw.uniform()));
    const { length, make } = KINDS[kind]!;
    const change = make(spread, draw.uniform(), clean, onset);
    for (let i = onset; i < Math.min(rows, onset + length); i++) values[i] = change(clean[i]!, i - onset, draw);
    return { from: onset - Math.round(half * 0.2), onset, to: Math.min(rows, onset + Math.round(half * 1.8)) };
  });
  return { name: `${base}/${kind}/${seed}`, base, kind, times, values, windows };
}

/** Every base with every kind. */
export function labelledSuite(seed: number): Labelled[] {
  return Object.keys(BASES).flatMap((base) => Object.keys(KINDS).map((kind) => labelledSeries(base, kind, seed)));
}

function hash(text: string): number {
  let h = 17;
  for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
  return h & 0xfffff;
}

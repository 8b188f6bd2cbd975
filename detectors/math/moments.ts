import { exp2, log2 } from './logarithm.ts';

/**
 * Running mean and variance of a logarithmic size in three words: weight, mean, variance.
 *
 * Up to `memory` values all weigh the same (Welford 1962 in the update form of West 1979: no difference of large
 * squares); beyond it the weight of a value fades exponentially, so that a baseline follows slow change.
 */
export const MOMENT_WORDS = 3;

export function learnMoment(f32: Float32Array, at: number, value: number, memory: number): void {
  const n = f32[at] as number;
  const mean = f32[at + 1] as number;
  const step = 1 / Math.min(n + 1, memory);
  const delta = value - mean;
  f32[at] = Math.min(n + 1, memory);
  f32[at + 1] = mean + step * delta;
  f32[at + 2] = (1 - step) * ((f32[at + 2] as number) + step * delta * delta);
}

/** What is expected of the next value: centre and scale in octaves, and the weight of history behind it. */
export type Expectation = { n: number; centre: number; scale: number };

/** Octaves (doublings) by which sizes of an unknown habit scatter, and the number of values that this belief weighs. */
const SCALE_PRIOR = 1.5;
const SCALE_WEIGHT = 4;
export const SCALE_MIN = 0.35;

/** Another's mean and variance, and how many own values they weigh: 0 where nobody else is known. */
export type Leaning = { readonly mean: number; readonly variance: number; readonly lean: number };

/**
 * Expectation from own moments, leaning on another's mean and variance while own history is short (a
 * normal-inverse-gamma update, Gelman et al., Bayesian Data Analysis, section 3.3).
 */
export function expect(f32: Float32Array, at: number, peers: Leaning, into: Expectation): void {
  expectCentre(f32, at, peers, into);
  into.scale = scaleOf(f32, at, peers);
}

/** The centre alone: what lies below it needs no scale. */
export function expectCentre(f32: Float32Array, at: number, peers: Leaning, into: Expectation): void {
  const n = f32[at] as number;
  const weight = n + peers.lean;
  into.n = n;
  into.centre = weight > 0 ? (n * (f32[at + 1] as number) + peers.lean * peers.mean) / weight : 0;
}

/** The scale that belongs to it, at least SCALE_MIN. */
export function scaleOf(f32: Float32Array, at: number, peers: Leaning): number {
  const n = f32[at] as number;
  const weight = n + peers.lean;
  const between = (f32[at + 1] as number) - peers.mean;
  const prior = peers.lean > 0 ? Math.max(peers.variance, SCALE_MIN * SCALE_MIN) : SCALE_PRIOR * SCALE_PRIOR;
  const spread = weight > 0 ? ((n * peers.lean) / weight) * between * between : 0;
  const variance = (n * (f32[at + 2] as number) + SCALE_WEIGHT * prior + spread * 0.25) / (n + SCALE_WEIGHT);
  return Math.max(SCALE_MIN, Math.sqrt(variance * (1 + 1 / (weight + 1))));
}

/** 2.617: log2(e) * pi / sqrt(3), the slope of a logistic tail in bits per standard deviation. */
const LOGISTIC_SLOPE = (Math.LOG2E * Math.PI) / Math.sqrt(3);

/**
 * Surprise of a value at least so many scales above its centre, in bits. The logistic law has exponential tails in
 * octaves, a power law in bytes: heavier than the log-normal, as sizes of transfers are (Crovella and Bestavros 1997).
 */
export function upperTailBits(deviations: number): number {
  const exponent = deviations * LOGISTIC_SLOPE;
  if (exponent > 24) return Math.min(exponent, 64);
  if (exponent < -24) return 0;
  return log2(1 + exp2(exponent));
}

/** Deviations up to which the surprise is no more than so many bits, a little less than the exact ones. */
export function deviationsWithin(bits: number): number {
  return log2(exp2(bits) - 1) / LOGISTIC_SLOPE - ROUNDING;
}
const ROUNDING = 0.001;

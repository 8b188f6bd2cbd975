import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { exp, ln } from './exact.ts';

/**
 * Seeded randomness. Every agent, lane and story draws from a stream of its own, named by a path, so that one of them
 * never shifts what another one does.
 */
export type Random = RandomGenerator;

const TWO_32 = 4_294_967_296;

/** One round of MurmurHash3 (x86, 32 bit): folds a word into a hash. */
function fold(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** MurmurHash3's finaliser: a bijection on 32-bit words. */
function scramble(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function foldText(hash: number, text: string): number {
  let h = hash;
  for (let i = 0; i < text.length; i++) h = fold(h, text.charCodeAt(i));
  return fold(h, text.length);
}

/** 32-bit unsigned hash of a seed (any safe integer) and a path of names and numbers. */
export function hashOf(seed: number, ...path: readonly (string | number)[]): number {
  let h = fold(fold(0x9747b28c, seed | 0), Math.floor(seed / TWO_32) | 0);
  for (const step of path) h = typeof step === 'string' ? foldText(h, step) : fold(h, step | 0);
  return scramble(h) >>> 0;
}

/** Hash of three small integers; the cheap form for the hot path. */
export function hash3(a: number, b: number, c: number): number {
  return scramble(fold(fold(fold(0x3c6ef372, a), b), c)) >>> 0;
}

/** A stream of its own for this seed and path. */
export function stream(seed: number, ...path: readonly (string | number)[]): Random {
  const state = [1, 2, 3, 4].map((word) => hashOf(seed, word, ...path) | 0);
  return xoroshiro128plusFromState(state);
}

/** Uniform in [0, 1), 32 bits. */
export function unit(random: Random): number {
  return (random.next() >>> 0) / TWO_32;
}

/** Uniform integer in [0, n). */
export function below(random: Random, n: number): number {
  return Math.floor(unit(random) * n);
}

/** Uniform integer in [low, high]. */
export function between(random: Random, low: number, high: number): number {
  return low + below(random, high - low + 1);
}

export function chance(random: Random, probability: number): boolean {
  return unit(random) < probability;
}

export function pick<T>(random: Random, list: readonly T[]): T {
  const item = list[below(random, list.length)];
  if (item === undefined) throw new RangeError('pick from an empty list');
  return item;
}

/** Index into cumulative weights (ascending, last one the total). */
export function pickCumulative(random: Random, cumulative: readonly number[]): number {
  const mark = unit(random) * (cumulative[cumulative.length - 1] ?? 0);
  let index = 0;
  while (index < cumulative.length - 1 && mark >= (cumulative[index] ?? 0)) index++;
  return index;
}

/** Exponential with mean 1. */
export function exponential(random: Random): number {
  return -ln(((random.next() >>> 0) + 0.5) / TWO_32);
}

/** Standard normal by Marsaglia's polar method (square roots are exact in IEEE 754). */
export function normal(random: Random): number {
  for (;;) {
    const u = 2 * unit(random) - 1;
    const v = 2 * unit(random) - 1;
    const s = u * u + v * v;
    if (s > 1e-9 && s < 1) return u * Math.sqrt((-2 * ln(s)) / s);
  }
}

/** Log-normal by median and sigma of the logarithm. */
export function logNormal(random: Random, median: number, sigma: number): number {
  return median * exp(sigma * normal(random));
}

/** Zipf with exponent 1 over ranks 0..n-1, by inversion of its continuous form. */
export function zipf(random: Random, n: number): number {
  return n <= 1 ? 0 : Math.min(n - 1, Math.floor(exp(unit(random) * ln(n + 1))) - 1);
}

/** About standard normal, from the four bytes of a hash (Irwin-Hall), between -3.5 and 3.5. */
export function fixedNormal(hash: number): number {
  const sum = (hash & 255) + ((hash >>> 8) & 255) + ((hash >>> 16) & 255) + (hash >>> 24);
  return (sum - 510) / 147.8;
}

/** A log-normal factor around 1 that belongs to a hash, for fixed habits: bounded to [exp(-2 sigma), exp(2 sigma)]. */
export function habit(hash: number, sigma: number): number {
  const a = (hash & 0xffff) / 65_536;
  const b = (hash >>> 16) / 65_536;
  return exp(2 * sigma * (a + b - 1));
}

/** Sixteen hex digits of a keyed 64-bit Feistel permutation: distinct pairs give distinct, meaningless ids. */
export function opaqueId(key: number, high: number, low: number): string {
  let left = high | 0;
  let right = low | 0;
  for (let round = 0; round < 4; round++) {
    const next = left ^ scramble(right ^ key ^ Math.imul(round + 1, 0x9e3779b9));
    left = right;
    right = next;
  }
  return hex(left) + hex(right);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

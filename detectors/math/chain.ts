import { surprise } from './logarithm.ts';

/**
 * Runs of something rare (failures, resources never touched before) as a two-state chain in four words: how often it
 * came after its absence and after itself, and how often each of these was followed by anything.
 */
export const CHAIN_WORDS = 4;
const RUN_MAX = 64;

/** Counts one step. Beyond `memory` steps all four counts are halved: what no longer happens is forgotten. */
export function learnChain(u32: Uint32Array, at: number, was: boolean, is: boolean, memory: number): void {
  const row = at + (was ? 2 : 0);
  u32[row] = (u32[row] as number) + (is ? 1 : 0);
  u32[row + 1] = (u32[row + 1] as number) + 1;
  if ((u32[row + 1] as number) < memory) return;
  for (let i = at; i < at + CHAIN_WORDS; i++) u32[i] = (u32[i] as number) >>> 1;
}

/** Beliefs before any history: a run starts once in 10 and goes on every second time. */
export function startProbability(u32: Uint32Array, at: number): number {
  return ((u32[at] as number) + 1) / ((u32[at + 1] as number) + 10);
}

export function goOnProbability(u32: Uint32Array, at: number): number {
  return ((u32[at + 2] as number) + 2) / ((u32[at + 3] as number) + 4);
}

/** Surprise of a run of at least `length`, in bits: start once, then go on again and again. */
export function runBits(u32: Uint32Array, at: number, length: number): number {
  if (length === 0) return 0;
  const bits =
    surprise(startProbability(u32, at)) + (Math.min(length, RUN_MAX) - 1) * surprise(goOnProbability(u32, at));
  return Math.min(bits, 64);
}

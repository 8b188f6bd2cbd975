import { surprise } from './logarithm.ts';

/**
 * Runs of something rare (failures, resources never touched before) as a two-state chain in four words: how often it
 * came after its absence and after itself, and how often each of these was followed by anything.
 */
export const CHAIN_WORDS = 4;
const RUN_MAX = 64;
/** Steps that the belief before any history weighs: a run goes on every second time. */
const BELIEF = 16;

/** Counts one step. Beyond `memory` steps all four counts are halved: what no longer happens is forgotten. */
export function learnChain(u32: Uint32Array, at: number, was: boolean, is: boolean, memory: number): void {
  const row = at + (was ? 2 : 0);
  u32[row] = (u32[row] as number) + (is ? 1 : 0);
  u32[row + 1] = (u32[row + 1] as number) + 1;
  if ((u32[row + 1] as number) < memory) return;
  for (let i = at; i < at + CHAIN_WORDS; i++) u32[i] = (u32[i] as number) >>> 1;
}

/** Belief before any history: a run starts once in 10. */
export function startProbability(u32: Uint32Array, at: number): number {
  return ((u32[at] as number) + 1) / ((u32[at + 1] as number) + 10);
}

export function goOnProbability(u32: Uint32Array, at: number): number {
  return ((u32[at + 2] as number) + BELIEF / 2) / ((u32[at + 3] as number) + BELIEF);
}

/**
 * Surprise of a run of at least `length`, in bits: start once, then go on again and again. Each step of the run is itself
 * evidence that runs go on (beta-binomial predictive), so that a short history cannot make a long run absurd.
 */
export function runBits(u32: Uint32Array, at: number, length: number): number {
  if (length === 0) return 0;
  let odds = startProbability(u32, at);
  const again = (u32[at + 2] as number) + BELIEF / 2;
  const all = (u32[at + 3] as number) + BELIEF;
  for (let i = Math.min(length, RUN_MAX) - 2; i >= 0; i--) odds *= (again + i) / (all + i);
  return surprise(odds);
}

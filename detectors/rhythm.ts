import { AT, RHYTHM_SLOTS } from './layout.ts';
import type { StateRef } from './state.ts';

/**
 * Hour of day, working days and weekends apart: how much busier than the average hour an hour usually is. A slot is a
 * half-word: 6 bits of weight, 10 bits of mean octaves of calls in steps of 1/64.
 */
export const WEIGHT_MAX = 20;
const STEPS = 64;
const SHRINK = 3;

/** Slot of an hour window, given as hours since the epoch plus 1. The epoch was a Thursday. */
export function slotOf(index: number): number {
  const hours = index - 1;
  const weekday = (Math.floor(hours / 24) + 4) % 7;
  return (hours % 24) + (weekday === 0 || weekday === 6 ? RHYTHM_SLOTS / 2 : 0);
}

/** The slot of the same hour of the day at a weekend. */
export function weekendSlotOf(index: number): number {
  return ((index - 1) % 24) + RHYTHM_SLOTS / 2;
}

export function learnRhythm(state: Pick<StateRef, 'u16' | 'at'>, index: number, octaves: number): void {
  const at = (state.at + AT.rhythm) * 2 + slotOf(index);
  const packed = state.u16[at] as number;
  const weight = Math.min((packed & 63) + 1, WEIGHT_MAX);
  const mean = packed >>> 6;
  const next = Math.min(1023, Math.max(0, Math.round(mean + (octaves * STEPS - mean) / weight)));
  state.u16[at] = (next << 6) | weight;
}

/** Octaves by which the hour lies above the average one, drawn towards 0 while it was seldom seen. */
export function rhythmOffset(state: Pick<StateRef, 'u16' | 'at'>, index: number, average: number): number {
  const packed = state.u16[(state.at + AT.rhythm) * 2 + slotOf(index)] as number;
  const weight = packed & 63;
  if (weight === 0) return 0;
  return ((packed >>> 6) / STEPS - average) * (weight / (weight + SHRINK));
}

/** Hours seen active in a slot, at most `WEIGHT_MAX`. */
export function activeHours(state: Pick<StateRef, 'u16' | 'at'>, slot: number): number {
  return (state.u16[(state.at + AT.rhythm) * 2 + slot] as number) & 63;
}

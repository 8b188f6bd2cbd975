import { AT } from '../layout.ts';
import { log2 } from '../math/logarithm.ts';
import type { StateRef } from '../state.ts';

/**
 * How often an identity is heard of in an hour of the week (rhythm.ts), hours without it counted as well: the share of
 * such hours with at least one event, as a mean whose memory is the last `MEMORY` of them. A half-word each: 5 bits of
 * hours seen, 11 bits of share.
 */
const MEMORY = 28;
const STEPS = 2047;
/** Hours of doubt: what was always so in n hours may be otherwise in the next with a probability of about 2 / (n + 2). */
const DOUBT = 2;

type Words = Pick<StateRef, 'u16' | 'at'>;

export function learnHour({ u16, at }: Words, slot: number, active: boolean): void {
  const index = (at + AT.heard_rates) * 2 + slot;
  const packed = u16[index] as number;
  const seen = Math.min((packed & 31) + 1, MEMORY);
  const share = packed >>> 5;
  const next = Math.round(share + ((active ? STEPS : 0) - share) / seen);
  u16[index] = (next << 5) | seen;
}

/** Share of such hours with activity, doubted while few were seen: 0 where none was. */
export function rateOf({ u16, at }: Words, slot: number): number {
  const packed = u16[(at + AT.heard_rates) * 2 + slot] as number;
  const seen = packed & 31;
  return ((packed >>> 5) / STEPS) * (seen / (seen + DOUBT));
}

/** What an hour of silence in this slot weighs, in bits. */
export function weightOf(words: Words, slot: number): number {
  const rate = rateOf(words, slot);
  return rate === 0 ? 0 : -log2(1 - rate);
}

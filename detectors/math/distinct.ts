/**
 * Number of distinct hashes by linear counting (Whang, Vander-Zanden and Taylor 1990): a bitmap, and -m ln(share of
 * empty bits). Saturates at m ln(m), which bounds it under a flood.
 */
import { log2 } from './logarithm.ts';

/** Bitmaps are of 2^n words, so the remainder is a mask; on 32 bits without a sign `%` would be one of doubles. */
function bitOf(size: number, hash: number): number {
  return hash & (size * 32 - 1);
}

export function markDistinct(words: Uint32Array, at: number, size: number, hash: number): void {
  const bit = bitOf(size, hash);
  const index = at + (bit >>> 5);
  words[index] = (words[index] as number) | (1 << (bit & 31));
}

/** Estimate for the bitmap with up to `extra` further bits set that it does not have yet. */
export function distinctOf(words: Uint32Array, at: number, size: number, extra: number): number {
  let set = extra;
  for (let i = at; i < at + size; i++) set += popCount(words[i] as number);
  const bits = size * 32;
  const empty = Math.max(1, bits - set);
  return bits * LN2 * log2(bits / empty);
}

export function isMarked(words: Uint32Array, at: number, size: number, hash: number): boolean {
  const bit = bitOf(size, hash);
  return (((words[at + (bit >>> 5)] as number) >>> (bit & 31)) & 1) === 1;
}

const LN2 = Math.LN2;

function popCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

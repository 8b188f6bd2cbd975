const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const KEY_BITS = 32;

/**
 * Pairs of a key and what belongs to it, side by side, in ascending order of their keys. Sorted digit by digit, the lowest
 * first (Knuth, TAOCP vol. 3, 5.2.5): a few passes over the pairs, where comparing would take one for each doubling of
 * them. What was given is written over.
 */
export function sortPairs(pairs: Uint32Array): Uint32Array {
  let from: Uint32Array = pairs;
  let to: Uint32Array = new Uint32Array(pairs.length);
  const places = new Uint32Array(DIGITS);
  for (let shift = 0; shift < KEY_BITS; shift += DIGIT_BITS) {
    places.fill(0);
    for (let i = 0; i < from.length; i += 2) places[digitOf(from[i]!, shift)]! += 2;
    for (let digit = 0, next = 0; digit < DIGITS; digit++) {
      const words = places[digit]!;
      places[digit] = next;
      next += words;
    }
    for (let i = 0; i < from.length; i += 2) {
      const digit = digitOf(from[i]!, shift);
      const at = places[digit]!;
      to[at] = from[i]!;
      to[at + 1] = from[i + 1]!;
      places[digit] = at + 2;
    }
    [from, to] = [to, from];
  }
  return from;
}

function digitOf(key: number, shift: number): number {
  return (key >>> shift) & (DIGITS - 1);
}

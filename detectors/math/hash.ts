/**
 * 32-bit hashes. Strings are hashed once per event (FNV-1a over UTF-16 code units, finished with MurmurHash3's fmix32),
 * and combined as numbers afterwards.
 */

export function finish(hash: number): number {
  let h = hash;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** Hash of a string, never 0, so that 0 can stand for "none". */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return finish(h) || 1;
}

/** Hash of an ordered pair of hashes, never 0. */
export function mix(a: number, b: number): number {
  return finish(Math.imul(a, 0x9e3779b1) ^ (((b << 15) | (b >>> 17)) + 0x7f4a7c15)) || 1;
}

/** Hash of an unordered pair. */
export function mixUnordered(a: number, b: number): number {
  return a < b ? mix(a, b) : mix(b, a);
}

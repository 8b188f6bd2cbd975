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

const REMEMBERED = 2048;
/** Longer texts are not kept. */
const LENGTH_MAX = 64;

/**
 * Hashes of texts that were seen lately, for texts that come again: to compare two equal strings is cheaper than to hash
 * one. Bounded; a text takes the place of the one that lay in its slot.
 */
export class TextHashes {
  readonly #texts: string[] = new Array<string>(REMEMBERED).fill('');
  readonly #hashes = new Uint32Array(REMEMBERED).fill(hashText(''));

  /** The same as `hashText`. */
  of(text: string): number {
    const { length } = text;
    if (length === 0 || length > LENGTH_MAX) return hashText(text);
    const last = text.charCodeAt(length - 1);
    const near = text.charCodeAt(length >>> 1);
    const slot = (length + last * 31 + near * 337 + text.charCodeAt(length >>> 2) * 1021) & (REMEMBERED - 1);
    if (this.#texts[slot] === text) return this.#hashes[slot] as number;
    const hash = hashText(text);
    this.#texts[slot] = text;
    this.#hashes[slot] = hash;
    return hash;
  }
}

/** Hash of an ordered pair of hashes, never 0. */
export function mix(a: number, b: number): number {
  return finish(Math.imul(a, 0x9e3779b1) ^ (((b << 15) | (b >>> 17)) + 0x7f4a7c15)) || 1;
}

/** Hash of an unordered pair. */
export function mixUnordered(a: number, b: number): number {
  return a < b ? mix(a, b) : mix(b, a);
}

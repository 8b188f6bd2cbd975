/**
 * Counts of hashed keys in a fixed number of words: a set-associative table, one word an entry (20-bit tag, 12-bit count),
 * preceded by the count mass per bit length, from which tail masses follow without a scan.
 *
 * Eviction is by Misra and Gries (Finding repeated elements, 1982) within the set: a newcomer wears down the set's
 * smallest entry and takes its place when that reaches 0. A flood of distinct keys therefore contends for one entry of
 * each set, and habits survive it. When a count reaches its cap, the whole table is halved: old habits fade.
 *
 * Sets have 8 entries, in small tables 16. Thirty keys of a vocabulary overfill one of six sets of 8 in two identities of
 * five, and there two habits wear each other down for ever and both count as new; of three sets of 16 in one of fifteen.
 */

const WAYS = 8;
/** Tables of at most so many entries have wide sets, each of which is two of the narrow ones beside each other. */
const SMALL_MAX = 48;

function waysOf(entries: number): number {
  return entries <= SMALL_MAX && entries % (2 * WAYS) === 0 ? 2 * WAYS : WAYS;
}
export const COUNT_MAX = 4095;
/** Words before the entries: [1..12] hold the sum of counts of that bit length; [0] is unused. */
const MASSES = 13;

/** Words that a table with so many entries needs. `entries` is a multiple of 8. */
export function countTableWords(entries: number): number {
  return MASSES + entries;
}

function setOf(at: number, entries: number, hash: number): number {
  const ways = waysOf(entries);
  return at + MASSES + ways * (((hash >>> 20) * (entries / ways)) >>> 12);
}

function tagOf(hash: number): number {
  return hash & 0xfffff || 1;
}

function bitLength(count: number): number {
  return 32 - Math.clz32(count);
}

/** How often the key was counted; 0 when it never was, or was evicted. */
export function countOf(words: Uint32Array, at: number, entries: number, hash: number): number {
  const tag = tagOf(hash);
  const set = setOf(at, entries, hash);
  const end = set + waysOf(entries);
  for (let i = set; i < end; i++) {
    const word = words[i] as number;
    if (word >>> 12 === tag) return word & COUNT_MAX;
  }
  return 0;
}

export function increment(words: Uint32Array, at: number, entries: number, hash: number): void {
  const tag = tagOf(hash);
  const set = setOf(at, entries, hash);
  let smallest = set;
  let least = COUNT_MAX + 1;
  const end = set + waysOf(entries);
  for (let i = set; i < end; i++) {
    const word = words[i] as number;
    if (word >>> 12 === tag) {
      const count = (word & COUNT_MAX) + 1;
      words[i] = (tag << 12) | count;
      move(words, at, count - 1, count);
      if (count === COUNT_MAX) halve(words, at, entries);
      return;
    }
    const count = word & COUNT_MAX;
    if (count < least) {
      least = count;
      smallest = i;
    }
  }
  if (least <= 1) {
    words[smallest] = (tag << 12) | 1;
    move(words, at, least, 1);
  } else {
    words[smallest] = (words[smallest] as number) - 1;
    move(words, at, least, least - 1);
  }
}

function move(words: Uint32Array, at: number, from: number, to: number): void {
  const before = at + bitLength(from);
  if (from > 0) words[before] = (words[before] as number) - from;
  const after = at + bitLength(to);
  if (to > 0) words[after] = (words[after] as number) + to;
}

function halve(words: Uint32Array, at: number, entries: number): void {
  words.fill(0, at, at + MASSES);
  for (let i = at + MASSES; i < at + MASSES + entries; i++) {
    const word = words[i] as number;
    const count = (word & COUNT_MAX) >>> 1;
    words[i] = count === 0 ? 0 : ((word >>> 12) << 12) | count;
    move(words, at, 0, count);
  }
}

/** Sum of all counts. */
export function totalOf(words: Uint32Array, at: number): number {
  let total = 0;
  for (let i = at + 1; i < at + MASSES; i++) total += words[i] as number;
  return total;
}

/**
 * Probability that the next key is a new one: Good and Turing's estimate, keys seen once over all (Good, The population
 * frequencies of species, 1953), with half an observation added so that it is never 0 and is 1/2 before any.
 */
export function unseenMass(words: Uint32Array, at: number): number {
  return ((words[at + 1] as number) + 0.5) / (totalOf(words, at) + 1);
}

/**
 * Probability of a key at least as rare as one counted so often. A tail mass, so the unseen are in it. `total`: the sum of
 * all counts, where the caller has it.
 */
export function tailMass(words: Uint32Array, at: number, count: number, total = totalOf(words, at)): number {
  const unseen = ((words[at + 1] as number) + 0.5) / (total + 1);
  if (count === 0) return unseen;
  let atMost = 0;
  const length = bitLength(count);
  for (let i = 1; i <= length; i++) atMost += words[at + i] as number;
  return unseen >= 1 ? 1 : unseen + (1 - unseen) * (atMost / total);
}

/**
 * The keys that were counted most, as set and tag tell them apart, the most frequent first; `into` says how many are
 * wanted. Equal counts go by the key, so that equal tables of any history give equal answers. Returns how many there are.
 */
export function mostCounted(words: Uint32Array, at: number, entries: number, into: Uint32Array): number {
  const first = at + MASSES;
  let found = 0;
  let above = Number.POSITIVE_INFINITY;
  let last = -1;
  while (found < into.length) {
    let most = 0;
    let key = 0;
    for (let i = 0; i < entries; i++) {
      const word = words[first + i] as number;
      const count = word & COUNT_MAX;
      const one = ((i >>> 3) << 20) | (word >>> 12);
      if (count > above || (count === above && one <= last)) continue;
      if (count > most || (count === most && count > 0 && one < key)) {
        most = count;
        key = one;
      }
    }
    if (most === 0) break;
    into[found++] = key;
    above = most;
    last = key;
  }
  return found;
}

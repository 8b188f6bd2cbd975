import { LIMITS } from '../../schemas/limits.ts';

/**
 * The keys of the last N accepted events of one partition, oldest first. A redelivery within them is recognised exactly
 * (128 bits of SHA-256: an agent that chooses its own telemetry cannot make two of its events collide); one from further
 * back is not, and `from` says where the memory begins.
 *
 * Layout: a ring of entries and two open-addressing indexes over it, in typed arrays that grow by doubling: 32 bytes an
 * entry and 16 to 32 of index. A slot of an index holds an entry's number plus 1 in its low bits and, in those above, the
 * top of the entry's hash: nearly every entry that is not the one looked for is told by its slot, without a cache miss.
 */
export type Seen = 'new' | 'duplicate' | 'id_reused';

const FIRST_CAPACITY = 1024;
const EMPTY = 0;
const NONE = -1;
const ENTRY_WORDS = 6;
/** Ids are chosen by agents and their hash is not cryptographic: a crafted run of equal hashes costs at most this. */
const ID_PROBES_MAX = 256;

export class DedupMemory {
  readonly #most: number;
  /** Bits of a slot that hold the number of an entry plus 1. */
  readonly #bits: number;
  #capacity: number;
  /** An entry: four words of key, two of the hash of origin and id. */
  #words: Uint32Array;
  #offsets: Float64Array;
  #head = 0;
  #size = 0;
  #byKey: Uint32Array;
  #byId: Uint32Array;

  constructor(most: number = LIMITS.dedup_keys_per_partition) {
    this.#most = most;
    this.#bits = 32 - Math.clz32(most);
    this.#capacity = Math.min(FIRST_CAPACITY, most);
    this.#words = new Uint32Array(this.#capacity * ENTRY_WORDS);
    this.#offsets = new Float64Array(this.#capacity);
    this.#byKey = emptyIndex(this.#capacity);
    this.#byId = emptyIndex(this.#capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Offset of the oldest key that is still remembered; `otherwise` when there is none. */
  from(otherwise: number): number {
    return this.#size === 0 ? otherwise : this.#offsets[this.#head]!;
  }

  /** Looks the key up and, unless it is a duplicate, remembers it. `key` is 32 hex digits. */
  check(key: string, origin: string, id: string, offset: number): Seen {
    const k0 = hexWord(key, 0);
    const k1 = hexWord(key, 8);
    const k2 = hexWord(key, 16);
    const k3 = hexWord(key, 24);
    if (this.#hasKey(k0, k1, k2, k3)) return 'duplicate';
    const i0 = hashPair(origin, id, FNV_BASIS);
    const i1 = hashPair(origin, id, SECOND_BASIS);
    const reused = this.#idSlot(i0, i1, true) !== NONE;
    this.#remember(k0, k1, k2, k3, i0, i1, offset);
    return reused ? 'id_reused' : 'new';
  }

  #slotOf(hash: number, entry: number): number {
    return (((hash >>> this.#bits) << this.#bits) | (entry + 1)) >>> 0;
  }

  #entryOf(slot: number): number {
    return (slot & ((1 << this.#bits) - 1)) - 1;
  }

  #hasKey(k0: number, k1: number, k2: number, k3: number): boolean {
    const words = this.#words;
    const bits = this.#bits;
    const mask = this.#byKey.length - 1;
    for (let at = k0 & mask; ; at = (at + 1) & mask) {
      const slot = this.#byKey[at]!;
      if (slot === EMPTY) return false;
      if (slot >>> bits !== k0 >>> bits) continue;
      const w = this.#entryOf(slot) * ENTRY_WORDS;
      if (words[w] === k0 && words[w + 1] === k1 && words[w + 2] === k2 && words[w + 3] === k3) return true;
    }
  }

  /**
   * Where an id stands in its index, which keeps the newest entry of an id: reuse is only flagged, so one is enough.
   * `existing`: the place that holds the id, or NONE; otherwise also a free place to put it in.
   */
  #idSlot(i0: number, i1: number, existing: boolean): number {
    const bits = this.#bits;
    const mask = this.#byId.length - 1;
    for (let probe = 0, at = i0 & mask; probe < ID_PROBES_MAX; probe++, at = (at + 1) & mask) {
      const slot = this.#byId[at]!;
      if (slot === EMPTY) return existing ? NONE : at;
      if (slot >>> bits !== i0 >>> bits) continue;
      const w = this.#entryOf(slot) * ENTRY_WORDS;
      if (this.#words[w + 4] === i0 && this.#words[w + 5] === i1) return at;
    }
    return NONE;
  }

  #remember(k0: number, k1: number, k2: number, k3: number, i0: number, i1: number, offset: number): void {
    if (this.#size === this.#capacity) {
      if (this.#capacity < this.#most) this.#grow();
      else this.#forgetOldest();
    }
    const entry = (this.#head + this.#size) % this.#capacity;
    const w = entry * ENTRY_WORDS;
    this.#words[w] = k0;
    this.#words[w + 1] = k1;
    this.#words[w + 2] = k2;
    this.#words[w + 3] = k3;
    this.#words[w + 4] = i0;
    this.#words[w + 5] = i1;
    this.#offsets[entry] = offset;
    this.#size++;
    this.#indexEntry(entry);
  }

  #indexEntry(entry: number): void {
    const key = this.#words[entry * ENTRY_WORDS]!;
    const id = this.#words[entry * ENTRY_WORDS + 4]!;
    insert(this.#byKey, key, this.#slotOf(key, entry));
    const at = this.#idSlot(id, this.#words[entry * ENTRY_WORDS + 5]!, false);
    if (at !== NONE) this.#byId[at] = this.#slotOf(id, entry);
  }

  #forgetOldest(): void {
    const entry = this.#head;
    this.#remove(this.#byKey, entry, 0);
    this.#remove(this.#byId, entry, 4);
    this.#head = (this.#head + 1) % this.#capacity;
    this.#size--;
  }

  /**
   * Takes an entry out of the index over that word of its entries. Backward-shift deletion (Knuth, TAOCP vol. 3, 6.4,
   * algorithm R): no tombstones, so runs never silt up.
   */
  #remove(index: Uint32Array, entry: number, word: number): void {
    const mask = index.length - 1;
    const hash = this.#words[entry * ENTRY_WORDS + word]!;
    const slot = this.#slotOf(hash, entry);
    let hole = hash & mask;
    while (index[hole] !== slot) {
      if (index[hole] === EMPTY) return;
      hole = (hole + 1) & mask;
    }
    for (let at = (hole + 1) & mask; index[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.#words[this.#entryOf(index[at]!) * ENTRY_WORDS + word]! & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        index[hole] = index[at]!;
        hole = at;
      }
    }
    index[hole] = EMPTY;
  }

  #grow(): void {
    const capacity = Math.min(this.#capacity * 2, this.#most);
    const words = new Uint32Array(capacity * ENTRY_WORDS);
    const offsets = new Float64Array(capacity);
    for (let i = 0; i < this.#size; i++) {
      const entry = (this.#head + i) % this.#capacity;
      words.set(this.#words.subarray(entry * ENTRY_WORDS, (entry + 1) * ENTRY_WORDS), i * ENTRY_WORDS);
      offsets[i] = this.#offsets[entry]!;
    }
    this.#capacity = capacity;
    this.#words = words;
    this.#offsets = offsets;
    this.#head = 0;
    this.#byKey = emptyIndex(capacity);
    this.#byId = emptyIndex(capacity);
    for (let entry = 0; entry < this.#size; entry++) this.#indexEntry(entry);
  }
}

/** At least twice as many slots as entries, so that probe runs stay short. */
function emptyIndex(capacity: number): Uint32Array {
  let slots = 16;
  while (slots < capacity * 2) slots *= 2;
  return new Uint32Array(slots);
}

function insert(index: Uint32Array, hash: number, slot: number): void {
  const mask = index.length - 1;
  let at = hash & mask;
  while (index[at] !== EMPTY) at = (at + 1) & mask;
  index[at] = slot;
}

function hexWord(key: string, from: number): number {
  let word = 0;
  for (let i = from; i < from + 8; i++) {
    const c = key.charCodeAt(i);
    word = (word << 4) | (c <= 57 ? c - 48 : c - 87);
  }
  return word >>> 0;
}

const FNV_BASIS = 0x811c9dc5;
const SECOND_BASIS = 0x2f0b4c47;

/** FNV-1a over both strings with a separator, then MurmurHash3's finaliser. A collision only sets a flag. */
function hashPair(a: string, b: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < a.length; i++) hash = Math.imul(hash ^ a.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ 0xffff, 0x01000193);
  for (let i = 0; i < b.length; i++) hash = Math.imul(hash ^ b.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

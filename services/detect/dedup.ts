import { LIMITS } from '../../schemas/limits.ts';

/**
 * The keys of the last N accepted events of one partition, oldest first. A redelivery within them is recognised exactly
 * (128 bits of SHA-256: an agent that chooses its own telemetry cannot make two of its events collide); one from further
 * back is not, and `from` says where the memory begins.
 *
 * Layout: a ring of entries and two open-addressing indexes over it, in typed arrays that grow by doubling: 32 bytes an
 * entry and 16 to 32 of index.
 */
export type Seen = 'new' | 'duplicate' | 'id_reused';

const FIRST_CAPACITY = 1024;
const EMPTY = -1;
const ENTRY_WORDS = 6;
/** Ids are chosen by agents and their hash is not cryptographic: a crafted run of equal hashes costs at most this. */
const ID_PROBES_MAX = 256;

export class DedupMemory {
  readonly #most: number;
  #capacity: number;
  /** An entry: four words of key, two of the hash of origin and id. */
  #words: Uint32Array;
  #offsets: Float64Array;
  #head = 0;
  #size = 0;
  #byKey: Int32Array;
  #byId: Int32Array;

  constructor(most: number = LIMITS.dedup_keys_per_partition) {
    this.#most = most;
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
    if (this.#findKey(k0, k1, k2, k3) !== EMPTY) return 'duplicate';
    const i0 = hashPair(origin, id, FNV_BASIS);
    const i1 = hashPair(origin, id, SECOND_BASIS);
    const reused = this.#idSlot(i0, i1, true) !== EMPTY;
    this.#remember(k0, k1, k2, k3, i0, i1, offset);
    return reused ? 'id_reused' : 'new';
  }

  #findKey(k0: number, k1: number, k2: number, k3: number): number {
    const mask = this.#byKey.length - 1;
    for (let at = k0 & mask; ; at = (at + 1) & mask) {
      const entry = this.#byKey[at]!;
      if (entry === EMPTY) return EMPTY;
      const w = entry * ENTRY_WORDS;
      const words = this.#words;
      if (words[w] === k0 && words[w + 1] === k1 && words[w + 2] === k2 && words[w + 3] === k3) return entry;
    }
  }

  /**
   * Slot of an id in its index, which keeps the newest entry of an id: reuse is only flagged, so one is enough.
   * `existing`: the slot that holds the id, or EMPTY; otherwise also a free slot to put it in.
   */
  #idSlot(i0: number, i1: number, existing: boolean): number {
    const mask = this.#byId.length - 1;
    for (let probe = 0, at = i0 & mask; probe < ID_PROBES_MAX; probe++, at = (at + 1) & mask) {
      const entry = this.#byId[at]!;
      if (entry === EMPTY) return existing ? EMPTY : at;
      const w = entry * ENTRY_WORDS;
      if (this.#words[w + 4] === i0 && this.#words[w + 5] === i1) return at;
    }
    return EMPTY;
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
    const w = entry * ENTRY_WORDS;
    insert(this.#byKey, this.#words[w]!, entry);
    const slot = this.#idSlot(this.#words[w + 4]!, this.#words[w + 5]!, false);
    if (slot !== EMPTY) this.#byId[slot] = entry;
  }

  #forgetOldest(): void {
    const entry = this.#head;
    remove(this.#byKey, this.#words[entry * ENTRY_WORDS]!, entry, (e) => this.#words[e * ENTRY_WORDS]!);
    remove(this.#byId, this.#words[entry * ENTRY_WORDS + 4]!, entry, (e) => this.#words[e * ENTRY_WORDS + 4]!);
    this.#head = (this.#head + 1) % this.#capacity;
    this.#size--;
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
function emptyIndex(capacity: number): Int32Array {
  let slots = 16;
  while (slots < capacity * 2) slots *= 2;
  return new Int32Array(slots).fill(EMPTY);
}

function insert(index: Int32Array, hash: number, entry: number): void {
  const mask = index.length - 1;
  let at = hash & mask;
  while (index[at] !== EMPTY) at = (at + 1) & mask;
  index[at] = entry;
}

/** Backward-shift deletion (Knuth, TAOCP vol. 3, 6.4, algorithm R): no tombstones, so runs never silt up. */
function remove(index: Int32Array, hash: number, entry: number, hashOf: (entry: number) => number): void {
  const mask = index.length - 1;
  let hole = hash & mask;
  while (index[hole] !== entry) {
    if (index[hole] === EMPTY) return;
    hole = (hole + 1) & mask;
  }
  for (let at = (hole + 1) & mask; index[at] !== EMPTY; at = (at + 1) & mask) {
    const home = hashOf(index[at]!) & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      index[hole] = index[at]!;
      hole = at;
    }
  }
  index[hole] = EMPTY;
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

import { CALIBRATION_FIELDS } from './calibration.ts';
import type { GroupState } from './contract.ts';
import { DAY_SCORES, MEASURES, SESSION_SCORES, SPANS } from './layout.ts';
import { sortPairs } from './math/sort-pairs.ts';
import { scoresLost } from './threshold.ts';

/**
 * What one peer group taught within one partition: counts of hashed keys, sizes per tool, window totals, score counts.
 *
 * Everything is an integer, so that merging partitions is a sum whose order does not matter. The count table is bounded
 * by lossy counting (Manku and Motwani, Approximate frequency counts over data streams, 2002): when it is full, every
 * count loses 1 and what falls to 0 goes.
 */

/** What a key counts; the low 3 bits of the key. */
export const KIND = { tool: 0, order1: 1, order2: 2, resource: 3, token: 4, pair: 5, name: 6, voucher: 7 } as const;

export function keyOf(kind: number, hash: number): number {
  return ((hash & ~7) | kind) >>> 0 || 8;
}

/**
 * What a session adds to a count. A session that surprised, though not enough for an alert, adds nothing: the group
 * believes what it did when sessions that surprised less do it too, so one attack does not hide the next.
 */
export const TRUST_FULL = 8;
export const TRUST_DOUBTED = 0;

const CAPACITY_FIRST = 1024;
const CAPACITY_MAX = 65_536;
const LOAD_MAX = 0.7;
/** Load that a full table is brought down to. */
const LOAD_KEPT = LOAD_MAX * 0.8;
/** Counts below it are told apart one by one when a full table makes room. */
const LOW_COUNTS = 1024;
const SIZED_TOOLS_MAX = 256;
/** n, sum and sum of squares of three sizes, in steps of 1/256 octave. */
const SIZE_FIELDS = 9;
const WINDOW_FIELDS = SPANS * MEASURES * 3;
/** Sessions, day, first day, and the two histograms of maxima. */
const HEAD_FIELDS = 3 + SESSION_SCORES.buckets + DAY_SCORES.buckets;
/** Tells some thousand members apart. */
export const MEMBER_WORDS = 64;
const MAGIC = 0x43534734;
/** Groups of before calibration.ts lack what follows the window sums. */
const MAGIC_BEFORE = 0x43534732;
/** What counts of levels lose every day: one of so many. */
const LEVELS_FADE = 24;
const LEVEL_FIELDS = 1 + CALIBRATION_FIELDS;

export class Group implements GroupState {
  sessions = 0;
  day = 0;
  /** Day of the first lesson, 0 before any. */
  first_day = 0;
  /** Maxima of sessions and of identity-days (maxima.ts). */
  readonly session_scores = new Float64Array(SESSION_SCORES.buckets);
  readonly day_scores = new Float64Array(DAY_SCORES.buckets);
  readonly windows = new Float64Array(WINDOW_FIELDS);
  /** Learned events, and how many of them reached the levels of calibration.ts, by detector; in parts of trust. */
  judged = 0;
  readonly reached = new Float64Array(CALIBRATION_FIELDS);
  readonly sizes = new Map<number, Float64Array>();
  /** Which identities taught it, as a bitmap (math/distinct.ts). */
  readonly members = new Uint32Array(MEMBER_WORDS);
  /** By label, what identities of like tools taught that declare no group (peers/parts.ts). Parts have none. */
  readonly parts = new Map<number, Group>();
  /** Open addressing. A key and its count lie side by side, so that a look-up misses the cache once. */
  #table = new Uint32Array(2 * CAPACITY_FIRST);
  #capacity = CAPACITY_FIRST;
  #used = 0;

  readonly #capacity_max: number;

  constructor(capacity_max = CAPACITY_MAX) {
    this.#capacity_max = capacity_max;
  }

  get entries(): number {
    return this.#used;
  }

  add(key: number, count: number): void {
    if (count === 0) return;
    const at = this.#find(key);
    const table = this.#table;
    if (table[at] === key) {
      table[at + 1] = (table[at + 1] as number) + count;
      return;
    }
    this.#put(at, key, count);
    if (this.#used > this.#capacity * LOAD_MAX) this.#makeRoom();
  }

  /** Reads where the key is likely to stand, so that many keys are fetched at once and not one after the other. */
  fetch(key: number): number {
    const table = this.#table;
    return table[(key >>> 2) & (table.length - 1) & ~1] as number;
  }

  count(key: number): number {
    const at = this.#find(key);
    return this.#table[at] === key ? (this.#table[at + 1] as number) : 0;
  }

  /** Takes over what another group was taught. In the order of keys, so that equal content gives equal content. */
  absorb(other: Group): void {
    const pairs = other.#sorted();
    for (let i = 0; i < pairs.length; i += 2) this.add(pairs[i] as number, pairs[i + 1] as number);
    for (const tool of [...other.sizes.keys()].sort((a, b) => a - b)) {
      addAll(this.sizesOf(tool), other.sizes.get(tool) as Float64Array);
    }
    addAll(this.windows, other.windows);
    addAll(this.reached, other.reached);
    this.judged += other.judged;
    this.sessions += other.sessions;
    for (let i = 0; i < MEMBER_WORDS; i++) {
      this.members[i] = ((this.members[i] as number) | (other.members[i] as number)) >>> 0;
    }
  }

  /** The sums that sizes of the tool are added to. */
  sizesOf(tool: number): Float64Array {
    let sizes = this.sizes.get(tool);
    if (sizes === undefined) {
      if (this.sizes.size >= SIZED_TOOLS_MAX) this.#dropSmallest();
      sizes = new Float64Array(SIZE_FIELDS);
      this.sizes.set(tool, sizes);
    }
    return sizes;
  }

  addSize(sums: Float64Array, measure: number, quantised: number): void {
    addTo(sums, measure * 3, quantised);
  }

  addWindow(span: number, measure: number, quantised: number): void {
    addTo(this.windows, (span * MEASURES + measure) * 3, quantised);
  }

  /** Fades counts of scores: thresholds and corrections follow the fleet of the last weeks. */
  enterDay(day: number): void {
    if (day <= this.day) return;
    const days = this.day === 0 ? 0 : Math.min(day - this.day, 64);
    for (let i = 1; i <= days; i++) {
      const part = scoresLost(this.day + i - this.first_day);
      fade(this.session_scores, part);
      fade(this.day_scores, part);
      fade(this.reached, LEVELS_FADE);
      this.judged = faded(this.judged, LEVELS_FADE);
    }
    if (this.first_day === 0) this.first_day = day;
    this.day = day;
  }

  /** Calls back for every key with its count, in no particular order. */
  each(visit: (key: number, count: number) => void): void {
    const table = this.#table;
    for (let at = 0; at < table.length; at += 2) {
      if (table[at] !== 0) visit(table[at] as number, table[at + 1] as number);
    }
  }

  /** Where the key stands, or else where it belongs. */
  #find(key: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    let at = (key >>> 2) & mask & ~1;
    while (table[at] !== 0 && table[at] !== key) at = (at + 2) & mask;
    return at;
  }

  #put(at: number, key: number, count: number): void {
    this.#table[at] = key;
    this.#table[at + 1] = count;
    this.#used++;
  }

  #makeRoom(): void {
    if (this.#capacity < this.#capacity_max) this.#rehash(this.#capacity * 2, 0);
    else this.#rehash(this.#capacity, this.#lossThatMakesRoom());
  }

  /** As many rounds of losing 1 as it takes, found at once: what falls to 0 is what the counts up to it are. */
  #lossThatMakesRoom(): number {
    const place = this.#used - Math.floor(this.#capacity * LOAD_KEPT) - 1;
    return this.#lowCountAt(place) ?? (this.#counts().sort()[place] as number);
  }

  /** The count at this place of all counts in ascending order, where it is a low one: nearly all are, and need no sorting. */
  #lowCountAt(place: number): number | undefined {
    const table = this.#table;
    const often = new Uint32Array(LOW_COUNTS);
    for (let at = 0; at < table.length; at += 2) {
      const count = table[at + 1] as number;
      if (count < LOW_COUNTS && table[at] !== 0) often[count] = (often[count] as number) + 1;
    }
    let before = 0;
    for (let count = 0; count < LOW_COUNTS; count++) {
      before += often[count] as number;
      if (before > place) return count;
    }
    return undefined;
  }

  #counts(): Uint32Array {
    const counts = new Uint32Array(this.#used);
    let next = 0;
    this.each((_key, count) => {
      counts[next++] = count;
    });
    return counts;
  }

  #rehash(capacity: number, lose: number): void {
    const table = this.#table;
    this.#table = new Uint32Array(2 * capacity);
    this.#capacity = capacity;
    this.#used = 0;
    for (let at = 0; at < table.length; at += 2) {
      const key = table[at] as number;
      const count = table[at + 1] as number;
      if (key !== 0 && count > lose) this.#put(this.#find(key), key, count - lose);
    }
  }

  #dropSmallest(): void {
    let smallest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [tool, sizes] of this.sizes) {
      const n = (sizes[0] as number) + (sizes[3] as number) + (sizes[6] as number);
      if (n < least || (n === least && tool < smallest)) {
        least = n;
        smallest = tool;
      }
    }
    this.sizes.delete(smallest);
  }

  /** Keys in ascending order: equal content gives equal bytes. */
  encode(): Uint8Array {
    const entries = this.#sorted();
    const tools = [...this.sizes.keys()].sort((a, b) => a - b);
    const floats = HEAD_FIELDS + WINDOW_FIELDS + LEVEL_FIELDS + tools.length * SIZE_FIELDS;
    const bytes = new Uint8Array(16 + floats * 8 + tools.length * 4 + entries.length * 4);
    const view = new DataView(bytes.buffer);
    let at = 0;
    const u32 = (value: number): void => {
      view.setUint32(at, value, true);
      at += 4;
    };
    const f64 = (value: number): void => {
      view.setFloat64(at, value, true);
      at += 8;
    };
    u32(MAGIC);
    u32(tools.length);
    u32(entries.length / 2);
    u32(0);
    f64(this.sessions);
    f64(this.day);
    f64(this.first_day);
    this.session_scores.forEach(f64);
    this.day_scores.forEach(f64);
    this.windows.forEach(f64);
    f64(this.judged);
    this.reached.forEach(f64);
    for (const tool of tools) (this.sizes.get(tool) as Float64Array).forEach(f64);
    tools.forEach(u32);
    entries.forEach(u32);
    return bytes;
  }

  /** Every key with its count beside it, in ascending order. */
  #sorted(): Uint32Array {
    const pairs = new Uint32Array(2 * this.#used);
    let next = 0;
    this.each((key, count) => {
      pairs[next++] = key;
      pairs[next++] = count;
    });
    return sortPairs(pairs);
  }

  /** @throws RangeError when the bytes are no group of this version. */
  static decode(bytes: Uint8Array, capacity_max = CAPACITY_MAX): Group {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const magic = bytes.length < 16 ? 0 : view.getUint32(0, true);
    if (magic !== MAGIC && magic !== MAGIC_BEFORE) throw new RangeError('no group state');
    const levels = magic === MAGIC ? LEVEL_FIELDS : 0;
    const toolCount = view.getUint32(4, true);
    const keyCount = view.getUint32(8, true);
    const floats = HEAD_FIELDS + WINDOW_FIELDS + levels + toolCount * SIZE_FIELDS;
    if (bytes.length !== 16 + floats * 8 + toolCount * 4 + keyCount * 8) throw new RangeError('group state is cut');
    const group = new Group(capacity_max);
    let at = 16;
    const f64 = (): number => {
      at += 8;
      return view.getFloat64(at - 8, true);
    };
    const u32 = (): number => {
      at += 4;
      return view.getUint32(at - 4, true);
    };
    group.sessions = f64();
    group.day = f64();
    group.first_day = f64();
    for (let i = 0; i < SESSION_SCORES.buckets; i++) group.session_scores[i] = f64();
    for (let i = 0; i < DAY_SCORES.buckets; i++) group.day_scores[i] = f64();
    for (let i = 0; i < WINDOW_FIELDS; i++) group.windows[i] = f64();
    if (levels > 0) {
      group.judged = f64();
      for (let i = 0; i < CALIBRATION_FIELDS; i++) group.reached[i] = f64();
    }
    const sizes = Array.from({ length: toolCount }, () => Float64Array.from({ length: SIZE_FIELDS }, f64));
    for (const one of sizes) group.sizes.set(u32(), one);
    for (let i = 0; i < keyCount; i++) {
      const key = u32();
      group.#restore(key, u32());
    }
    return group;
  }

  #restore(key: number, count: number): void {
    this.#put(this.#find(key), key, count);
    if (this.#used > this.#capacity * LOAD_MAX && this.#capacity < this.#capacity_max)
      this.#rehash(this.#capacity * 2, 0);
  }
}

function addTo(sums: Float64Array, at: number, quantised: number): void {
  sums[at] = (sums[at] as number) + 1;
  sums[at + 1] = (sums[at + 1] as number) + quantised;
  sums[at + 2] = (sums[at + 2] as number) + quantised * quantised;
}

function addAll(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (from[i] as number);
}

function fade(counts: Float64Array, part: number): void {
  for (let i = 0; i < counts.length; i++) counts[i] = faded(counts[i] as number, part);
}

/** In whole 256ths, so that sums stay exact, and so that the few at the top of a histogram are forgotten as well. */
function faded(count: number, part: number): number {
  return count - Math.trunc((count / part) * 256) / 256;
}

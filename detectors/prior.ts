import { reachedPer1000, readLevels, thresholdsAt } from './budget.ts';
import { CALIBRATION_FIELDS } from './calibration.ts';
import { KIND_PREFIX, type Prior } from './contract.ts';
import { ALL_OF } from './features.ts';
import { KIND, keyOf } from './group.ts';
import { MEASURES, SPANS } from './layout.ts';

/**
 * A prior opened for look-up: per peer group, and for the population, one hashed table of counts with the tail masses
 * and sizes that go with it. Everything is a view into the prior's own words, so opening copies once and parses nothing.
 */

export const TAIL_BUCKETS = 128;
export const KINDS = 8;
const MAGIC = 0x43535032;
/** Priors of before calibration.ts lack its corrections. */
const MAGIC_BEFORE = 0x43535031;

/** Buckets of counts: exact up to 7, then four an octave. */
export function tailBucket(count: number): number {
  if (count < 8) return count;
  const length = 32 - Math.clz32(count);
  return (length - 3) * 4 + ((count >>> (length - 3)) & 3) + 4;
}

/** A group that was derived from what its members do, and what it is called. */
export type PriorCluster = { readonly name: string; readonly group: PriorGroup };

export class PriorGroup {
  readonly sessions: number;
  /** Identities that taught it, estimated; 0 where the prior does not say. */
  members = 0;
  readonly #totals: Float32Array;
  readonly #unseen: Float32Array;
  readonly #tails: readonly [Float32Array, Float32Array];
  /** n, mean and variance in octaves, per span and measure. */
  readonly windows: Float32Array;
  /** Bits by which surprises are too large, by detector and level (calibration.ts). */
  readonly excess: Float32Array;
  readonly #tools: Map<number, number>;
  readonly #sizes: Float32Array;
  /** Keys, each with its count beside it, so that a look-up misses the cache once. */
  readonly #table: Uint32Array;
  /** Uses of each small vocabulary, by namespace. */
  readonly #names: readonly number[];

  constructor(words: WordReader, calibrated: boolean) {
    this.sessions = words.float();
    this.#totals = words.floats(KINDS);
    this.#unseen = words.floats(KINDS);
    this.#tails = [words.floats(TAIL_BUCKETS), words.floats(TAIL_BUCKETS)];
    this.windows = words.floats(SPANS * MEASURES * 3);
    this.excess = calibrated ? words.floats(CALIBRATION_FIELDS) : new Float32Array(CALIBRATION_FIELDS);
    const tools = words.word();
    this.#tools = new Map();
    const hashes = words.words(tools);
    for (let i = 0; i < tools; i++) this.#tools.set(hashes[i] as number, i * 9);
    this.#sizes = words.floats(tools * 9);
    const capacity = words.word();
    this.#table = sideBySide(words.words(capacity), words.words(capacity));
    this.#names = ALL_OF.map((hash) => this.count(keyOf(KIND.name, hash)));
  }

  /** How often the members did it, 0 where never or where too rarely to be kept. `key` is `keyOf(kind, hash)`. */
  count(key: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let at = (key >>> 2) & mask & ~1; ; at = (at + 2) & mask) {
      const found = table[at] as number;
      if (found === key) return table[at + 1] as number;
      if (found === 0) return 0;
    }
  }

  /** Uses of a small vocabulary. */
  names(namespace: number): number {
    return this.#names[namespace] as number;
  }

  total(kind: number): number {
    return this.#totals[kind] as number;
  }

  /** Good-Turing probability that the members' next key of this kind is a new one. */
  unseen(kind: number): number {
    return this.#unseen[kind] as number;
  }

  /** Probability of a tool or resource at least as rare among the members as one counted so often. */
  tail(kind: typeof KIND.tool | typeof KIND.resource, count: number): number {
    const tails = kind === KIND.tool ? this.#tails[0] : this.#tails[1];
    return tails[tailBucket(count)] as number;
  }

  /** Index into `sizeOf` for a tool, -1 where none of its sizes is known. */
  toolIndex(tool: number): number {
    return this.#tools.get(tool) ?? -1;
  }

  /** n, mean, variance (`field` 0, 1, 2) of a tool's size in octaves. */
  sizeOf(index: number, measure: number, field: number): number {
    return this.#sizes[index + measure * 3 + field] as number;
  }
}

function sideBySide(keys: Uint32Array, counts: Uint32Array): Uint32Array {
  const table = new Uint32Array(2 * keys.length);
  for (let slot = 0; slot < keys.length; slot++) {
    table[2 * slot] = keys[slot] as number;
    table[2 * slot + 1] = counts[slot] as number;
  }
  return table;
}

/** Reads words one after another; floats are views into the same words. */
export class WordReader {
  readonly #u32: Uint32Array;
  readonly #f32: Float32Array;
  #at = 0;

  constructor(words: Uint32Array) {
    this.#u32 = words;
    this.#f32 = new Float32Array(words.buffer, words.byteOffset, words.length);
  }

  get done(): boolean {
    return this.#at >= this.#u32.length;
  }

  word(): number {
    if (this.#at >= this.#u32.length) throw new RangeError('prior is cut');
    return this.#u32[this.#at++] as number;
  }

  float(): number {
    this.word();
    return this.#f32[this.#at - 1] as number;
  }

  words(count: number): Uint32Array {
    this.#at += count;
    if (this.#at > this.#u32.length) throw new RangeError('prior is cut');
    return this.#u32.subarray(this.#at - count, this.#at);
  }

  floats(count: number): Float32Array {
    this.words(count);
    return this.#f32.subarray(this.#at - count, this.#at);
  }
}

export class OpenPrior implements Prior {
  readonly version: string;
  readonly finding_bits: number;
  readonly alert_bits: number;
  /** Sessions that reach it teach their group with less weight. */
  readonly doubt_bits: number;
  readonly #groups = new Map<string, PriorGroup>();
  readonly #populations = new Map<string, PriorGroup>();
  readonly levels: Float32Array | undefined;
  readonly #clusters = new Map<string, Map<number, PriorCluster>>();

  constructor(version: string, words: WordReader) {
    const magic = words.word();
    if (magic !== MAGIC && magic !== MAGIC_BEFORE) throw new RangeError('no prior of this version');
    const calibrated = magic === MAGIC;
    this.version = version;
    this.finding_bits = words.float();
    this.alert_bits = words.float();
    this.doubt_bits = words.float();
    this.#read(words, this.#populations, calibrated);
    this.#read(words, this.#groups, calibrated);
    // Priors of before there were clusters end here.
    if (!words.done) this.#readClusters(words, calibrated);
    this.levels = readLevels(words);
    for (const [name, group] of this.#groups) {
      if (!this.#populations.has(tenantOf(name))) this.#populations.set(tenantOf(name), group);
    }
  }

  thresholdsAt(budget: number): { readonly finding_bits: number; readonly alert_bits: number } {
    return this.levels === undefined ? this : thresholdsAt(this.levels, budget);
  }

  reachedPer1000(bits: number): number | undefined {
    return this.levels === undefined ? undefined : reachedPer1000(this.levels, bits);
  }

  #read(words: WordReader, into: Map<string, PriorGroup>, calibrated: boolean): void {
    const groups = words.word();
    for (let i = 0; i < groups; i++) {
      const length = words.word();
      const name = new TextDecoder().decode(bytesOf(words.words((length + 3) >>> 2)).subarray(0, length));
      into.set(name, new PriorGroup(words, calibrated));
    }
  }

  #readClusters(words: WordReader, calibrated: boolean): void {
    readMembers(words, this.#populations);
    readMembers(words, this.#groups);
    const clusters = new Map<string, PriorGroup>();
    this.#read(words, clusters, calibrated);
    readMembers(words, clusters);
    const [names, tables] = [[...this.#groups.keys()], [...clusters]];
    for (let left = words.word(); left > 0; left--) {
      const name = names[words.word()] as string;
      const label = words.word();
      const [called, group] = tables[words.word()] as [string, PriorGroup];
      let labels = this.#clusters.get(name);
      if (labels === undefined) {
        labels = new Map();
        this.#clusters.set(name, labels);
      }
      labels.set(label, { name: called.slice(name.length + 1), group });
    }
  }

  /** Identities of this group that use like tools, found by the label of one of them (peers/label.ts). */
  cluster(name: string, label: number): PriorCluster | undefined {
    return this.#clusters.get(name)?.get(label);
  }

  /** What the group taught, as `peerGroupOf` names it. */
  group(name: string): PriorGroup | undefined {
    return this.#groups.get(name);
  }

  /** What all groups of the same tenant taught together: tenants learn nothing of each other. */
  population(name: string): PriorGroup | undefined {
    return this.#populations.get(tenantOf(name));
  }
}

function readMembers(words: WordReader, of: ReadonlyMap<string, PriorGroup>): void {
  for (const group of of.values()) group.members = Math.round(words.float());
}

/** Whether the group's name says that its members declare none. */
export function isUndeclared(name: string): boolean {
  return name.startsWith(KIND_PREFIX, tenantOf(name).length);
}

/** The tenant's part of a group's name, with its separator. */
export function tenantOf(name: string): string {
  return name.slice(0, name.indexOf('\u0000') + 1);
}

function bytesOf(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  return bytes;
}

export const PRIOR_MAGIC = MAGIC;

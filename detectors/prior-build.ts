import { levelsOf } from './budget.ts';
import { excessOf } from './calibration.ts';
import type { AlertBudget, GroupState } from './contract.ts';
import { APART } from './ensemble.ts';
import { SIZE_STEPS } from './features.ts';
import { KIND, MEMBER_WORDS, TRUST_FULL } from './group.ts';
import { distinctOf } from './math/distinct.ts';
import { asGroup, type Merged, merge, sum } from './merged.ts';
import { clustersOf } from './peers/clusters.ts';
import { isUndeclared, KINDS, PRIOR_MAGIC, TAIL_BUCKETS, tailBucket, tenantOf } from './prior.ts';
import { thresholdsOf } from './threshold.ts';

/** Entries of one group's table, of all groups' together, and of the population's. */
const GROUP_ENTRIES_MIN = 1024;
const GROUP_ENTRIES_MAX = 65_536;
const ALL_ENTRIES_MAX = 524_288;
const POPULATION_ENTRIES_MAX = 131_072;

/**
 * Merges what all partitions learned into one immutable prior. Everything merged is a sum of integers and everything
 * listed is sorted, so the same groups give the same bytes in whatever order they come.
 */
export function buildPriorBytes(groups: ReadonlyMap<string, readonly GroupState[]>, budget: AlertBudget): Uint8Array {
  const names = [...groups.keys()].sort();
  const parts = new Map(names.map((name) => [name, partsOf(groups.get(name) as readonly GroupState[])]));
  const merged = new Map(
    names.map((name) => {
      const whole = merge((groups.get(name) as readonly GroupState[]).map(asGroup));
      const divided = [...(parts.get(name) as ReadonlyMap<number, Merged>).values()];
      return [name, divided.length === 0 ? whole : sum([whole, ...divided])];
    }),
  );
  const out = new WordWriter();
  out.word(PRIOR_MAGIC);
  const fleet = sum([...merged.values()]);
  const thresholds = thresholdsOf(fleet, budget);
  out.float(thresholds.finding_bits);
  out.float(thresholds.alert_bits);
  out.float(thresholds.doubt_bits);
  const populations = populationsOf(merged);
  writeGroups(out, populations, POPULATION_ENTRIES_MAX);
  writeGroups(out, merged, GROUP_ENTRIES_MAX);
  writeMembers(out, [...populations.values(), ...merged.values()]);
  writeClusters(out, names, parts);
  const levels = levelsOf(fleet);
  out.word(levels.length);
  for (const level of levels) out.float(level);
  return out.bytes();
}

/** What each label taught in all partitions. */
function partsOf(states: readonly GroupState[]): Map<number, Merged> {
  const all = states.map(asGroup);
  const labels = [...new Set(all.flatMap(({ parts }) => [...parts.keys()]))].sort((a, b) => a - b);
  return new Map(labels.map((label) => [label, merge(all.flatMap(({ parts }) => parts.get(label) ?? []))]));
}

/** The clusters of the groups that nobody declared, and under which label each of their members is found. */
function writeClusters(
  out: WordWriter,
  names: readonly string[],
  parts: ReadonlyMap<string, ReadonlyMap<number, Merged>>,
): void {
  const tables = new Map<string, Merged>();
  const labels: number[] = [];
  for (const [index, name] of names.entries()) {
    if (!isUndeclared(name)) continue;
    for (const cluster of clustersOf(parts.get(name) as ReadonlyMap<number, Merged>)) {
      for (const label of cluster.labels) labels.push(index, label, tables.size);
      tables.set(`${name}\u0000${cluster.name}`, cluster.table);
    }
  }
  writeGroups(out, tables, GROUP_ENTRIES_MAX);
  writeMembers(out, [...tables.values()]);
  out.word(labels.length / 3);
  for (const word of labels) out.word(word);
}

function writeMembers(out: WordWriter, groups: readonly Merged[]): void {
  for (const { members } of groups) out.float(distinctOf(members, 0, MEMBER_WORDS, 0));
}

/** The sum of each tenant's groups, where it has more than one; otherwise its only group stands for it. */
function populationsOf(merged: ReadonlyMap<string, Merged>): Map<string, Merged> {
  const tenants = new Map<string, Merged[]>();
  for (const [name, group] of merged) {
    const tenant = tenantOf(name);
    tenants.set(tenant, [...(tenants.get(tenant) ?? []), group]);
  }
  const populations = new Map<string, Merged>();
  for (const [tenant, groups] of tenants) if (groups.length > 1) populations.set(tenant, sum(groups));
  return populations;
}

function writeGroups(out: WordWriter, groups: ReadonlyMap<string, Merged>, most: number): void {
  const share = Math.max(GROUP_ENTRIES_MIN, Math.floor(ALL_ENTRIES_MAX / Math.max(1, groups.size)));
  out.word(groups.size);
  for (const [name, group] of groups) writeGroup(out, name, group, Math.min(most, share));
}

function writeGroup(out: WordWriter, name: string, group: Merged, most: number): void {
  const bytes = new TextEncoder().encode(name);
  out.word(bytes.length);
  out.text(bytes);
  out.float(group.sessions / TRUST_FULL);
  const counts = trusted(group.counts);
  const spectrum = spectrumOf(counts);
  spectrum.totals.forEach((value) => {
    out.float(value);
  });
  for (let kind = 0; kind < KINDS; kind++) out.float(unseenOf(spectrum, kind));
  writeTail(out, spectrum, KIND.tool);
  writeTail(out, spectrum, KIND.resource);
  writeMoments(out, group.windows);
  for (const bits of excessOf(
    group.reached.map((sum) => sum / TRUST_FULL),
    group.judged / TRUST_FULL,
    APART,
  ))
    out.float(bits);
  const tools = [...group.sizes.keys()].sort((a, b) => a - b);
  out.word(tools.length);
  for (const tool of tools) out.word(tool);
  for (const tool of tools) writeMoments(out, group.sizes.get(tool) as Float64Array);
  writeTable(out, counts, most);
}

/** Counts in whole trusted sessions; what none of them had, and few doubted ones, stays unknown. */
function trusted(counts: ReadonlyMap<number, number>): Map<number, number> {
  const whole = new Map<number, number>();
  for (const [key, count] of counts) {
    const floor = Math.floor(count / TRUST_FULL);
    if (floor > 0) whole.set(key, floor);
  }
  return whole;
}

type Spectrum = { readonly totals: Float64Array; readonly singles: Float64Array; readonly masses: Float64Array };

function spectrumOf(counts: ReadonlyMap<number, number>): Spectrum {
  const totals = new Float64Array(KINDS);
  const singles = new Float64Array(KINDS);
  const masses = new Float64Array(KINDS * TAIL_BUCKETS);
  for (const [key, count] of counts) {
    const kind = key & 7;
    totals[kind] = (totals[kind] as number) + count;
    if (count === 1) singles[kind] = (singles[kind] as number) + 1;
    const at = kind * TAIL_BUCKETS + tailBucket(count);
    masses[at] = (masses[at] as number) + count;
  }
  return { totals, singles, masses };
}

function unseenOf(spectrum: Spectrum, kind: number): number {
  return ((spectrum.singles[kind] as number) + 0.5) / ((spectrum.totals[kind] as number) + 1);
}

function writeTail(out: WordWriter, spectrum: Spectrum, kind: number): void {
  const unseen = unseenOf(spectrum, kind);
  const total = spectrum.totals[kind] as number;
  let atMost = 0;
  for (let bucket = 0; bucket < TAIL_BUCKETS; bucket++) {
    atMost += spectrum.masses[kind * TAIL_BUCKETS + bucket] as number;
    const share = total === 0 ? 0 : atMost / total;
    out.float(bucket === 0 ? Math.min(1, unseen) : Math.min(1, unseen + (1 - Math.min(1, unseen)) * share));
  }
}

/** n, mean and variance in octaves from n, sum and sum of squares in steps. Exact integers up to 2^53, so no loss. */
function writeMoments(out: WordWriter, sums: Float64Array): void {
  for (let at = 0; at < sums.length; at += 3) {
    const n = sums[at] as number;
    const mean = n === 0 ? 0 : (sums[at + 1] as number) / n;
    const variance = n === 0 ? 0 : Math.max(0, (sums[at + 2] as number) / n - mean * mean);
    out.float(n);
    out.float(Math.max(0, mean) / SIZE_STEPS);
    out.float(variance / (SIZE_STEPS * SIZE_STEPS));
  }
}

/** Open addressing, filled in the order of keys; the rarest are left out where there are too many. */
function writeTable(out: WordWriter, counts: ReadonlyMap<number, number>, most: number): void {
  let least = 1;
  let kept = [...counts.keys()];
  while (kept.length > most) {
    least++;
    kept = kept.filter((key) => (counts.get(key) as number) >= least);
  }
  const keys = Uint32Array.from(kept).sort();
  let capacity = 16;
  while (capacity < keys.length * 1.6) capacity *= 2;
  const slots = new Uint32Array(capacity);
  const values = new Uint32Array(capacity);
  for (const key of keys) {
    let slot = (key >>> 3) & (capacity - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
    slots[slot] = key;
    values[slot] = Math.min(counts.get(key) as number, 0xffffffff);
  }
  out.word(capacity);
  out.wordsOf(slots);
  out.wordsOf(values);
}

class WordWriter {
  #u32 = new Uint32Array(4096);
  #f32 = new Float32Array(this.#u32.buffer);
  #at = 0;

  word(value: number): void {
    this.#reserve(1);
    this.#u32[this.#at++] = value;
  }

  float(value: number): void {
    this.#reserve(1);
    this.#f32[this.#at++] = value;
  }

  wordsOf(words: Uint32Array): void {
    this.#reserve(words.length);
    this.#u32.set(words, this.#at);
    this.#at += words.length;
  }

  text(bytes: Uint8Array): void {
    const padded = new Uint8Array((bytes.length + 3) & ~3);
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    for (let at = 0; at < padded.length; at += 4) this.word(view.getUint32(at, true));
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#u32.slice(0, this.#at).buffer);
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#u32.length) return;
    const grown = new Uint32Array(Math.max(this.#u32.length * 2, this.#at + count));
    grown.set(this.#u32);
    this.#u32 = grown;
    this.#f32 = new Float32Array(grown.buffer);
  }
}

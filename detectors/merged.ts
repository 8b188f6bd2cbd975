import { CALIBRATION_FIELDS } from './calibration.ts';
import type { GroupState } from './contract.ts';
import { Group, MEMBER_WORDS } from './group.ts';
import { DAY_SCORES, MEASURES, SESSION_SCORES, SPANS } from './layout.ts';

/**
 * What groups taught, summed over partitions and over groups. Everything is a sum of integers, so its order does
 * not matter.
 */
export type Merged = {
  sessions: number;
  day: number;
  first_day: number;
  readonly session_scores: Float64Array;
  readonly day_scores: Float64Array;
  readonly windows: Float64Array;
  judged: number;
  readonly reached: Float64Array;
  readonly sizes: Map<number, Float64Array>;
  readonly counts: Map<number, number>;
  readonly members: Uint32Array;
};

function empty(): Merged {
  return {
    sessions: 0,
    day: 0,
    first_day: 0,
    session_scores: new Float64Array(SESSION_SCORES.buckets),
    day_scores: new Float64Array(DAY_SCORES.buckets),
    windows: new Float64Array(SPANS * MEASURES * 3),
    judged: 0,
    reached: new Float64Array(CALIBRATION_FIELDS),
    sizes: new Map(),
    counts: new Map(),
    members: new Uint32Array(MEMBER_WORDS),
  };
}

/** One group of all partitions, without its parts. */
export function merge(states: readonly Group[]): Merged {
  const merged = empty();
  // Partitions fade their score counts when they learn; bring all to the newest day, without touching the originals.
  const day = states.reduce((most, group) => Math.max(most, group.day), 0);
  for (const original of states) {
    const group = original.day === day ? original : Group.decode(original.encode());
    group.enterDay(day);
    addSums(merged, group);
    for (const [i, word] of original.members.entries())
      merged.members[i] = ((merged.members[i] as number) | word) >>> 0;
    group.each((key, count) => {
      merged.counts.set(key, (merged.counts.get(key) ?? 0) + count);
    });
  }
  return merged;
}

export function sum(all: readonly Merged[]): Merged {
  const merged = empty();
  for (const one of all) add(merged, one);
  return merged;
}

/** Adds what `from` was taught. */
export function add(into: Merged, from: Merged): void {
  addSums(into, from);
  for (const [i, word] of from.members.entries()) into.members[i] = ((into.members[i] as number) | word) >>> 0;
  for (const [key, count] of from.counts) into.counts.set(key, (into.counts.get(key) ?? 0) + count);
}

function addSums(into: Merged, from: Omit<Merged, 'counts' | 'members'>): void {
  into.sessions += from.sessions;
  into.day = Math.max(into.day, from.day);
  if (into.first_day === 0 || (from.first_day > 0 && from.first_day < into.first_day)) into.first_day = from.first_day;
  addArrays(into.session_scores, from.session_scores);
  addArrays(into.day_scores, from.day_scores);
  addArrays(into.windows, from.windows);
  into.judged += from.judged;
  addArrays(into.reached, from.reached);
  for (const [tool, sums] of from.sizes) {
    let known = into.sizes.get(tool);
    if (known === undefined) {
      known = new Float64Array(sums.length);
      into.sizes.set(tool, known);
    }
    addArrays(known, sums);
  }
}

function addArrays(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (from[i] as number);
}

export function asGroup(state: GroupState): Group {
  if (!(state instanceof Group)) throw new TypeError('a group state of another model');
  return state;
}

import type { Context } from './context.ts';
import type { Lesson } from './detector.ts';
import { SIZE_STEPS } from './features.ts';
import { AT, SIZE_SLOT_WORDS, SIZE_SLOTS } from './layout.ts';
import { type Expectation, expectCentre, learnMoment, MOMENT_WORDS, scaleOf } from './math/moments.ts';
import type { StateRef } from './state.ts';

/**
 * Sizes per tool: results (0), arguments (1), records (2), as moments in octaves. The tools of an identity contend for
 * a few slots; a newcomer wears down the least used one before it takes its place (as in the count tables).
 */
const MEMORY = 512;
const LEAN = 3;

export function sizeSlotOf(state: Pick<StateRef, 'u32' | 'at'>, tool: number): number {
  const first = state.at + AT.sizes;
  for (let i = 0; i < SIZE_SLOTS; i++) {
    if (state.u32[first + i * SIZE_SLOT_WORDS] === tool) return first + i * SIZE_SLOT_WORDS;
  }
  return -1;
}

function useOf(f32: Float32Array, slot: number): number {
  let use = 0;
  for (let m = 0; m < 3; m++) use += f32[slot + 1 + m * MOMENT_WORDS] as number;
  return use;
}

/** The slot to learn into; -1 while the newcomer still has to wait. */
function claim(state: StateRef, tool: number): number {
  const known = sizeSlotOf(state, tool);
  if (known >= 0) return known;
  let least = Number.POSITIVE_INFINITY;
  let slot = -1;
  for (let i = 0; i < SIZE_SLOTS; i++) {
    const at = state.at + AT.sizes + i * SIZE_SLOT_WORDS;
    const use = state.u32[at] === 0 ? -1 : useOf(state.f32, at);
    if (use < least) {
      least = use;
      slot = at;
    }
  }
  if (least <= 3) {
    state.u32.fill(0, slot, slot + SIZE_SLOT_WORDS);
    state.u32[slot] = tool;
    return slot;
  }
  for (let m = 0; m < 3; m++) {
    const n = slot + 1 + m * MOMENT_WORDS;
    state.f32[n] = Math.max(0, (state.f32[n] as number) - 1);
  }
  return -1;
}

export function learnSizes({ state, part, record }: Lesson): void {
  const slot = claim(state, record.tool);
  const sums = part.sizesOf(record.tool);
  for (let m = 0; m < 3; m++) {
    const quantised = record.quantised[m] as number;
    if (quantised === 0) continue;
    if (slot >= 0) learnMoment(state.f32, slot + 1 + m * MOMENT_WORDS, (quantised - 1) / SIZE_STEPS, MEMORY);
    part.addSize(sums, m, quantised - 1);
  }
}

const peers = { mean: 0, variance: 0, lean: 0 };
const nobody = new Float32Array(MOMENT_WORDS);

/** Centre of what is expected of a size of the tool at hand; false when neither identity nor peers know it. */
export function expectSize(c: Context, measure: number, into: Expectation): boolean {
  const slot = c.size_slot;
  const index = c.size_index;
  const known = index < 0 || c.near === undefined ? 0 : c.near.sizeOf(index, measure, 0);
  const own = slot < 0 ? 0 : (c.f32[slot + 1 + measure * MOMENT_WORDS] as number);
  if (own < HISTORY_MIN && known < HISTORY_MIN) return false;
  peers.lean = Math.min(LEAN, known);
  peers.mean = known > 0 && c.near !== undefined ? c.near.sizeOf(index, measure, 1) : 0;
  peers.variance = known > 0 && c.near !== undefined ? c.near.sizeOf(index, measure, 2) : 0;
  if (own === 0) expectCentre(nobody, 0, peers, into);
  else expectCentre(c.f32, slot + 1 + measure * MOMENT_WORDS, peers, into);
  return true;
}

/** Scales by which a size of the event lies above what is expected; 0 where it does not, or where nobody knows. */
export function sizeDeviations(c: Context, measure: number, into: Expectation): number {
  const octaves = c.f.octaves[measure] as number;
  if (octaves < 0 || !expectSize(c, measure, into)) return 0;
  const above = octaves - into.centre;
  if (above <= 0) return 0;
  into.scale =
    into.n === 0 ? scaleOf(nobody, 0, peers) : scaleOf(c.f32, c.size_slot + 1 + measure * MOMENT_WORDS, peers);
  return above / into.scale;
}

const HISTORY_MIN = 3;

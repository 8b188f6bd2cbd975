import type { Touch } from '../schemas/directive.ts';
import { ACCESS_KINDS } from './features.ts';
import {
  ACCESS_ENTRIES,
  AT,
  BIGRAM_ENTRIES,
  MEASURES,
  NEW_TOOLS,
  PLACES_WORDS,
  RESOURCE_ENTRIES,
  SIZE_SLOT_WORDS,
  SIZE_SLOTS,
  SPANS,
  TOOL_ENTRIES,
} from './layout.ts';
import { CHAIN_WORDS } from './math/chain.ts';
import { countTableWords } from './math/count-table.ts';
import { MOMENT_WORDS } from './math/moments.ts';
import type { StateRef } from './state.ts';

type Region = readonly [at: number, words: number];

const ORDER_OF_TOOLS: readonly Region[] = [
  [AT.bigrams, countTableWords(BIGRAM_ENTRIES)],
  [AT.novel_runs, CHAIN_WORDS],
];
const SIZES: readonly Region[] = [[AT.sizes, SIZE_SLOTS * SIZE_SLOT_WORDS]];
const VOLUMES: readonly Region[] = [
  [AT.moments, SPANS * MEASURES * MOMENT_WORDS],
  [AT.drift, 2],
];

/** The words in which lies what a change of each kind makes worthless. */
const REGIONS: Readonly<Record<Touch, readonly Region[]>> = {
  model: [...ORDER_OF_TOOLS, ...SIZES],
  prompt: ORDER_OF_TOOLS,
  tools: [
    [AT.tools, countTableWords(TOOL_ENTRIES)],
    ...ORDER_OF_TOOLS,
    ...SIZES,
    [AT.new_tools, NEW_TOOLS],
    [AT.denied_runs, CHAIN_WORDS],
    [AT.error_runs, CHAIN_WORDS],
  ],
  data: [[AT.resources, countTableWords(RESOURCE_ENTRIES)], ...VOLUMES],
  access: [
    [AT.access, countTableWords(ACCESS_ENTRIES)],
    [AT.access_news, ACCESS_KINDS],
    [AT.places, PLACES_WORDS],
    [AT.place_runs, CHAIN_WORDS],
  ],
};

/** Detectors whose surprise about a new version is no news when such a change was declared. */
const DETECTORS_OF: Readonly<Record<Touch, readonly string[]>> = {
  model: ['tool_transition', 'tool_sequence', 'argument_size', 'call_rate'],
  prompt: ['tool_transition', 'tool_sequence', 'session_context', 'resource_breadth'],
  tools: ['tool_frequency', 'tool_transition', 'tool_sequence', 'operation_kind', 'argument_size', 'call_rate'],
  data: ['event_volume', 'window_volume', 'low_and_slow', 'resource_rarity', 'resource_breadth', 'resource_sweep'],
  access: ['access_origin', 'access_credential', 'access_hour', 'two_places'],
};

export function detectorsTouchedBy(touches: readonly Touch[]): string[] {
  return [...new Set(touches.flatMap((touch) => DETECTORS_OF[touch]))];
}

/** Forgets what the touched parts have learned, so that the peer group is the yardstick until they have learned anew. */
export function relearnWords({ u32, at }: StateRef, touches: readonly Touch[]): void {
  for (const touch of touches) for (const [from, words] of REGIONS[touch]) u32.fill(0, at + from, at + from + words);
}

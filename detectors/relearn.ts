import type { Touch } from '../schemas/directive.ts';
import { UNITS } from '../schemas/limits.ts';
import type { Profile } from './contract.ts';
import { AT, MEASURES, momentAt, RELEARN_PARTS, SIZE_SLOT_WORDS, SIZE_SLOTS, SPANS } from './layout.ts';
import { MOMENT_WORDS } from './math/moments.ts';
import type { StateRef } from './state.ts';
import { MEASURE, SPAN } from './windows.ts';

/**
 * A declared change of model, prompt, tools, data or access makes a part of what was learned uncertain, and nothing else.
 *
 * What was learned is kept: who goes back to the old version surprises nobody. But detectors of the touched parts speak
 * with a quarter of their voice, with half of it where they judge by the peers, until the identity has learned so many
 * sessions since, or two weeks have passed; and averages that the change touches weigh no more than a few values, so
 * that they follow. All other detectors stay on guard.
 *
 * State: a word a part for the count of learned sessions at which it ends, one word a part for the time.
 *
 * Access to data more sensitive than before is excused by no change.
 *
 * Wrong when an attack comes with the declared change: what it does in the touched parts alone is heard as a whisper.
 */
const RELEARN_SESSIONS = 32;
const RELEARN_S = (14 * UNITS.DAY_MS) / UNITS.SECOND_MS;
/** Values that an average weighs at most when a change begins. */
const MEMORY_LEFT = 6;
const VOICE_OWN = 0.25;
const VOICE_PEERS = 0.5;

/** The order of the parts in the words. A model and its prompt shape the same habits: order of calls, arguments, sessions. */
const PARTS = ['behaviour', 'tools', 'data', 'access'] as const;
type Part = (typeof PARTS)[number];

const PART_OF: Readonly<Record<Touch, Part>> = {
  model: 'behaviour',
  prompt: 'behaviour',
  tools: 'tools',
  data: 'data',
  access: 'access',
};

const DETECTORS_OF: Readonly<Record<Part, readonly string[]>> = {
  behaviour: ['tool_transition', 'tool_sequence', 'session_context', 'argument_size', 'call_rate', 'version_change'],
  tools: [
    'tool_frequency',
    'tool_transition',
    'tool_sequence',
    'session_context',
    'operation_kind',
    'argument_size',
    'version_change',
  ],
  data: [
    'event_volume',
    'window_volume',
    'low_and_slow',
    'resource_rarity',
    'resource_breadth',
    'resource_sweep',
    'session_context',
  ],
  access: ['access_origin', 'access_credential', 'access_hour', 'two_places'],
};
/** They judge by the peers alone, so they know what they say; but peers need not have the new version. */
const BY_PEERS: ReadonlySet<string> = new Set(['tool_sequence', 'session_context']);

/** Names of the detectors that a change of this kind makes uncertain. */
export function detectorsTouchedBy(touches: readonly Touch[]): string[] {
  return [...new Set(touches.flatMap((touch) => DETECTORS_OF[PART_OF[touch]]))];
}

/** A change was declared: what it touches is learned anew. To be called before the first event of the new version. */
export function relearnWords(state: StateRef, touches: readonly Touch[], log_ms: number): void {
  const { u32, at } = state;
  const parts = new Set(touches.map((touch) => PART_OF[touch]));
  for (const [index, part] of PARTS.entries()) {
    if (!parts.has(part)) continue;
    u32[at + AT.relearning + index] = (u32[at + AT.sessions] as number) + RELEARN_SESSIONS;
    u32[at + AT.relearning + RELEARN_PARTS + index] = Math.floor(log_ms / UNITS.SECOND_MS) + RELEARN_S;
    loosen(state, part);
  }
}

/** Averages that the change touches follow what comes. */
function loosen(state: StateRef, part: Part): void {
  if (part === 'access') return;
  if (part === 'data') {
    for (let slot = 0; slot < SIZE_SLOTS; slot++) for (const size of [1, 2]) forget(state, sizeAt(slot, size));
    for (let span = 0; span < SPANS; span++) {
      for (let measure = 0; measure < MEASURES; measure++) {
        if (measure !== MEASURE.calls) forget(state, momentAt(span, measure));
      }
    }
    state.f32.fill(0, state.at + AT.drift, state.at + AT.drift + 2);
    return;
  }
  for (let slot = 0; slot < SIZE_SLOTS; slot++) forget(state, sizeAt(slot, 0));
  if (part === 'behaviour')
    for (const span of [SPAN.minute, SPAN.session]) forget(state, momentAt(span, MEASURE.calls));
}

const sizeAt = (slot: number, size: number): number => AT.sizes + slot * SIZE_SLOT_WORDS + 1 + size * MOMENT_WORDS;

function forget({ f32, at }: StateRef, moment: number): void {
  f32[at + moment] = Math.min(MEMORY_LEFT, f32[at + moment] as number);
}

/** Sessions that the part has still to learn, 0 when it is settled. */
function left({ u32, at }: Pick<StateRef, 'u32' | 'at'>, index: number): number {
  const ends = u32[at + AT.relearning + index] as number;
  const sessions = u32[at + AT.sessions] as number;
  if (ends <= sessions) return 0;
  return (u32[at + AT.last_s] as number) < (u32[at + AT.relearning + RELEARN_PARTS + index] as number)
    ? ends - sessions
    : 0;
}

/** What is being learned anew, for people. */
export function relearningOf(state: StateRef): Profile['relearning'] {
  return PARTS.flatMap((part, index) => {
    const sessions_left = left(state, index);
    return sessions_left === 0 ? [] : [{ part, sessions_left }];
  });
}

/** Parts that a declared change touched and that are not settled yet, as bits. */
export function relearning(state: Pick<StateRef, 'u32' | 'at'>): number {
  let parts = 0;
  for (let index = 0; index < RELEARN_PARTS; index++) if (left(state, index) > 0) parts |= 1 << index;
  return parts;
}

/** The share of its voice that a detector has while these parts are learned anew. */
export function relearningVoice(detector: string, parts: number): number {
  const touched = PARTS.some((part, index) => (parts & (1 << index)) !== 0 && DETECTORS_OF[part].includes(detector));
  if (!touched) return 1;
  return BY_PEERS.has(detector) ? VOICE_PEERS : VOICE_OWN;
}

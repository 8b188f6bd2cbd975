import { type CanonicalEvent, EVENT_FLAGS, type EventFlag } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';

const LATE = 1 << EVENT_FLAGS.indexOf('late');
const EARLY = 1 << EVENT_FLAGS.indexOf('early');
const ID_REUSED = 1 << EVENT_FLAGS.indexOf('id_reused');

/** Flags of events whose time lies outside the span that windows count. */
export const OUT_OF_WINDOW = LATE | EARLY;

/** Bit set over EVENT_FLAGS: what ingest noticed, and what shows only on the log's clock and among the events before. */
export function flagsOf(
  event: CanonicalEvent,
  log_ms: number,
  seen: { readonly lateness_ms: number; readonly id_reused: boolean },
): number {
  let flags = 0;
  if (event.flags !== undefined) for (const flag of event.flags) flags |= 1 << EVENT_FLAGS.indexOf(flag);
  if (event.time < log_ms - seen.lateness_ms) flags |= LATE;
  if (event.time > log_ms + LIMITS.future_ms) flags |= EARLY;
  return seen.id_reused ? flags | ID_REUSED : flags;
}

export function flagNames(flags: number): EventFlag[] {
  return EVENT_FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0);
}

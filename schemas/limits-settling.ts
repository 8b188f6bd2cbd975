import { UNITS } from './units.ts';

const { MIB, MINUTE_MS, HOUR_MS, DAY_MS } = UNITS;

/** Bounds of settling whose a span is: part of LIMITS. */
export const SETTLING_LIMITS = {
  /** How long an event waits for its identity or its answer when the configuration says nothing, in log time. */
  settle_bound_ms: 10 * MINUTE_MS,
  /** How long links, bindings and released events are remembered. A restart reads twice as much of the log again. */
  settle_memory_ms: 1 * HOUR_MS,
  /** Places of the log that are remembered to begin at lie at least so far apart. */
  settle_mark_ms: 1 * MINUTE_MS,
  /** A recording whose own time stands still for so long is settled as if it had ended. */
  settle_standstill_ms: 1 * DAY_MS,
  /** Links of a partition and of one trace, of which the oldest are forgotten. */
  settle_links_max: 131_072,
  settle_links_per_trace_max: 4_096,
  /** Events that wait, or were released without an answer, in a partition and in one trace. The oldest wait no longer. */
  settle_waiting_max: 32_768,
  settle_waiting_per_trace_max: 1_024,
  /** Bytes of the records whose events wait: all of them may become due at once, and are then written in one. */
  settle_waiting_bytes_max: 16 * MIB,
  /** Conversations of a partition, and service instances, of which it is known whose they are. */
  settle_bindings_max: 32_768,
  /** A binding is what the last so many links say; that of an instance needs all of them, from so many traces. */
  settle_binding_links: 8,
  settle_binding_traces_min: 4,
  /** How far towards its root a span is followed. */
  settle_hops_max: 64,
  /** Keys of events in one alias record; beyond it they are only counted. */
  settle_alias_events_max: 64,
  /** Aliases shown on an identity's page. */
  identity_aliases_shown_max: 50,
} as const;

import { LIMITS } from '../../../schemas/limits.ts';

/** By what events are settled, and how much is kept for it. Counts are those of one partition. */
export type SettleRule = {
  /** An event waits at most for so long of log time, milliseconds. At most `memory_ms`. */
  readonly bound_ms: number;
  /** What came so long ago is forgotten. */
  readonly memory_ms: number;
  readonly links_max: number;
  readonly links_per_trace_max: number;
  readonly waiting_max: number;
  /** Bytes of the records of events that wait. */
  readonly waiting_bytes_max: number;
  readonly waiting_per_trace_max: number;
  readonly bindings_max: number;
  readonly binding_links: number;
  readonly binding_traces_min: number;
  readonly hops_max: number;
  readonly alias_events_max: number;
};

export function settleRule(bound_ms: number, more: Partial<SettleRule> = {}): SettleRule {
  const rule = {
    bound_ms,
    memory_ms: LIMITS.settle_memory_ms,
    links_max: LIMITS.settle_links_max,
    links_per_trace_max: LIMITS.settle_links_per_trace_max,
    waiting_max: LIMITS.settle_waiting_max,
    waiting_bytes_max: LIMITS.settle_waiting_bytes_max,
    waiting_per_trace_max: LIMITS.settle_waiting_per_trace_max,
    bindings_max: LIMITS.settle_bindings_max,
    binding_links: LIMITS.settle_binding_links,
    binding_traces_min: LIMITS.settle_binding_traces_min,
    hops_max: LIMITS.settle_hops_max,
    alias_events_max: LIMITS.settle_alias_events_max,
    ...more,
  };
  if (rule.bound_ms > rule.memory_ms) throw new Error('an event cannot wait for longer than anything is remembered');
  return rule;
}

import { z } from 'zod';
import { DirectiveChange } from './directive.ts';
import { EffectWatch } from './effect.ts';
import { CanonicalEvent } from './event.ts';
import { LIMITS } from './limits.ts';
import { Verdict } from './verdict.ts';

/**
 * What stands in `agent.audit.events`: everything that changes what detect computes, in one order (design, section 3).
 *
 * `at` is the recorded clock in epoch milliseconds. Records of live traffic carry none: their clock is the log's append
 * time. Records of a replay carry the clock of the recording, so that any speed gives the same result.
 */
const at = z.int().optional();

export const EventRecord = z.object({ type: z.literal('event'), at, event: CanonicalEvent });
/** Lets time pass in a partition while nothing else flows. */
export const TickRecord = z.object({ type: z.literal('tick'), at });
/** Asks every partition for its peer groups as of here: the cut from which a prior is built. */
export const CutRecord = z.object({ type: z.literal('cut'), at, version: z.string() });
/** Adopts an immutable, stored version of the priors. */
export const PriorRecord = z.object({ type: z.literal('prior'), at, version: z.string() });
/** An analyst's judgement of an alert reaches the baseline of its identity. */
export const VerdictRecord = z.object({ type: z.literal('verdict'), at, verdict: Verdict });
/** What people told detection, in every partition that it concerns. */
export const DirectiveRecord = z.object({ type: z.literal('directive'), at, change: DirectiveChange });
/**
 * Events that were accepted as nobody's own turned out to be of an identity after all. Stands in the partition of the
 * identity under which they were accepted; what was learned and decided stays as it is.
 */
export const AliasRecord = z.object({
  type: z.literal('alias'),
  at,
  tenant: z.string(),
  /** The identity under which they were accepted, `unresolved:<workload>`. */
  identity: z.string(),
  resolved: z.string(),
  trace_id: z.string(),
  /** Keys of the first of them, and how many there are. */
  events: z.array(CanonicalEvent.shape.key).max(LIMITS.settle_alias_events_max),
  count: z.int().min(1),
});
export type AliasRecord = z.infer<typeof AliasRecord>;

/** A containment was carried out: from here on its identity's events say whether it holds. */
export const EffectWatchRecord = z.object({ type: z.literal('effect_watch'), at, watch: EffectWatch });

export const DetectRecord = z.discriminatedUnion('type', [
  EventRecord,
  TickRecord,
  CutRecord,
  PriorRecord,
  VerdictRecord,
  DirectiveRecord,
  AliasRecord,
  EffectWatchRecord,
]);
export type DetectRecord = z.infer<typeof DetectRecord>;

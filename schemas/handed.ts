import { z } from 'zod';
import { AlertIdentity, EvidenceRef } from './finding.ts';
import { LIMITS } from './limits.ts';
import { Verdict } from './verdict.ts';

/**
 * What stands in `agent.findings`: what the partition workers hand on to the worker of stories over several identities.
 * `at` is the log clock of the record that it came of; a recording's clock is its own.
 */
const clock = { at: z.int(), recorded: z.boolean() } as const;

/** Something that several identities can have to do with. */
export const HandedSubject = z.object({
  kind: z.string().min(1).max(LIMITS.name_chars_max),
  value: z.string().max(LIMITS.resource_id_chars_max),
});
export type HandedSubject = z.infer<typeof HandedSubject>;

/** One surprising event of one identity, whether or not it opened an alert there. */
export const HandedFinding = z.object({
  type: z.literal('finding'),
  ...clock,
  /** The same in every run: what was appended twice is told by it. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  tenant: z.string().min(1),
  identity: AlertIdentity,
  /** Whom the identity is compared with. */
  group: z.string(),
  event: EvidenceRef,
  session: z.string().optional(),
  /** What the event did, and the highest sensitivity that it touched: 0 public to 3 restricted, -1 unknown. */
  operation: z.string(),
  sensitivity: z.int().min(-1).max(3),
  /** Surprise of the event, and what its strongest finding says. */
  bits: z.number().min(0),
  detector: z.string(),
  pattern: z.string(),
  sentence: z.string(),
  /** All that was found about it, the strongest first. */
  patterns: z.array(z.string()).max(LIMITS.handed_patterns_max),
  subjects: z.array(HandedSubject).max(LIMITS.handed_subjects_max),
  /** Whom it hands work to, where it delegates. */
  hands_to: z.array(z.string()).max(LIMITS.handed_subjects_max).optional(),
  /** The identity's own alert that the event belongs to. */
  alert_uid: z.string().optional(),
});
export type HandedFinding = z.infer<typeof HandedFinding>;

/** Time has passed in one of the partitions. */
export const HandedTick = z.object({
  type: z.literal('tick'),
  ...clock,
  partition: z.int().min(0),
  partitions: z.int().min(1),
});
/** A judgement that may be about a story. */
export const HandedVerdict = z.object({ type: z.literal('verdict'), ...clock, verdict: Verdict });

export const HandedRecord = z.discriminatedUnion('type', [HandedFinding, HandedTick, HandedVerdict]);
export type HandedRecord = z.infer<typeof HandedRecord>;

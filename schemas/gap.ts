import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { PrincipalRef } from './principal.ts';

/**
 * A place where a stage cannot go on honestly: records were deleted before they were read, a topic was made anew, state
 * was lost. The partition stands still until an operator has decided, and the decision is in the control log.
 */
export const GAP_STAGES = ['ingest', 'detect', 'deliver', 'contain'] as const;

export const Gap = z.strictObject({
  /** The same for the same gap, whoever finds it and how often: a hash of all that tells it from others. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  stage: z.enum(GAP_STAGES),
  topic: z.string().min(1).max(249),
  partition: z.int().min(0),
  /** Why, as a stable code: `offset_before_log`, `generation_changed` and so on. */
  reason: z.string().regex(/^[a-z_]{1,64}$/),
  message: z.string().min(1).max(2000),
  /** Records that are known to be lost; absent where nobody can say. */
  lost: z.int().min(0).optional(),
});
export type Gap = z.infer<typeof Gap>;

/** Where to go on: with the oldest record that is there, or behind the newest. */
export const GapResume = z.enum(['start', 'end']);
export type GapResume = z.infer<typeof GapResume>;

/** Why an operator decided so: for the record, never empty. */
export const GapReason = z.string().max(LIMITS.comment_chars_max).regex(/\S/, 'give a reason, in words');

/** `closed`: the stage has gone on, or another gap took its place. */
export const GAP_STATES = ['open', 'decided', 'closed'] as const;

/** A gap with what became of it, as the control log tells it. Times are epoch milliseconds. */
export const GapIncident = z.object({
  gap: Gap,
  state: z.enum(GAP_STATES),
  since: z.int(),
  decision: z.object({ by: PrincipalRef, resume: GapResume, reason: GapReason, when: z.int() }).optional(),
  closed: z
    .object({
      when: z.int(),
      /** The offset with which the stage has gone on; absent when another gap took its place. */
      resumed_at: z.int().min(0).optional(),
    })
    .optional(),
});
export type GapIncident = z.infer<typeof GapIncident>;

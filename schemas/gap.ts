import { z } from 'zod';

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

import { z } from 'zod';

export const VERDICTS = ['true_positive', 'false_positive', 'expected_change'] as const;

/**
 * How far a judgement reaches: the alert alone; what it shows on this identity; the identity; its peer group. All but the
 * first leave a directive behind (docs/feedback.md).
 */
export const VERDICT_SCOPES = ['alert', 'pattern', 'identity', 'group'] as const;
export const VerdictScope = z.enum(VERDICT_SCOPES);
export type VerdictScope = z.infer<typeof VerdictScope>;

/** An analyst's judgement on an alert. `true_positive` discards what was held from learning; the others release it. */
export const Verdict = z.object({
  alert_uid: z.string().min(1),
  tenant: z.string().min(1),
  identity: z.string().min(1),
  verdict: z.enum(VERDICTS),
  author: z.string().min(1),
  comment: z.string().max(1024).optional(),
  /** Absent: `alert`. */
  scope: VerdictScope.optional(),
  /** Epoch milliseconds. */
  time: z.int(),
});
export type Verdict = z.infer<typeof Verdict>;

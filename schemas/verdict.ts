import { z } from 'zod';

export const VERDICTS = ['true_positive', 'false_positive', 'expected_change'] as const;

/** An analyst's judgement on an alert. `true_positive` discards what was held from learning; the others release it. */
export const Verdict = z.object({
  alert_uid: z.string().min(1),
  tenant: z.string().min(1),
  identity: z.string().min(1),
  verdict: z.enum(VERDICTS),
  author: z.string().min(1),
  comment: z.string().max(1024).optional(),
  /** Epoch milliseconds. */
  time: z.int(),
});
export type Verdict = z.infer<typeof Verdict>;

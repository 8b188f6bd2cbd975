import { z } from 'zod';

/**
 * How far an identity is covered. `learning` or `mature` is always there; the others say what its baseline cannot be
 * trusted for, or that nothing is seen of it.
 */
export const COVERAGE = [
  'learning',
  'mature',
  'stale',
  'silent',
  'drifted',
  'late_data',
  'unknown_sizes',
  'muted',
  'unresolved',
] as const;
export const CoverageStatus = z.enum(COVERAGE);
export type CoverageStatus = z.infer<typeof CoverageStatus>;

/** One status with the number behind it, in words. */
export const Coverage = z.object({ status: CoverageStatus, detail: z.string() });
export type Coverage = z.infer<typeof Coverage>;

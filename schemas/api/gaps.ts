import { z } from 'zod';
import { GapIncident, GapReason, GapResume } from '../gap.ts';
import { pageOf } from './shared.ts';

/** A gap, and what each decision would lose or repeat, in words. */
export const GapView = GapIncident.extend({ choices: z.object({ start: z.string(), end: z.string() }) });
export type GapView = z.infer<typeof GapView>;

export const GapPage = pageOf(GapView);
export const GapAnswer = z.object({ gap: GapView });
export const DecideGapBody = z.strictObject({ resume: GapResume, reason: GapReason });

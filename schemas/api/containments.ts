import { z } from 'zod';
import { Containment, TermsDigest } from '../containment.ts';
import { Comment, pageOf } from './shared.ts';

export const SITUATION_CODES = [
  'waits_for_approval',
  'waits_for_dispatch',
  'no_executor',
  'no_responder',
  'being_executed',
  'ended',
] as const;

/** A containment, what it waits for, and when time alone ends that. */
export const ContainmentView = Containment.extend({
  situation: z.object({ code: z.enum(SITUATION_CODES), message: z.string(), until: z.int().optional() }),
});
export type ContainmentView = z.infer<typeof ContainmentView>;

/** Whether an approved containment would be executed at all. */
export const ExecutorView = z.object({
  state: z.enum(['configured', 'not_configured', 'no_responder']),
  name: z.string().optional(),
  message: z.string(),
});
export type ExecutorView = z.infer<typeof ExecutorView>;

export const ContainmentPage = pageOf(ContainmentView).extend({ executor: ExecutorView });
export const ContainmentAnswer = z.object({ containment: ContainmentView, executor: ExecutorView });

/** A vote names what its giver saw: the `digest` of the containment as it was read. */
export const VoteBody = z.strictObject({ digest: TermsDigest, comment: Comment });

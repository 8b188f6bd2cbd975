import { z } from 'zod';
import { ContainmentId, TermsDigest } from '../digests.ts';
import { LIMITS } from '../limits.ts';

const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(LIMITS.preview_items_max);
const Used = z.object({ name: z.string(), events: z.int(), last_time: z.int() });
const OtherIdentity = z.object({ identity: z.string(), events: z.int(), last_time: z.int() });

/**
 * What a containment would touch, as far as our own events tell: text in it is that of agents. Times are event times, epoch
 * milliseconds. Lists have the most recent or most used first and are cut; counts are of all.
 */
export const BlastRadius = z.object({
  /** Span that is looked at, up to the identity's newest event: of the identity itself, and of all others. */
  from: z.int(),
  others_from: z.int(),
  to: z.int(),
  identity: z.object({
    events: z.int(),
    sessions: z.int(),
    tools: z.int(),
    credentials: z.int(),
    first_time: z.int(),
    last_time: z.int(),
  }),
  /** Of these events, those that the action would have stopped; absent where no field of an event tells. */
  target: z.object({ events: z.int(), sessions: z.int(), last_time: z.int().optional() }).optional(),
  sessions: list(
    z.object({ session: z.string(), events: z.int(), first_time: z.int(), last_time: z.int(), open: z.boolean() }),
  ),
  sessions_open: z.int(),
  credentials: list(Used),
  tools: list(Used),
  /** Humans on whose behalf it acted: who would wait. */
  acts_for: list(Used),
  /** Other identities with one of its credentials, which a revocation takes from them, too. */
  shares_credential: list(OtherIdentity.extend({ credential: z.string() })),
  /** Whom it handed work to, and who handed work to it. */
  delegates_to: list(OtherIdentity),
  delegated_by: list(OtherIdentity),
  /** Newest last, UTC. */
  days: z.array(z.object({ day: z.string(), events: z.int() })),
});
export type BlastRadius = z.infer<typeof BlastRadius>;

/** What an approver looks at before voting. Nothing of it is part of the terms, and nothing is sent to show it. */
export const ContainmentPreview = z.object({
  containment: ContainmentId,
  digest: TermsDigest,
  /** Who would carry it out, and what would be sent, without secrets. Absent: nobody would. */
  order: z
    .object({
      executor: z.string(),
      direction: z.enum(['contain', 'restore']),
      dry_run: z.string(),
      idempotent: z.boolean(),
      can_probe: z.boolean(),
    })
    .optional(),
  message: z.string(),
  /** Absent: nothing is stored of the identity. */
  blast_radius: BlastRadius.optional(),
});
export type ContainmentPreview = z.infer<typeof ContainmentPreview>;

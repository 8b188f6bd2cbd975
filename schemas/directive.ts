import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { VERDICTS } from './verdict.ts';

/**
 * What people told detection: a directive stands in the events topic, in every partition that it concerns, and counts
 * from its own offset on. Nothing of it is ever changed: a later record ends it.
 */
const name = () => z.string().min(1).max(LIMITS.name_chars_max);
const reason = z
  .string()
  .min(1)
  .max(LIMITS.comment_chars_max)
  .refine((text) => text.trim() !== '', 'says why, in words');
export const DirectiveReason = reason;

/** What an alert or finding can be told apart by. All that is named must fit. */
export const FindingMatch = z
  .strictObject({
    detector: name().optional(),
    pattern: name().optional(),
    subject: z.strictObject({ kind: name(), value: z.string().min(1).max(LIMITS.resource_id_chars_max) }).optional(),
  })
  .refine(
    ({ detector, pattern, subject }) => (detector ?? pattern ?? subject) !== undefined,
    'names a detector, a pattern or a subject',
  );
export type FindingMatch = z.infer<typeof FindingMatch>;

/** Whom and what a directive is about; without identity and group, everybody of its tenant. */
export const DirectiveScope = z
  .strictObject({
    identity: z.string().min(1).max(LIMITS.id_chars_max).optional(),
    /** As events declare it, or `kind:agent` and the like for those that declare none. */
    peer_group: name().optional(),
    /** Findings that fit any of these; absent: all. */
    matches: z.array(FindingMatch).min(1).max(LIMITS.directive_matches_max).optional(),
  })
  .refine(
    ({ identity, peer_group }) => identity === undefined || peer_group === undefined,
    'names an identity or a peer group, not both',
  );
export type DirectiveScope = z.infer<typeof DirectiveScope>;

/** What a new version changed: `data` is which stores and how much, `access` where from, when and with what. */
export const TOUCHES = ['model', 'prompt', 'tools', 'data', 'access'] as const;
export const Touch = z.enum(TOUCHES);
export type Touch = z.infer<typeof Touch>;

export const Budget = z.number().min(LIMITS.budget_min).max(LIMITS.budget_max);
export const OffsetBits = z.number().min(-LIMITS.offset_bits_max).max(LIMITS.offset_bits_max);
export const ChangeSessions = z.int().min(1).max(LIMITS.change_sessions_max);

export const DirectiveEffect = z.discriminatedUnion('kind', [
  /** Findings in scope open and join no alert. They are stored, counted as muted, and shown. */
  z.strictObject({ kind: z.literal('suppress') }),
  /** Findings in scope open an alert whatever the budget says, and one for each session that shows them. */
  z.strictObject({ kind: z.literal('watch') }),
  /** Another alert budget, in alerts per 1,000 identity-days. */
  z.strictObject({ kind: z.literal('budget'), alerts_per_1000_identity_days: Budget }),
  /** Bits added to what a detector says, where it says anything. */
  z.strictObject({ kind: z.literal('detector_offset'), detector: name(), offset_bits: OffsetBits }),
  /** What the detector says counts for nothing. */
  z.strictObject({ kind: z.literal('detector_mute'), detector: name() }),
  /** A new version is expected: what it touches is learned anew and opens no alert until it is learned. */
  z.strictObject({
    kind: z.literal('change'),
    touches: z.array(Touch).min(1).max(TOUCHES.length),
    /** Only events of this version are meant. */
    version: z.string().min(1).max(LIMITS.id_chars_max).optional(),
    /** Learned sessions after which the new version is known. */
    sessions: ChangeSessions,
  }),
]);
export type DirectiveEffect = z.infer<typeof DirectiveEffect>;

export const DirectiveUid = z.string().regex(/^[0-9a-f]{32}$/);

const scoped = { scope: DirectiveScope, effect: DirectiveEffect } as const;

/** What it is about and does is strict: a reader that left out what it does not know would make it wider than was meant. */
export const Directive = z.object({
  uid: DirectiveUid,
  tenant: z.string().min(1).max(LIMITS.id_chars_max),
  ...scoped,
  author: z.string().min(1),
  reason,
  /** Epoch milliseconds. */
  time: z.int(),
  /** On the log's clock, epoch milliseconds; absent: until it is ended. */
  expires: z.int().optional(),
  /** The judgement that it comes from. */
  cause: z.strictObject({ alert_uid: z.string(), verdict: z.enum(VERDICTS) }).optional(),
});
export type Directive = z.infer<typeof Directive>;

/** What somebody asks for: how long is counted from the decision, or said as a time. */
export const DirectiveDraft = z.strictObject({
  tenant: Directive.shape.tenant,
  ...scoped,
  reason,
  expires: z.int().optional(),
  for_ms: z.int().min(1).optional(),
});
export type DirectiveDraft = z.infer<typeof DirectiveDraft>;

/** A step in the life of a directive, as the partitions read it. */
export const DirectiveChange = z.discriminatedUnion('op', [
  z.object({ op: z.literal('set'), directive: Directive }),
  z.object({
    op: z.literal('end'),
    directive: DirectiveUid,
    author: z.string(),
    reason,
    time: z.int(),
  }),
]);
export type DirectiveChange = z.infer<typeof DirectiveChange>;

/** A directive in force in a partition: what changes what is computed, and nothing else. */
export const DirectiveEntry = z.object({
  uid: DirectiveUid,
  tenant: z.string(),
  ...scoped,
  expires: z.int().optional(),
  /** Its record carried the clock of a recording, so its expiry is judged by that one. */
  recorded: z.boolean(),
});
export type DirectiveEntry = z.infer<typeof DirectiveEntry>;

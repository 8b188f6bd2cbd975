import { z } from 'zod';
import { ContainmentId, TermsDigest } from './containment.ts';
import { DirectiveDraft, DirectiveReason, DirectiveScope, DirectiveUid } from './directive.ts';
import { EffectReport } from './effect.ts';
import { Gap, GapReason, GapResume } from './gap.ts';
import { LIMITS } from './limits.ts';
import { CredentialId, KeyHash, KeyId, PrincipalRef, Role } from './principal.ts';
import { Subscription, SubscriptionStatus } from './subscription.ts';
import { VERDICTS, VerdictScope } from './verdict.ts';

/**
 * What people and API processes ask for, in `agent.commands`. The responder decides and writes the outcome to the
 * control log. The name of a command is its idempotency: the same id is decided once.
 */
const shared = {
  id: z
    .string()
    .min(8)
    .max(LIMITS.id_chars_max)
    .regex(/^[A-Za-z0-9._:-]+$/),
  /** Set by whoever authenticated the request, never taken from the request itself. */
  by: PrincipalRef,
  credential: CredentialId.optional(),
  /** When it was asked, epoch milliseconds. For the record only: decisions use the responder's clock. */
  time: z.int(),
} as const;

const comment = z.string().max(LIMITS.comment_chars_max).optional();
const newKey = z.object({ id: KeyId, hash: KeyHash, roles: z.array(Role).min(1), expires: z.int().optional() });

const vote = { containment: ContainmentId, digest: TermsDigest, comment } as const;

export const Command = z.discriminatedUnion('type', [
  z.object({ ...shared, type: z.literal('approve'), ...vote }),
  z.object({ ...shared, type: z.literal('deny'), ...vote }),
  z.object({ ...shared, type: z.literal('cancel'), containment: ContainmentId }),
  z.object({
    ...shared,
    type: z.literal('verdict'),
    alert_uid: z.string().min(1).max(LIMITS.id_chars_max),
    tenant: z.string().min(1).max(LIMITS.id_chars_max),
    identity: z.string().min(1).max(LIMITS.id_chars_max),
    verdict: z.enum(VERDICTS),
    comment,
    scope: VerdictScope.optional(),
    /** What the alert is about, as whoever asks has read it: needed for every scope but `alert`. */
    about: z
      .object({ peer_group: DirectiveScope.shape.peer_group.unwrap(), matches: DirectiveScope.shape.matches.unwrap() })
      .optional(),
    /** How long what it leaves behind counts. */
    for_ms: z.int().min(1).optional(),
  }),
  z.object({
    ...shared,
    type: z.literal('verdict_undo'),
    alert_uid: z.string().min(1).max(LIMITS.id_chars_max),
    reason: DirectiveReason,
  }),
  z.object({ ...shared, type: z.literal('directive_set'), directive: DirectiveDraft }),
  z.object({ ...shared, type: z.literal('directive_end'), directive: DirectiveUid, reason: DirectiveReason }),
  z.object({
    ...shared,
    type: z.literal('user_add'),
    principal: PrincipalRef.extend({ human: z.boolean() }),
    roles: z.array(Role).min(1),
    key: newKey,
  }),
  z.object({ ...shared, type: z.literal('user_remove'), principal: PrincipalRef }),
  z.object({ ...shared, type: z.literal('key_create'), principal: PrincipalRef, key: newKey }),
  z.object({ ...shared, type: z.literal('key_revoke'), key: KeyId }),
  z.object({ ...shared, type: z.literal('subscription_set'), subscription: Subscription }),
  z.object({ ...shared, type: z.literal('subscription_remove'), subscription: z.string() }),
  z.object({
    ...shared,
    type: z.literal('subscription_status'),
    subscription: z.string(),
    status: SubscriptionStatus,
  }),
  /** Ends the pauses of a webhook, wherever its lanes run. */
  z.object({ ...shared, type: z.literal('subscription_retry'), subscription: Subscription.shape.id }),
  /** Only a process of ours reports and closes gaps, and only a person decides one. */
  z.object({ ...shared, type: z.literal('report_gap'), gap: Gap }),
  z.object({ ...shared, type: z.literal('decide_gap'), gap: Gap.shape.id, resume: GapResume, reason: GapReason }),
  z.object({ ...shared, type: z.literal('effect_report'), report: EffectReport }),
  z.object({ ...shared, type: z.literal('close_gap'), gap: Gap.shape.id, resumed_at: z.int().min(0) }),
]);
export type Command = z.infer<typeof Command>;

/**
 * Stable codes of refused commands. Each has a line in docs/containment.md, and a test compares the two.
 * Every repeat and every command that comes too early or too late has an answer of its own, and none does harm.
 */
export const REFUSALS = [
  'unknown_containment',
  'already_proposed',
  'already_approved',
  'already_approved_by_you',
  'already_denied',
  'already_cancelled',
  'already_dispatching',
  'already_succeeded',
  'already_failed',
  'outcome_unknown',
  'expired',
  'not_approved',
  'not_dispatching',
  'nothing_due',
  'digest_mismatch',
  'requester_cannot_approve',
  'requester_cannot_deny',
  'not_human',
  'role_missing',
  'quorum_lost',
  'deadline_passed',
  'principal_unknown',
  'credential_refused',
  'command_id_reused',
  'verdict_identity_mismatch',
  'verdict_scope_unclear',
  'nothing_to_undo',
  'directive_unknown',
  'directive_ended',
  'directive_too_wide',
  'directive_too_long',
  'directive_too_large',
  'principal_exists',
  'key_exists',
  'key_unknown',
  'already_revoked',
  'role_not_held',
  'approver_must_be_human',
  'last_admin',
  'subscription_unknown',
  'unknown_gap',
  'gap_already_open',
  'gap_already_decided',
  'gap_already_closed',
  'effect_not_watched',
  'effect_reported',
  'too_many',
] as const;
export const Refusal = z.enum(REFUSALS);
export type Refusal = z.infer<typeof Refusal>;

/** What became of a command, as the control log holds it. */
export const Outcome = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('done'),
    /** The containment, principal, key, subscription or gap that the command was about, and its state afterwards. */
    subject: z.string(),
    state: z.string().optional(),
  }),
  z.object({ kind: z.literal('refused'), code: Refusal, message: z.string() }),
]);
export type Outcome = z.infer<typeof Outcome>;

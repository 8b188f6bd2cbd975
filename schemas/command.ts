import { z } from 'zod';
import { Recommendation } from './alert.ts';
import { ContainmentId, ContainmentTerms, TermsDigest } from './containment.ts';
import { DirectiveDraft, DirectiveReason, DirectiveScope, DirectiveUid } from './directive.ts';
import { EffectReport } from './effect.ts';
import { Gap, GapReason, GapResume } from './gap.ts';
import { LIMITS } from './limits.ts';
import { PolicyDocument } from './policy.ts';
import { CredentialId, KeyHash, KeyId, KeyTenants, PrincipalRef, Role, SessionId } from './principal.ts';
import { PasswordVerifier, Session, SignedIn, SignInLink, SignInRefusal, StepUp } from './session.ts';
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
const newKey = z.object({
  id: KeyId,
  hash: KeyHash,
  roles: z.array(Role).min(1),
  expires: z.int().optional(),
  tenants: KeyTenants.optional(),
});

const vote = { containment: ContainmentId, digest: TermsDigest, comment } as const;

/** A reason that somebody is asked for. */
const why = z.string().trim().min(1).max(LIMITS.comment_chars_max);
const action = Recommendation.shape.action;
const target = z.string().min(1).max(LIMITS.resource_id_chars_max);
const parameters = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.string().max(LIMITS.text_chars_max))
  .refine((given) => Object.keys(given).length <= LIMITS.parameters_max, `at most ${LIMITS.parameters_max}`);
const breakGlass = z.object({ why }).optional();

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
    /** A machine has a key; a person may have a key, a one-time link, or both. */
    key: newKey.optional(),
    link: SignInLink.optional(),
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
  z.object({
    ...shared,
    type: z.literal('containment_request'),
    alert_uid: z.string().min(1).max(LIMITS.id_chars_max),
    tenant: z.string().min(1).max(LIMITS.id_chars_max),
    identity: z.string().min(1).max(LIMITS.id_chars_max),
    action,
    target,
    parameters,
    why,
    break_glass: breakGlass,
    /** The alert as whoever asks has read it: what the approvers will be shown, frozen. */
    snapshot: ContainmentTerms.pick({ identity: true, alert: true }),
  }),
  z.object({
    ...shared,
    type: z.literal('containment_amend'),
    containment: ContainmentId,
    /** Of the terms that are changed. */
    digest: TermsDigest,
    action: action.optional(),
    target: target.optional(),
    parameters: parameters.optional(),
    why,
  }),
  z.object({
    ...shared,
    type: z.literal('containment_rollback'),
    containment: ContainmentId,
    why,
    break_glass: breakGlass,
  }),
  z.object({
    ...shared,
    type: z.literal('containment_resolve'),
    containment: ContainmentId,
    took_effect: z.boolean(),
    comment: why,
  }),
  z.object({ ...shared, type: z.literal('policy_set'), policy: PolicyDocument, reason: why }),
  /** Asked by the process that has verified who it is: at a provider, with a password, or by a link, which is spent. */
  z.object({
    ...shared,
    type: z.literal('session_start'),
    session: Session,
    /** What the provider said of the person: these become, or stay, the principal. */
    signed_in: SignedIn.optional(),
    link: SessionId.optional(),
    /** The password that whoever opened the link chose. */
    password: PasswordVerifier.optional(),
  }),
  z.object({ ...shared, type: z.literal('session_end'), session: SessionId }),
  /** All of one person, in every process. */
  z.object({ ...shared, type: z.literal('sessions_end'), principal: PrincipalRef }),
  /** Only a process of ours, which has seen the proof, says that somebody has authenticated freshly. */
  z.object({ ...shared, type: z.literal('step_up'), step_up: StepUp }),
  z.object({ ...shared, type: z.literal('link_create'), link: SignInLink }),
  z.object({ ...shared, type: z.literal('password_set'), principal: PrincipalRef, verifier: PasswordVerifier }),
  /** A new key in the place of another, which goes on for so long. */
  z.object({
    ...shared,
    type: z.literal('key_rotate'),
    key: KeyId,
    replacement: z.object({ id: KeyId, hash: KeyHash, expires: z.int().optional() }),
    overlap_ms: z.int().min(0).max(LIMITS.key_overlap_ms_max),
  }),
  z.object({ ...shared, type: z.literal('roles_set'), principal: PrincipalRef, roles: z.array(Role).min(1) }),
  z.object({
    ...shared,
    type: z.literal('sign_in_refused'),
    reason: SignInRefusal,
    /** Whom it was about, where that is somebody we know; never what was typed. */
    principal: PrincipalRef.optional(),
    address: z.string().max(LIMITS.id_chars_max).optional(),
    /** Further ones of the minute before that have no record of their own. */
    more: z.int().min(0),
  }),
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
  'fresh_authentication_needed',
  'excluded_by_policy',
  'policy_editor_excluded',
  'made_by_participant',
  'contained_cannot_decide',
  'break_glass_needed',
  'target_refused',
  'snapshot_mismatch',
  'nothing_changed',
  'not_amendable',
  'nothing_to_roll_back',
  'cannot_be_restored',
  'not_resolvable',
  'already_resolved',
  'policy_version_used',
  'session_exists',
  'session_unknown',
  'session_too_long',
  'link_refused',
  'not_local',
  'sign_in_mismatch',
  'step_up_untimely',
  'tenant_out_of_scope',
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

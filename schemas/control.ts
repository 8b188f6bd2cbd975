import { z } from 'zod';
import { AuditKey, ChainLink, CompactJws, ConfigurationDigest } from './audit.ts';
import { Outcome } from './command.ts';
import { Containment, ContainmentState } from './containment.ts';
import { Directive, DirectiveReason } from './directive.ts';
import { Gap, GapReason, GapResume } from './gap.ts';
import { PolicyDocument } from './policy.ts';
import { ApiKey, KeyId, Principal, PrincipalRef, Role, SessionId } from './principal.ts';
import { PasswordVerifier, Session, SessionEnd, SignedIn, SignInLink, SignInRefusal, StepUp } from './session.ts';
import { Subscription, SubscriptionStatus } from './subscription.ts';
import { Verdict } from './verdict.ts';

/**
 * The control log `agent.control`: everything that must be agreed on, in one order, written by one fenced writer
 * (design, section 8). Every record is an audit entry as well: who, when, and what in one sentence that names ids only,
 * never text of an agent.
 */
const audit = {
  v: z.literal(1),
  who: PrincipalRef,
  /** Epoch milliseconds, clock of the writer. */
  when: z.int(),
  what: z.string(),
  /** The command that asked for it. */
  command: z.string().optional(),
  /** Its place in the hash chain, given by the writer; absent in records of before there was one. */
  chain: ChainLink.optional(),
} as const;

export const ControlRecord = z.discriminatedUnion('kind', [
  z.object({
    ...audit,
    kind: z.literal('responder_fence'),
    epoch: z.int().min(1),
    instance: z.string(),
    /** Name of its executor; absent: it can execute nothing, and approved containments will expire. */
    executor: z.string().optional(),
    /** Names of all its executors, in the order in which they are asked; `executor` is of before there were several. */
    executors: z.array(z.string()).optional(),
  }),
  z.object({
    ...audit,
    kind: z.literal('containment_changed'),
    from: ContainmentState.optional(),
    containment: Containment,
  }),
  z.object({ ...audit, kind: z.literal('principal_created'), principal: Principal, roles: z.array(Role).min(1) }),
  z.object({ ...audit, kind: z.literal('principal_revoked'), principal: PrincipalRef }),
  z.object({ ...audit, kind: z.literal('key_created'), key: ApiKey }),
  z.object({ ...audit, kind: z.literal('key_revoked'), key: KeyId }),
  z.object({ ...audit, kind: z.literal('stepped_up'), step_up: StepUp }),
  z.object({ ...audit, kind: z.literal('subscription_set'), subscription: Subscription }),
  z.object({ ...audit, kind: z.literal('subscription_removed'), subscription: z.string() }),
  z.object({
    ...audit,
    kind: z.literal('subscription_status'),
    subscription: z.string(),
    status: SubscriptionStatus,
  }),
  z.object({ ...audit, kind: z.literal('subscription_retried'), subscription: z.string() }),
  z.object({ ...audit, kind: z.literal('verdict_given'), verdict: Verdict }),
  /** The last judgement of the alert that was not withdrawn yet. */
  z.object({ ...audit, kind: z.literal('verdict_undone'), alert_uid: z.string(), reason: DirectiveReason }),
  z.object({ ...audit, kind: z.literal('directive_set'), directive: Directive }),
  z.object({ ...audit, kind: z.literal('directive_ended'), directive: Directive.shape.uid, reason: DirectiveReason }),
  z.object({ ...audit, kind: z.literal('gap_opened'), gap: Gap }),
  /** `who` has decided it. */
  z.object({ ...audit, kind: z.literal('gap_decided'), gap: Gap.shape.id, resume: GapResume, reason: GapReason }),
  z.object({ ...audit, kind: z.literal('gap_closed'), gap: Gap.shape.id, resumed_at: z.int().min(0) }),
  z.object({
    ...audit,
    kind: z.literal('policy_set'),
    policy: PolicyDocument,
    /** SHA-256 over RFC 8785 canonical JSON of `policy`, hex. */
    digest: z.string(),
    reason: z.string(),
  }),
  z.object({
    ...audit,
    kind: z.literal('command_outcome'),
    command: z.string(),
    /** SHA-256 over what was asked, so that another command under the same id is recognised. */
    command_digest: z.string(),
    outcome: Outcome,
  }),
  z.object({ ...audit, kind: z.literal('session_started'), session: Session, signed_in: SignedIn.optional() }),
  z.object({ ...audit, kind: z.literal('session_ended'), session: SessionId, how: SessionEnd }),
  /** Takes the place of an earlier link of the same person. */
  z.object({ ...audit, kind: z.literal('link_created'), link: SignInLink }),
  z.object({ ...audit, kind: z.literal('link_spent'), link: SessionId }),
  z.object({ ...audit, kind: z.literal('password_set'), principal: PrincipalRef, verifier: PasswordVerifier }),
  /** The old key expires then; the new one has a record of its own. */
  z.object({ ...audit, kind: z.literal('key_rotated'), key: KeyId, replaced_by: KeyId, expires: z.int() }),
  z.object({ ...audit, kind: z.literal('roles_set'), principal: PrincipalRef, roles: z.array(Role).min(1) }),
  z.object({
    ...audit,
    kind: z.literal('sign_in_refused'),
    reason: SignInRefusal,
    principal: PrincipalRef.optional(),
    address: z.string().optional(),
    more: z.int().min(0),
  }),
  /** The key that checkpoints are signed with from here on, vouched for by the one before it where that was at hand. */
  z.object({ ...audit, kind: z.literal('audit_key_set'), key: AuditKey, endorsement: CompactJws.optional() }),
  /** Follows at once on record `n`, which it is about. */
  z.object({ ...audit, kind: z.literal('checkpoint_signed'), n: z.int().min(1), checkpoint: CompactJws }),
  z.object({
    ...audit,
    kind: z.literal('configuration_changed'),
    configuration: ConfigurationDigest,
    /** Names of the fields that differ from the record before this one; all of them in the first. */
    changed: z.array(z.string()),
  }),
]);
export type ControlRecord = z.infer<typeof ControlRecord>;

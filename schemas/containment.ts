import { z } from 'zod';
import { Recommendation, Severity } from './alert.ts';
import { ContainmentId, TermsDigest } from './digests.ts';
import { Effect } from './effect.ts';
import { AlertIdentity, EvidenceRef } from './finding.ts';
import { LIMITS } from './limits.ts';
import { CredentialId, Principal, PrincipalRef, Role } from './principal.ts';

/** Lifecycle of a containment (design, section 8). */
export const CONTAINMENT_STATES = [
  'pending',
  'approved',
  'denied',
  'expired',
  'cancelled',
  'dispatching',
  'succeeded',
  'failed',
  'unknown',
] as const;
export const ContainmentState = z.enum(CONTAINMENT_STATES);
export type ContainmentState = z.infer<typeof ContainmentState>;

/** States in which something can still happen. All others are terminal. */
export const OPEN_STATES = ['pending', 'approved', 'dispatching'] as const satisfies readonly ContainmentState[];

export { ContainmentId, TermsDigest };

/**
 * Whose idea a containment was. `recommended`: of detection, by itself. `requested`: a person asked for it or changed what was
 * proposed. `rollback`: a person asks to take back what another containment did.
 */
export const ContainmentOrigin = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('recommended') }),
  z.object({ kind: z.literal('requested'), why: z.string().max(LIMITS.comment_chars_max) }),
  z.object({ kind: z.literal('rollback'), of: ContainmentId, why: z.string().max(LIMITS.comment_chars_max) }),
]);
export type ContainmentOrigin = z.infer<typeof ContainmentOrigin>;

/** So many of the approvals must come from holders of this role. */
export const RoleQuota = z.object({ role: Role, approvals: z.int().min(1).max(LIMITS.approvals_max) });
export type RoleQuota = z.infer<typeof RoleQuota>;

/** Exactly what an approver saw. Its RFC 8785 canonical JSON is hashed, and every vote carries the hash. */
export const ContainmentTerms = z.object({
  tenant: z.string(),
  identity: AlertIdentity,
  recommendation: Recommendation,
  alert: z.object({
    uid: z.string(),
    revision: z.int(),
    severity: Severity,
    title: z.string(),
    summary: z.string(),
    evidence: z.array(EvidenceRef),
  }),
  policy: z.object({
    version: z.string(),
    approvals: z.int().min(1),
    roles: z.array(Role).min(1),
    quotas: z.array(RoleQuota).optional(),
    /** Names of the rules that asked for it. */
    rules: z.array(z.string()).optional(),
    /** Besides one of `roles`, an approver holds one of each of these. */
    further_roles: z.array(z.array(Role).min(1)).optional(),
    /** Whose approval does not count. */
    exclude: z.array(PrincipalRef).optional(),
    /** Nobody can approve it unless it breaks the glass. */
    break_glass_only: z.boolean().optional(),
  }),
  /** Absent in terms of before there were others: a recommendation of detection. */
  origin: ContainmentOrigin.optional(),
  /** Name of the executor that would carry it out; absent: none can, and it will expire. */
  executor: z.string().optional(),
  /** An emergency, in words: raises the record, never lowers the quorum. */
  break_glass: z.object({ why: z.string().max(LIMITS.comment_chars_max) }).optional(),
});
export type ContainmentTerms = z.infer<typeof ContainmentTerms>;

export const Vote = z.object({
  by: Principal,
  /** Key with which the vote was given: a key that is revoked later takes its vote with it. */
  credential: CredentialId.optional(),
  /** The fresh authentication that it rests on. */
  fresh: z.object({ method: z.enum(['oidc', 'password']), authenticated: z.int() }).optional(),
  decision: z.enum(['approve', 'deny']),
  digest: TermsDigest,
  comment: z.string().max(LIMITS.comment_chars_max).optional(),
  time: z.int(),
});
export type Vote = z.infer<typeof Vote>;

/** Why a containment was cancelled: by a person, by the judgement of its alert, or because approvals no longer hold. */
const CANCEL_REASONS = [
  'withdrawn',
  'alert_false_positive',
  'alert_expected_change',
  'quorum_lost',
  /** A later proposal of the same alert took its place. */
  'superseded',
] as const;
export const CancelReason = z.enum(CANCEL_REASONS);
export type CancelReason = z.infer<typeof CancelReason>;

const Execution = z.object({
  executor: z.string(),
  /** The same in every attempt: a receiver that remembers it acts at most once. */
  idempotency_key: z.string(),
  /** When `dispatching` was written; part of what is sent, so that every attempt sends the same bytes. */
  started: z.int(),
  attempts: z.int().min(1),
  /** Nothing is sent from here on. Epoch milliseconds. */
  deadline: z.int(),
  /** What the executor answered last, bounded. */
  detail: z.string().max(LIMITS.executor_detail_chars_max).optional(),
  finished: z.int().optional(),
});

export const Containment = z.object({
  /** Hash of alert uid, action and target: one story yields one proposal of a kind. */
  id: ContainmentId,
  state: ContainmentState,
  terms: ContainmentTerms,
  /** SHA-256 over RFC 8785 canonical JSON of `terms`, hex. */
  digest: TermsDigest,
  requested_by: Principal,
  created: z.int(),
  /** Silence denies: from here on a pending proposal is expired. */
  approval_expires: z.int(),
  /** Set with approval: from here on an approved containment is expired, not executed. */
  execution_expires: z.int().optional(),
  votes: z.array(Vote),
  /** Votes on terms that were changed since: they count for nothing and stay on record. */
  voided_votes: z.array(Vote).optional(),
  cancellation: z.object({ by: Principal, reason: CancelReason }).optional(),
  execution: Execution.optional(),
  effect: Effect.optional(),
  /** What a person who looked at the target found, where the outcome or the effect was not clear. */
  resolution: z.object({ by: Principal, took_effect: z.boolean(), comment: z.string(), time: z.int() }).optional(),
  updated: z.int(),
});
export type Containment = z.infer<typeof Containment>;

import { z } from 'zod';
import { Recommendation, Severity } from './alert.ts';
import { AlertIdentity, EvidenceRef } from './finding.ts';
import { LIMITS } from './limits.ts';
import { KeyId, Principal, Role } from './principal.ts';

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

export const ContainmentId = z.string().regex(/^[0-9a-f]{32}$/);
export const TermsDigest = z.string().regex(/^[0-9a-f]{64}$/);

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
  policy: z.object({ version: z.string(), approvals: z.int().min(1), roles: z.array(Role).min(1) }),
});
export type ContainmentTerms = z.infer<typeof ContainmentTerms>;

export const Vote = z.object({
  by: Principal,
  /** Key with which the vote was given: a key that is revoked later takes its vote with it. */
  credential: KeyId.optional(),
  decision: z.enum(['approve', 'deny']),
  digest: TermsDigest,
  comment: z.string().max(LIMITS.comment_chars_max).optional(),
  time: z.int(),
});
export type Vote = z.infer<typeof Vote>;

/** Why a containment was cancelled: by a person, by the judgement of its alert, or because approvals no longer hold. */
const CANCEL_REASONS = ['withdrawn', 'alert_false_positive', 'alert_expected_change', 'quorum_lost'] as const;
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
  cancellation: z.object({ by: Principal, reason: CancelReason }).optional(),
  execution: Execution.optional(),
  updated: z.int(),
});
export type Containment = z.infer<typeof Containment>;

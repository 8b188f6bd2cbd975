import { z } from 'zod';
import { Recommendation, Severity } from './alert.ts';
import { AlertIdentity, EvidenceRef } from './finding.ts';

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

/** A principal: who issued it and who it is. Approvers are distinct by both. */
export const Principal = z.object({ issuer: z.string().min(1), subject: z.string().min(1), human: z.boolean() });
export type Principal = z.infer<typeof Principal>;

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
  policy: z.object({ version: z.string(), approvals: z.int().min(1), roles: z.array(z.string()).min(1) }),
});
export type ContainmentTerms = z.infer<typeof ContainmentTerms>;

export const Vote = z.object({
  by: Principal,
  decision: z.enum(['approve', 'deny']),
  digest: z.string(),
  comment: z.string().max(1024).optional(),
  time: z.int(),
});
export type Vote = z.infer<typeof Vote>;

export const Containment = z.object({
  /** Hash of alert uid, action and target: one story yields one proposal of a kind. */
  id: z.string(),
  state: ContainmentState,
  terms: ContainmentTerms,
  /** SHA-256 over RFC 8785 canonical JSON of `terms`, hex. */
  digest: z.string(),
  requested_by: Principal,
  created: z.int(),
  /** Silence denies: after it a pending proposal is expired. */
  approval_expires: z.int(),
  /** Set with approval: after it an approved containment is expired, not executed. */
  execution_expires: z.int().optional(),
  votes: z.array(Vote),
  execution: z
    .object({
      executor: z.string(),
      idempotency_key: z.string(),
      attempts: z.int(),
      deadline: z.int(),
      /** What the executor answered, bounded. */
      detail: z.string().optional(),
      finished: z.int().optional(),
    })
    .optional(),
  updated: z.int(),
});
export type Containment = z.infer<typeof Containment>;

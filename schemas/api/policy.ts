import { z } from 'zod';
import { ContainmentAction } from '../alert.ts';
import { ContainmentId, ContainmentState, RoleQuota } from '../containment.ts';
import { LIMITS } from '../limits.ts';
import { PolicyDocument } from '../policy.ts';
import { PrincipalRef, Role } from '../principal.ts';

/** What has to be fulfilled before a containment may run. */
export const DemandsView = z.object({
  approvals: z.int(),
  /** An approver holds one role of each. */
  roles: z.array(z.array(Role)),
  quotas: z.array(RoleQuota),
  exclude: z.array(PrincipalRef),
  break_glass_only: z.boolean(),
});

const PolicyVersion = z.object({
  version: z.string(),
  digest: z.string(),
  by: PrincipalRef,
  /** Epoch milliseconds. */
  when: z.int(),
  reason: z.string(),
});

export const PolicyAnswer = z.object({
  /** Absent: none was set, and only the configuration counts. */
  policy: PolicyVersion.extend({ document: PolicyDocument }).optional(),
  /** What the configuration asks for; no policy asks for less. */
  floor: z.object({
    version: z.string(),
    approvals: z.int(),
    roles: z.array(Role),
    approval_expiry_ms: z.int(),
    execution_expiry_ms: z.int(),
  }),
  /** The last versions, newest first. */
  versions: z.array(PolicyVersion),
  /** Who edited it and does not count as an approver until a time, epoch milliseconds. */
  editors: z.array(z.object({ principal: PrincipalRef, until: z.int() })),
});
export type PolicyAnswer = z.infer<typeof PolicyAnswer>;

export const PolicyBody = z.strictObject({
  policy: PolicyDocument,
  reason: z.string().trim().min(1).max(LIMITS.comment_chars_max),
});

export const PolicyDryRunBody = z.strictObject({ policy: PolicyDocument });

/** What a policy would have meant for one past containment. */
const PolicyDryRunItem = z.object({
  containment: ContainmentId,
  state: ContainmentState,
  created: z.int(),
  tenant: z.string(),
  identity: z.string(),
  action: ContainmentAction,
  /** What it had to fulfil, and what it would have had to, with the rules that ask for it. */
  before: DemandsView,
  after: DemandsView.extend({ rules: z.array(z.string()) }),
  change: z.enum(['same', 'stricter', 'weaker', 'different']),
  /**
   * `still_approved`, `no_longer_approved`: it was approved. `not_approved`: it was not. `cannot_tell`: it was, by votes that
   * cannot be counted any more.
   */
  outcome: z.enum(['still_approved', 'no_longer_approved', 'not_approved', 'cannot_tell']),
  /** Whose approvals would have counted. */
  counted: z.array(PrincipalRef),
});

export const PolicyDryRunAnswer = z.object({
  version: z.string(),
  /** What is odd about the policy, in words. */
  warnings: z.array(z.string()),
  summary: z.object({
    containments: z.int(),
    same: z.int(),
    stricter: z.int(),
    weaker: z.int(),
    different: z.int(),
    still_approved: z.int(),
    no_longer_approved: z.int(),
    cannot_tell: z.int(),
  }),
  /** Newest first; those that would differ before those that would not, at most 500. */
  items: z.array(PolicyDryRunItem),
});
export type PolicyDryRunAnswer = z.infer<typeof PolicyDryRunAnswer>;

import type { Containment, Vote } from '../../schemas/containment.ts';
import { type PrincipalRef, principalKey, type Role, samePrincipal } from '../../schemas/principal.ts';
import { APPROVALS_MIN, type ContainmentPolicy } from './policy.ts';
import { termsDigest } from './terms.ts';

/** What a principal is at the moment of asking: roles change, keys are revoked. */
export type Standing = { readonly human: boolean; readonly roles: readonly Role[] };
export type StandingOf = (by: PrincipalRef, credential: string | undefined) => Standing;

/** The stricter of what the approvers saw and what holds now, and never less than one human. */
export function approvalsNeeded(containment: Containment, policy: ContainmentPolicy): number {
  return Math.max(APPROVALS_MIN, containment.terms.policy.approvals, policy.approvals);
}

/** True when one of these roles may vote, by the policy that the approvers saw and by the one that holds now. */
export function mayVote(containment: Containment, policy: ContainmentPolicy, roles: readonly Role[]): boolean {
  return (
    roles.some((role) => containment.terms.policy.roles.includes(role)) &&
    roles.some((role) => policy.roles.includes(role))
  );
}

/**
 * Approvals that count now: by distinct humans, none of them the requester, who still hold the role by a key that was
 * not revoked, given in time on exactly these terms. The digest is computed anew, not taken from the record.
 */
export function validApprovals(containment: Containment, policy: ContainmentPolicy, standingOf: StandingOf): number {
  const digest = termsDigest(containment.terms);
  if (digest !== containment.digest) return 0;
  const counts = (vote: Vote): boolean => {
    const standing = standingOf(vote.by, vote.credential);
    return (
      vote.decision === 'approve' &&
      vote.digest === digest &&
      vote.time < containment.approval_expires &&
      standing.human &&
      mayVote(containment, policy, standing.roles) &&
      !samePrincipal(vote.by, containment.requested_by)
    );
  };
  return new Set(containment.votes.filter(counts).map((vote) => principalKey(vote.by))).size;
}

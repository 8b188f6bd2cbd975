import type { Containment, Vote } from '../../schemas/containment.ts';
import { type PrincipalRef, SYSTEM, samePrincipal } from '../../schemas/principal.ts';
import {
  changed,
  type Decision,
  type MachineCommand,
  type MachineContext,
  notPending,
  type Refused,
  refused,
} from './decision.ts';
import { freshnessOf } from './freshness.ts';
import { exclusionOf, intersect, isContained, mayVote, tallyOf } from './quorum.ts';
import { type Requirements, requirementsNow } from './requirements.ts';

type Voting = Extract<MachineCommand, { type: 'approve' | 'deny' }>;

export function approve(current: Containment, command: Voting, context: MachineContext): Decision {
  const requirements = requirementsNow(current, context);
  const objection =
    voteObjection(current, command, requirements, context) ??
    approvalObjection(current, command, requirements, context);
  if (objection !== undefined) return objection;
  const vote = voteOf(current, command, context);
  if ('kind' in vote) return vote;
  const next = { ...current, votes: [...current.votes, vote], updated: context.now };
  if (!tallyOf(next, context).met) return changed(next);
  return changed({ ...next, state: 'approved', execution_expires: context.now + requirements.execution_expiry_ms });
}

export function deny(current: Containment, command: Voting, context: MachineContext): Decision {
  const objection = voteObjection(current, command, requirementsNow(current, context), context);
  if (objection !== undefined) return objection;
  const vote = voteOf(current, command, context);
  if ('kind' in vote) return vote;
  return changed({ ...current, state: 'denied', votes: [...current.votes, vote], updated: context.now });
}

/** Why this vote cannot be taken, whichever it is; undefined when it can. */
function voteObjection(
  current: Containment,
  command: Voting,
  requirements: Requirements,
  context: MachineContext,
): Refused | undefined {
  const { principal } = command.by;
  const whoever = roleObjection(current, command.by, requirements, context);
  if (whoever !== undefined) return whoever;
  if (samePrincipal(principal, current.requested_by)) {
    return command.type === 'approve'
      ? refused('requester_cannot_approve', 'whoever requested it cannot approve it; ask another approver')
      : refused('requester_cannot_deny', 'whoever requested it cannot deny it; cancel it instead');
  }
  if (command.type === 'approve' && current.state !== 'pending' && approvedBy(current, principal)) {
    return refused('already_approved_by_you', `your approval is recorded; it is ${current.state}`);
  }
  if (current.state !== 'pending') return notPending(current);
  if (context.now >= current.approval_expires) return refused('expired', 'the time for approval is over');
  if (command.digest !== current.digest) {
    return refused('digest_mismatch', 'this is not what you were shown; read it again and use its digest');
  }
  return undefined;
}

/** Why an approval cannot be taken that could be a denial: nothing that stops an action asks for so much. */
function approvalObjection(
  current: Containment,
  { by: { principal } }: Voting,
  requirements: Requirements,
  context: MachineContext,
): Refused | undefined {
  if (requirements.break_glass_only && current.terms.break_glass === undefined) {
    return refused('break_glass_needed', 'the policy lets it be approved only as an emergency; request it as one');
  }
  const { requested_by } = current;
  const excluded = exclusionOf(requirements, { by: principal, time: context.now, requested_by }, context);
  if (excluded !== undefined) return refused(excluded, EXCLUDED[excluded]);
  const { counted } = tallyOf(current, context);
  if (counted.some((vote) => samePrincipal(vote.by, principal))) {
    return refused('already_approved_by_you', 'your approval is recorded; another human has to give the next one');
  }
  const own = context.handsOf(principal, context.now);
  if (counted.some((vote) => intersect(own, context.handsOf(vote.by, vote.time)))) {
    return refused('made_by_participant', EXCLUDED.made_by_participant);
  }
  return undefined;
}

const EXCLUDED = {
  excluded_by_policy: 'the policy does not count your approval; ask another approver',
  policy_editor_excluded: 'you changed the policy lately and stand back for a time; ask another approver',
  made_by_participant:
    'your account or its role was made lately by somebody who takes part, or by whoever made theirs; ask another approver',
} as const;

/** Why somebody has no say in this at all; undefined when they have. */
function roleObjection(
  { terms }: Containment,
  { principal, credential }: Voting['by'],
  requirements: Requirements,
  { standingOf }: MachineContext,
): Refused | undefined {
  const standing = standingOf(principal, credential);
  if (!standing.human) return refused('not_human', 'only a human can approve, deny or cancel it');
  if (!mayVote(requirements, standing.roles)) {
    const lists = requirements.roles.map((list) => list.join(' or '));
    return refused('role_missing', `it needs the role ${lists.join(', and ')}`);
  }
  if (isContained(terms, principal)) {
    return refused('contained_cannot_decide', 'it is about you, or about what you own; ask another approver');
  }
  return undefined;
}

function approvedBy(current: Containment, principal: PrincipalRef): boolean {
  return (
    current.state !== 'denied' &&
    current.state !== 'cancelled' &&
    current.state !== 'expired' &&
    current.votes.some((vote) => vote.decision === 'approve' && samePrincipal(vote.by, principal))
  );
}

/** The vote as it is recorded, or why it cannot be: asked last, so that nobody authenticates again in vain. */
function voteOf({ id, digest }: Containment, command: Voting, context: MachineContext): Vote | Refused {
  const fresh = freshnessOf(command.by, { containment: id, digest }, context);
  if ('kind' in fresh) return fresh;
  const { principal, credential } = command.by;
  return {
    by: { ...principal, human: context.standingOf(principal, credential).human },
    decision: command.type,
    digest,
    fresh,
    time: context.now,
    ...(credential !== undefined && { credential }),
    ...(command.comment !== undefined && { comment: command.comment }),
  };
}

export function cancel(
  current: Containment,
  { by: asker, reason }: Extract<MachineCommand, { type: 'cancel' }>,
  context: MachineContext,
): Decision {
  const { principal, credential } = asker;
  const own = samePrincipal(principal, current.requested_by) || samePrincipal(principal, SYSTEM);
  // A hijacked machine must not be able to call off what would contain it.
  const objection = own ? undefined : roleObjection(current, asker, requirementsNow(current, context), context);
  if (objection !== undefined) return objection;
  if (current.state !== 'pending' && current.state !== 'approved') return notPending(current);
  const by = { ...principal, human: context.standingOf(principal, credential).human };
  return changed({ ...current, state: 'cancelled', cancellation: { by, reason }, updated: context.now });
}

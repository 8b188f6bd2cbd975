import { strict as assert } from 'node:assert';
import type { Refusal } from '../../schemas/command.ts';
import type { CancelReason, Containment, ContainmentState, ContainmentTerms, Vote } from '../../schemas/containment.ts';
import type { EffectReport } from '../../schemas/effect.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type Principal, type PrincipalRef, SYSTEM, samePrincipal } from '../../schemas/principal.ts';
import { beginEffect, reportEffect } from './effect.ts';
import type { ExecutionResult } from './executor.ts';
import { APPROVALS_MIN, type ContainmentPolicy } from './policy.ts';
import { approvalsNeeded, mayVote, type StandingOf, validApprovals } from './quorum.ts';
import { containmentId, idempotencyKey, termsDigest } from './terms.ts';

/** Who asks, and with which key. What they are is looked up when it matters, never taken from the command. */
type Asker = { readonly principal: PrincipalRef; readonly credential: string | undefined };

export type MachineCommand =
  | { readonly type: 'propose'; readonly terms: ContainmentTerms; readonly requested_by: Principal }
  | {
      readonly type: 'approve' | 'deny';
      readonly by: Asker;
      readonly digest: string;
      readonly comment?: string | undefined;
    }
  | { readonly type: 'cancel'; readonly by: Asker; readonly reason: CancelReason }
  /** Time has passed. */
  | { readonly type: 'tick' }
  | { readonly type: 'dispatch'; readonly executor: string }
  /** The same dispatch once more, under the same idempotency key. */
  | { readonly type: 'retry' }
  | {
      readonly type: 'report';
      readonly result: ExecutionResult;
      /** True when the executor recognises a repeat: an unclear answer is then worth another attempt. */
      readonly repeatable: boolean;
    }
  /** What telemetry says of its effect. */
  | { readonly type: 'effect'; readonly report: EffectReport };

export type MachineContext = {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly policy: ContainmentPolicy;
  readonly standingOf: StandingOf;
};

/** What the shell has to do once the change is durable. */
export type Effect = { readonly kind: 'execute' } | { readonly kind: 'retry_later' };

export type Decision =
  | { readonly kind: 'changed'; readonly next: Containment; readonly effects: readonly Effect[] }
  | { readonly kind: 'refused'; readonly code: Refusal; readonly message: string };

/**
 * The containment state machine (design, section 8; promises P5 and P6), as a pure function:
 * pending -> approved | denied | expired | cancelled; approved -> dispatching | expired | cancelled;
 * dispatching -> succeeded | failed | unknown. A refusal changes nothing and says why with a code of its own.
 */
export function decide(current: Containment | undefined, command: MachineCommand, context: MachineContext): Decision {
  if (command.type === 'propose') return propose(current, command, context);
  if (current === undefined) return refused('unknown_containment', 'no containment has this id');
  switch (command.type) {
    case 'approve':
      return approve(current, command, context);
    case 'deny':
      return deny(current, command, context);
    case 'cancel':
      return cancel(current, command, context);
    case 'tick':
      return tick(current, context);
    case 'dispatch':
      return dispatch(current, command.executor, context);
    case 'retry':
      return retry(current, context);
    case 'report':
      return report(current, command, context);
    case 'effect':
      return reportEffect(current, command.report, context.now);
  }
}

type Vetted = Extract<MachineCommand, { type: 'approve' | 'deny' }>;

function propose(
  current: Containment | undefined,
  command: Extract<MachineCommand, { type: 'propose' }>,
  { now, policy }: MachineContext,
): Decision {
  if (current !== undefined) return refused('already_proposed', `it is ${current.state} already`);
  const { terms } = command;
  assert(terms.policy.approvals >= APPROVALS_MIN, 'terms ask for at least one approval');
  return changed({
    id: containmentId(terms),
    state: 'pending',
    terms,
    digest: termsDigest(terms),
    requested_by: command.requested_by,
    created: now,
    approval_expires: now + policy.approval_expiry_ms,
    votes: [],
    updated: now,
  });
}

function approve(current: Containment, command: Vetted, context: MachineContext): Decision {
  const { now, policy, standingOf } = context;
  const objection = voteObjection(current, command, context);
  if (objection !== undefined) return objection;
  if (current.votes.some((vote) => vote.decision === 'approve' && samePrincipal(vote.by, command.by.principal))) {
    return refused('already_approved_by_you', 'your approval is recorded; another human has to give the next one');
  }
  const next = { ...current, votes: [...current.votes, voteOf(command, context)], updated: now };
  if (validApprovals(next, policy, standingOf) < approvalsNeeded(next, policy)) return changed(next);
  return changed({ ...next, state: 'approved', execution_expires: now + policy.execution_expiry_ms });
}

function deny(current: Containment, command: Vetted, context: MachineContext): Decision {
  const objection = voteObjection(current, command, context);
  if (objection !== undefined) return objection;
  const votes = [...current.votes, voteOf(command, context)];
  return changed({ ...current, state: 'denied', votes, updated: context.now });
}

/** Why this vote cannot be taken; undefined when it can. */
function voteObjection(current: Containment, command: Vetted, context: MachineContext): Decision | undefined {
  const { principal, credential } = command.by;
  const standing = context.standingOf(principal, credential);
  if (!standing.human) return refused('not_human', 'only a human can approve or deny');
  if (!mayVote(current, context.policy, standing.roles)) {
    return refused('role_missing', `it needs one of the roles ${current.terms.policy.roles.join(', ')}`);
  }
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

function approvedBy(current: Containment, principal: PrincipalRef): boolean {
  return (
    current.state !== 'denied' &&
    current.state !== 'cancelled' &&
    current.state !== 'expired' &&
    current.votes.some((vote) => vote.decision === 'approve' && samePrincipal(vote.by, principal))
  );
}

function voteOf(command: Vetted, context: MachineContext): Vote {
  const { principal, credential } = command.by;
  return {
    by: { ...principal, human: context.standingOf(principal, credential).human },
    decision: command.type,
    digest: command.digest,
    time: context.now,
    ...(credential !== undefined && { credential }),
    ...(command.comment !== undefined && { comment: command.comment }),
  };
}

function cancel(
  current: Containment,
  command: Extract<MachineCommand, { type: 'cancel' }>,
  context: MachineContext,
): Decision {
  const { principal, credential } = command.by;
  const standing = context.standingOf(principal, credential);
  const own = samePrincipal(principal, current.requested_by) || samePrincipal(principal, SYSTEM);
  // A hijacked machine must not be able to call off what would contain it.
  if (!own && !standing.human) return refused('not_human', 'only its requester or a human approver can cancel it');
  if (!own && !mayVote(current, context.policy, standing.roles)) {
    return refused('role_missing', `it needs one of the roles ${current.terms.policy.roles.join(', ')}`);
  }
  if (current.state !== 'pending' && current.state !== 'approved') return notPending(current);
  const by = { ...principal, human: standing.human };
  return changed({
    ...current,
    state: 'cancelled',
    cancellation: { by, reason: command.reason },
    updated: context.now,
  });
}

/** Silence denies; what was approved is executed in time or not at all; an unanswered dispatch becomes unknown. */
function tick(current: Containment, { now, policy }: MachineContext): Decision {
  const due = dueAt(current, policy);
  if (due === undefined || now < due) return refused('nothing_due', 'nothing of it falls due now');
  if (current.state !== 'dispatching') return changed({ ...current, state: 'expired', updated: now });
  const last = executionOf(current).detail ?? 'none';
  const detail = `no clear answer before the deadline; last answer: ${last}`;
  return changed(beginEffect(ended(current, 'unknown', detail, now), now, policy));
}

/** When time alone changes this containment, epoch milliseconds; undefined when it never does. */
export function dueAt(current: Containment, policy: ContainmentPolicy): number | undefined {
  if (current.state === 'pending') return current.approval_expires;
  if (current.state === 'approved') return current.execution_expires ?? current.updated;
  if (current.state === 'dispatching') return executionOf(current).deadline + policy.executor_timeout_ms;
  return undefined;
}

/** Checks everything again, in the step that decides it: the world may have changed since the last vote. */
function dispatch(current: Containment, executor: string, { now, policy, standingOf }: MachineContext): Decision {
  if (current.state === 'pending') return refused('not_approved', 'it waits for approval');
  if (current.state !== 'approved') return notPending(current);
  const expires = current.execution_expires ?? current.updated;
  if (now >= expires) return refused('expired', 'it was approved but not executed in time');
  const digest = termsDigest(current.terms);
  if (digest !== current.digest) return refused('digest_mismatch', 'its terms are not those that were approved');
  if (validApprovals(current, policy, standingOf) < approvalsNeeded(current, policy)) {
    return refused('quorum_lost', 'an approver lost the role or the key since, or the policy asks for more');
  }
  const execution = {
    executor,
    idempotency_key: idempotencyKey(current.id, digest),
    started: now,
    attempts: 1,
    deadline: Math.min(now + policy.dispatch_deadline_ms, expires),
  };
  return changed({ ...current, state: 'dispatching', execution, updated: now }, [{ kind: 'execute' }]);
}

function retry(current: Containment, { now }: MachineContext): Decision {
  if (current.state !== 'dispatching') return notDispatching(current);
  const execution = executionOf(current);
  if (now >= execution.deadline) return refused('deadline_passed', 'nothing is sent after the deadline');
  const next = { ...current, execution: { ...execution, attempts: execution.attempts + 1 }, updated: now };
  return changed(next, [{ kind: 'execute' }]);
}

function report(
  current: Containment,
  { result, repeatable }: Extract<MachineCommand, { type: 'report' }>,
  { now, policy }: MachineContext,
): Decision {
  if (current.state !== 'dispatching') return notDispatching(current);
  if (result.kind === 'done') return changed(beginEffect(ended(current, 'succeeded', result.detail, now), now, policy));
  if (result.kind === 'failed') return changed(ended(current, 'failed', result.detail, now));
  const execution = executionOf(current);
  if (!repeatable || now >= execution.deadline) {
    return changed(beginEffect(ended(current, 'unknown', result.detail, now), now, policy));
  }
  const next = { ...current, execution: { ...execution, detail: bounded(result.detail) }, updated: now };
  return changed(next, [{ kind: 'retry_later' }]);
}

function ended(
  current: Containment,
  state: 'succeeded' | 'failed' | 'unknown',
  detail: string,
  now: number,
): Containment {
  const execution = { ...executionOf(current), detail: bounded(detail), finished: now };
  return { ...current, state, execution, updated: now };
}

function bounded(detail: string): string {
  return detail.slice(0, LIMITS.executor_detail_chars_max).toWellFormed();
}

function executionOf(current: Containment): NonNullable<Containment['execution']> {
  assert(current.execution !== undefined, 'a dispatched containment has an execution');
  return current.execution;
}

const LATE: Readonly<Record<Exclude<ContainmentState, 'pending'>, readonly [Refusal, string]>> = {
  approved: ['already_approved', 'it is approved; cancel it if it must not run'],
  denied: ['already_denied', 'it was denied, which is final'],
  expired: ['expired', 'its time is over'],
  cancelled: ['already_cancelled', 'it was cancelled'],
  dispatching: ['already_dispatching', 'it is being executed'],
  succeeded: ['already_succeeded', 'it was executed'],
  failed: ['already_failed', 'its execution failed'],
  unknown: ['outcome_unknown', 'it was sent and nobody knows the outcome; look at the target itself'],
};

function notPending(current: Containment): Decision {
  assert(current.state !== 'pending', 'asked only about what left pending');
  return refused(...LATE[current.state]);
}

/** For what only makes sense while an execution runs. */
function notDispatching(current: Containment): Decision {
  if (current.state === 'pending' || current.state === 'approved') {
    return refused('not_dispatching', `it is ${current.state}; nothing was sent`);
  }
  return notPending(current);
}

function changed(next: Containment, effects: readonly Effect[] = []): Decision {
  return { kind: 'changed', next, effects };
}

function refused(code: Refusal, message: string): Decision {
  return { kind: 'refused', code, message };
}

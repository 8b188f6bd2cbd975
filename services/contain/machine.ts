import { strict as assert } from 'node:assert';
import type { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { amend, resolve } from './amendments.ts';
import { changed, type Decision, type MachineCommand, type MachineContext, notPending, refused } from './decision.ts';
import { beginEffect, reportEffect } from './effect.ts';
import { APPROVALS_MIN, type ContainmentPolicy } from './policy.ts';
import { tallyOf } from './quorum.ts';
import { policyFacts, requirementsFor } from './requirements.ts';
import { containmentId, idempotencyKey, termsDigest } from './terms.ts';
import { approve, cancel, deny } from './votes.ts';

export type { Decision, Effect, MachineCommand, MachineContext } from './decision.ts';

/**
 * The containment state machine (design, section 8; promises P5 and P6), as a pure function:
 * pending -> approved | denied | expired | cancelled; approved -> dispatching | expired | cancelled;
 * dispatching -> succeeded | failed | unknown. What is pending can be amended, which voids its votes; what a person found out
 * about an unknown outcome is added to it. A refusal changes nothing and says why with a code of its own.
 */
export function decide(current: Containment | undefined, command: MachineCommand, context: MachineContext): Decision {
  if (command.type === 'propose') return propose(current, command, context);
  if (current === undefined) return refused('unknown_containment', 'no containment has this id');
  switch (command.type) {
    case 'approve':
      return approve(current, command, context);
    case 'deny':
      return deny(current, command, context);
    case 'amend':
      return amend(current, command, context);
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
    case 'resolve':
      return resolve(current, command, context);
    case 'effect':
      return reportEffect(current, command.report, context.now);
  }
}

function propose(
  current: Containment | undefined,
  command: Extract<MachineCommand, { type: 'propose' }>,
  { now, policy, document }: MachineContext,
): Decision {
  if (current !== undefined) return refused('already_proposed', `it is ${current.state} already`);
  const { terms } = command;
  assert(terms.policy.approvals >= APPROVALS_MIN, 'terms ask for at least one approval');
  const { approval_expiry_ms } = requirementsFor(document, policy, policyFacts(terms));
  return changed({
    id: command.id ?? containmentId(terms),
    state: 'pending',
    terms,
    digest: termsDigest(terms),
    requested_by: command.requested_by,
    created: now,
    approval_expires: now + approval_expiry_ms,
    votes: [],
    updated: now,
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
function dispatch(current: Containment, executor: string, context: MachineContext): Decision {
  const { now, policy } = context;
  if (current.state === 'pending') return refused('not_approved', 'it waits for approval');
  if (current.state !== 'approved') return notPending(current);
  const expires = current.execution_expires ?? current.updated;
  if (now >= expires) return refused('expired', 'it was approved but not executed in time');
  const digest = termsDigest(current.terms);
  if (digest !== current.digest) return refused('digest_mismatch', 'its terms are not those that were approved');
  if (!tallyOf(current, context).met) {
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

/** For what only makes sense while an execution runs. */
function notDispatching(current: Containment): Decision {
  if (current.state === 'pending' || current.state === 'approved') {
    return refused('not_dispatching', `it is ${current.state}; nothing was sent`);
  }
  return notPending(current);
}

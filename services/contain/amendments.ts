import { strict as assert } from 'node:assert';
import canonicalize from 'canonicalize';
import type { Containment, ContainmentTerms } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import {
  type Asker,
  changed,
  type Decision,
  type MachineCommand,
  type MachineContext,
  notPending,
  type Refused,
  refused,
} from './decision.ts';
import { isContained } from './quorum.ts';
import { policyFacts, requirementsFor } from './requirements.ts';
import { termsDigest } from './terms.ts';

/** Changes what is asked for. All votes are void, and whoever changes it is its requester from now on. */
export function amend(
  current: Containment,
  { by, digest, terms }: Extract<MachineCommand, { type: 'amend' }>,
  context: MachineContext,
): Decision {
  const { now, policy, document, standingOf } = context;
  const objection = personObjection(current.terms, by, context);
  if (objection !== undefined) return objection;
  if (current.state !== 'pending') return notPending(current);
  if (now >= current.approval_expires) return refused('expired', 'the time for approval is over');
  if (digest !== current.digest) {
    return refused('digest_mismatch', 'this is not what you were shown; read it again and use its digest');
  }
  if (current.terms.origin?.kind === 'rollback') {
    return refused('not_amendable', 'a roll-back takes back exactly what was done; request another action instead');
  }
  assert(sameSnapshot(current.terms, terms), 'amended terms keep the snapshot that they were made of');
  if (same(asked(current.terms), asked(terms))) return refused('nothing_changed', 'this is what it asks for already');
  const voided = [...(current.voided_votes ?? []), ...current.votes];
  if (voided.length > LIMITS.voided_votes_max) {
    return refused('too_many', `at most ${LIMITS.voided_votes_max} void votes; request it anew`);
  }
  const { approval_expiry_ms } = requirementsFor(document, policy, policyFacts(terms));
  return changed({
    ...current,
    terms,
    digest: termsDigest(terms),
    requested_by: { ...by.principal, human: standingOf(by.principal, by.credential).human },
    approval_expires: now + approval_expiry_ms,
    votes: [],
    ...(voided.length > 0 && { voided_votes: voided }),
    updated: now,
  });
}

/** Records what somebody who looked at the target found. Changes nothing of what was decided. */
export function resolve(
  current: Containment,
  { by, took_effect, comment }: Extract<MachineCommand, { type: 'resolve' }>,
  context: MachineContext,
): Decision {
  const objection = personObjection(current.terms, by, context);
  if (objection !== undefined) return objection;
  if (current.resolution !== undefined) return refused('already_resolved', 'what became of it is on record');
  if (current.state !== 'unknown' && current.effect?.state !== 'needs_human') {
    return refused('not_resolvable', 'only an unknown outcome, or an effect that people must look at, can be resolved');
  }
  const human = context.standingOf(by.principal, by.credential).human;
  const resolution = { by: { ...by.principal, human }, took_effect, comment, time: context.now };
  return changed({ ...current, resolution, updated: context.now });
}

/** Why somebody may not ask for changes of a containment; undefined when they may. */
export function personObjection(
  terms: ContainmentTerms,
  { principal, credential }: Asker,
  { standingOf }: Pick<MachineContext, 'standingOf'>,
): Refused | undefined {
  const standing = standingOf(principal, credential);
  if (!standing.human) return refused('not_human', 'only a human can ask for this');
  if (!standing.roles.some((role) => role === 'analyst' || role === 'approver')) {
    return refused('role_missing', 'it needs one of the roles analyst, approver');
  }
  if (isContained(terms, principal)) {
    return refused('contained_cannot_decide', 'it is about you, or about what you own; ask somebody else');
  }
  return undefined;
}

function asked({ recommendation: { action, target, parameters } }: ContainmentTerms): unknown {
  return { action, target, parameters };
}

function sameSnapshot(a: ContainmentTerms, b: ContainmentTerms): boolean {
  const snapshot = ({ tenant, identity, alert, break_glass }: ContainmentTerms): unknown => ({
    tenant,
    identity,
    alert,
    ...(break_glass !== undefined && { break_glass }),
  });
  return same(snapshot(a), snapshot(b));
}

const same = (a: unknown, b: unknown): boolean => canonicalize(a) === canonicalize(b);

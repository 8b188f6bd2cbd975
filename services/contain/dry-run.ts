import type { PolicyDryRunAnswer } from '../../schemas/api/policy.ts';
import type { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { PolicyDocument } from '../../schemas/policy.ts';
import { principalKey } from '../../schemas/principal.ts';
import { editorUntil, handsOf } from '../control/policies.ts';
import type { ControlState } from '../control/state.ts';
import type { ContainmentPolicy } from './policy.ts';
import { policyWarnings } from './policy-check.ts';
import { mayVote, type QuorumContext, tallyUnder } from './quorum.ts';
import { type Demands, demandsOf, demandsOfTerms, policyFacts, requirementsFor, stricter } from './requirements.ts';

type Item = PolicyDryRunAnswer['items'][number];

/**
 * What a policy would have meant for the containments that the control log still holds in memory: what each would have
 * needed, and whether the votes that it got would have sufficed. Of approvers who left, the last known roles count.
 */
export function dryRunPolicy(
  state: ControlState,
  floor: ContainmentPolicy,
  document: PolicyDocument,
): PolicyDryRunAnswer {
  const context: QuorumContext = {
    policy: floor,
    document,
    standingOf: (by) => {
      const known = state.principals.get(principalKey(by));
      return { human: known?.principal.human === true, roles: known?.roles ?? [] };
    },
    handsOf: (by, at) => handsOf({ principals: state.principals, policy: { document } }, by, at),
    editorUntil: (by) => editorUntil(state, by),
  };
  const items = [...state.containments.values()].map((one) => itemOf(one, context));
  const count = (fits: (item: Item) => boolean): number => items.filter(fits).length;
  const changes = (change: Item['change']): number => count((item) => item.change === change);
  const outcomes = (outcome: Item['outcome']): number => count((item) => item.outcome === outcome);
  return {
    version: document.version,
    warnings: [...policyWarnings(document), ...unreachable(state, floor, document)],
    summary: {
      containments: items.length,
      same: changes('same'),
      stricter: changes('stricter'),
      weaker: changes('weaker'),
      different: changes('different'),
      still_approved: outcomes('still_approved'),
      no_longer_approved: outcomes('no_longer_approved'),
      cannot_tell: outcomes('cannot_tell'),
    },
    items: items.sort(differingFirst).slice(0, LIMITS.page_items_max),
  };
}

function itemOf(one: Containment, context: QuorumContext): Item {
  const { id, state, created, terms, execution_expires } = one;
  const before = demandsOfTerms(terms);
  const {
    version: _,
    approval_expiry_ms: __,
    execution_expiry_ms: ___,
    ...after
  } = requirementsFor(context.document, context.policy, policyFacts(terms));
  const then = tallyUnder(one, after, context);
  // Only what was approved has a time by which it must run.
  const approved = execution_expires !== undefined;
  const known = !approved || tallyUnder(one, before, { ...context, document: undefined }).met;
  const holds = then.met ? 'still_approved' : 'no_longer_approved';
  return {
    containment: id,
    state,
    created,
    tenant: terms.tenant,
    identity: terms.identity.id,
    action: terms.recommendation.action,
    before: shown(before),
    after: { ...shown(after), rules: [...after.rules] },
    change: changeOf(before, after),
    outcome: !approved ? 'not_approved' : known || then.met ? holds : 'cannot_tell',
    counted: then.counted.map(({ by: { issuer, subject } }) => ({ issuer, subject })),
  };
}

function changeOf(before: Demands, after: Demands): Item['change'] {
  const joined = JSON.stringify(shown(stricter(before, after)));
  const [first, second] = [before, after].map((demands) => JSON.stringify(shown(stricter(demands, demands))));
  if (first === second) return 'same';
  if (joined === second) return 'stricter';
  return joined === first ? 'weaker' : 'different';
}

function shown({ approvals, roles, quotas, exclude, break_glass_only }: Demands): Item['before'] {
  return {
    approvals,
    roles: roles.map((list) => [...list]),
    quotas: quotas.map((quota) => ({ ...quota })),
    exclude: exclude.map((one) => ({ ...one })),
    break_glass_only,
  };
}

/** Demands that the people there are now could not fulfil, however they vote. */
function unreachable({ principals }: ControlState, floor: ContainmentPolicy, document: PolicyDocument): string[] {
  const base = stricter(demandsOf(document.defaults), {
    ...demandsOf({}),
    approvals: floor.approvals,
    roles: [floor.roles],
  });
  const parts = [
    { name: 'defaults', demands: base },
    ...document.rules.map((rule) => ({ name: `rule ${rule.name}`, demands: stricter(base, demandsOf(rule)) })),
  ];
  const people = [...principals.values()].filter(({ principal, revoked }) => principal.human && revoked === undefined);
  return parts.flatMap(({ name, demands }) => {
    const excluded = new Set(demands.exclude.map(principalKey));
    const able = people.filter((one) => mayVote(demands, one.roles) && !excluded.has(principalKey(one.principal)));
    const short = demands.quotas.some(
      ({ role, approvals }) => able.filter((one) => one.roles.includes(role)).length < approvals,
    );
    if (able.length >= demands.approvals && !short) return [];
    return [`${name}: of the people there are now, ${able.length} could approve, which is not enough`];
  });
}

function differingFirst(a: Item, b: Item): number {
  const weight = ({ change, outcome }: Item): number =>
    (outcome === 'no_longer_approved' ? 2 : 0) + (change === 'same' ? 0 : 1);
  return weight(b) - weight(a) || b.created - a.created || (a.containment < b.containment ? -1 : 1);
}

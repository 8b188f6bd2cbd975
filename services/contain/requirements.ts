import type { Containment, ContainmentTerms, RoleQuota } from '../../schemas/containment.ts';
import type { PolicyDocument, PolicyRule } from '../../schemas/policy.ts';
import { type PrincipalRef, principalKey, ROLES, type Role } from '../../schemas/principal.ts';
import { APPROVALS_MIN, type ContainmentPolicy } from './policy.ts';

/** What a policy can look at of a containment. */
export type PolicyFacts = {
  readonly action: ContainmentTerms['recommendation']['action'];
  readonly kind: ContainmentTerms['identity']['kind'];
  readonly tenant: string;
  readonly identity: string;
  readonly peer_group: string;
  readonly severity: ContainmentTerms['alert']['severity'];
  readonly origin: NonNullable<ContainmentTerms['origin']>['kind'];
};

/**
 * What has to be fulfilled before a containment may run. These form a lattice under `stricter`: nothing that is joined to
 * them, in any order and however often, ever asks for less.
 */
export type Demands = {
  readonly approvals: number;
  /** An approver holds one role of each. */
  readonly roles: readonly (readonly Role[])[];
  /** So many of the approvals from holders of a role; each role once. */
  readonly quotas: readonly RoleQuota[];
  readonly exclude: readonly PrincipalRef[];
  readonly break_glass_only: boolean;
};

export type Requirements = Demands & {
  readonly version: string;
  readonly approval_expiry_ms: number;
  readonly execution_expiry_ms: number;
  /** Names of the rules that fit, in the order of the document. */
  readonly rules: readonly string[];
};

/** The demands of both, field by field. */
export function stricter(a: Demands, b: Demands): Demands {
  const quotas = joinedQuotas([...a.quotas, ...b.quotas]);
  return {
    approvals: Math.max(APPROVALS_MIN, a.approvals, b.approvals, ...quotas.map(({ approvals }) => approvals)),
    roles: joinedRoles([...a.roles, ...b.roles]),
    quotas,
    exclude: joinedPrincipals([...a.exclude, ...b.exclude]),
    break_glass_only: a.break_glass_only || b.break_glass_only,
  };
}

const NOTHING: Demands = { approvals: APPROVALS_MIN, roles: [], quotas: [], exclude: [], break_glass_only: false };

/**
 * What the configuration (`floor`), the policy document's defaults and every rule that fits demand together. The strictest
 * wins field by field, so no rule and no order of rules lowers what another asks for, and never below one human.
 */
export function requirementsFor(
  document: PolicyDocument | undefined,
  floor: ContainmentPolicy,
  facts: PolicyFacts,
): Requirements {
  const rules = (document?.rules ?? []).filter((rule) => fits(rule, facts));
  const asking = document === undefined ? [] : [document.defaults, ...rules];
  const ofFloor: Demands = { ...NOTHING, approvals: floor.approvals, roles: [floor.roles] };
  const shortest = (name: 'approval_expiry_ms' | 'execution_expiry_ms'): number =>
    Math.min(floor[name], ...asking.flatMap((one) => one[name] ?? []));
  return {
    ...asking.map(demandsOf).reduce(stricter, stricter(NOTHING, ofFloor)),
    version: document?.version ?? floor.version,
    approval_expiry_ms: shortest('approval_expiry_ms'),
    execution_expiry_ms: shortest('execution_expiry_ms'),
    rules: rules.map(({ name }) => name),
  };
}

/** What the approvers of a containment were told, joined with what the policy asks for now. */
export function requirementsNow(
  { terms }: Pick<Containment, 'terms'>,
  context: { readonly document: PolicyDocument | undefined; readonly policy: ContainmentPolicy },
): Requirements {
  const now = requirementsFor(context.document, context.policy, policyFacts(terms));
  return { ...now, ...stricter(demandsOfTerms(terms), now) };
}

/** What terms say of their own approval. */
export function demandsOfTerms({ policy }: Pick<ContainmentTerms, 'policy'>): Demands {
  return {
    approvals: policy.approvals,
    roles: [policy.roles, ...(policy.further_roles ?? [])],
    quotas: policy.quotas ?? [],
    exclude: policy.exclude ?? [],
    break_glass_only: policy.break_glass_only ?? false,
  };
}

export function policyFacts(terms: Omit<ContainmentTerms, 'policy'>): PolicyFacts {
  const { identity, recommendation, alert, tenant, origin } = terms;
  return {
    action: recommendation.action,
    kind: identity.kind,
    tenant,
    identity: identity.id,
    // The group that an identity is in when it says nothing of it (detectors/contract.ts).
    peer_group: identity.peer_group ?? `kind:${identity.kind}`,
    severity: alert.severity,
    origin: origin?.kind ?? 'recommended',
  };
}

/** What one part of a document asks for by itself. */
export function demandsOf(part: Partial<PolicyRule | PolicyDocument['defaults']>): Demands {
  const { approvals = APPROVALS_MIN, roles, quotas = [], exclude = [], break_glass_only = false } = part;
  return { approvals, roles: roles === undefined ? [] : [roles], quotas, exclude, break_glass_only };
}

function fits({ when }: PolicyRule, facts: PolicyFacts): boolean {
  const named = <T>(values: readonly T[] | undefined, value: T): boolean =>
    values === undefined || values.includes(value);
  const like = (patterns: readonly string[] | undefined, value: string): boolean =>
    patterns === undefined || patterns.some((pattern) => matches(pattern, value));
  return (
    named(when.actions, facts.action) &&
    named(when.kinds, facts.kind) &&
    named(when.severities, facts.severity) &&
    named(when.origins, facts.origin) &&
    like(when.tenants, facts.tenant) &&
    like(when.identities, facts.identity) &&
    like(when.peer_groups, facts.peer_group)
  );
}

/** `*` stands for any characters. Each part is looked for once, from left to right, so the time is linear in the value. */
export function matches(pattern: string, value: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return value === first;
  const last = parts.at(-1) ?? '';
  if (!value.startsWith(first) || value.length < first.length + last.length || !value.endsWith(last)) return false;
  const end = value.length - last.length;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = value.indexOf(part, from);
    if (found === -1 || found + part.length > end) return false;
    from = found + part.length;
  }
  return true;
}

/** In one order, each once, and without lists that a narrower one implies. */
function joinedRoles(lists: readonly (readonly Role[])[]): readonly (readonly Role[])[] {
  const ordered = lists.map((list) => ROLES.filter((role) => list.includes(role)));
  const distinct = [...new Map(ordered.map((list) => [list.join(), list])).values()];
  return distinct
    .filter(
      (list) => !distinct.some((other) => other.length < list.length && other.every((role) => list.includes(role))),
    )
    .sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

function joinedQuotas(quotas: readonly RoleQuota[]): readonly RoleQuota[] {
  return ROLES.flatMap((role) => {
    const asked = quotas.filter((quota) => quota.role === role).map(({ approvals }) => approvals);
    return asked.length === 0 ? [] : [{ role, approvals: Math.max(...asked) }];
  });
}

function joinedPrincipals(principals: readonly PrincipalRef[]): readonly PrincipalRef[] {
  const named = new Map(
    principals.map(({ issuer, subject }) => [principalKey({ issuer, subject }), { issuer, subject }]),
  );
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, principal]) => principal);
}

import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Alert } from '../../schemas/alert.ts';
import { ContainmentTerms } from '../../schemas/containment.ts';
import type { PolicyDocument } from '../../schemas/policy.ts';
import { type ExecutorFacts, executorFor, orderOf } from './executor.ts';
import type { ContainmentPolicy } from './policy.ts';
import { policyFacts, requirementsFor } from './requirements.ts';

/** SHA-256 over the RFC 8785 canonical JSON of a value, hex. */
export function canonicalDigest(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? 'null')
    .digest('hex');
}

/** What every vote is bound to: action, target, parameters, frozen evidence and policy version, as one hash. */
export function termsDigest(terms: ContainmentTerms): string {
  return canonicalDigest(terms);
}

/**
 * One story yields one proposal of a kind: the same alert, action and target have the same id in every run. `again` counts
 * proposals of the kind that gave way to others before.
 */
export function containmentId(terms: ContainmentTerms, again = 0): string {
  const { action, target } = terms.recommendation;
  const kind = [terms.alert.uid, action, target];
  return canonicalDigest(again === 0 ? kind : [...kind, again]).slice(0, 32);
}

/** The containment that a person's command asks for: each such command has its own. */
export function requestId(command: string): string {
  return canonicalDigest(['requested', command]).slice(0, 32);
}

/** The same for every attempt, and in every run: a receiver that has seen it must not act again. */
export function idempotencyKey(id: string, digest: string): string {
  return `ctn_${canonicalDigest([id, digest]).slice(0, 32)}`;
}

/** What is asked for and why, before it is known what the policy says and who would carry it out. */
export type Draft = Omit<ContainmentTerms, 'policy' | 'executor'>;

export type TermsContext = {
  readonly policy: ContainmentPolicy;
  readonly document: PolicyDocument | undefined;
  readonly executors: readonly ExecutorFacts[];
};

/** The terms of a draft: with what the policy demands of its approval now, and who would carry it out. */
export function termsOf(draft: Draft, { policy, document, executors }: TermsContext): ContainmentTerms {
  const executor = executorFor(executors, orderOf(draft));
  const { version, approvals, roles, quotas, exclude, rules, break_glass_only } = requirementsFor(
    document,
    policy,
    policyFacts(draft),
  );
  const [first = [], ...further] = roles;
  const terms: ContainmentTerms = {
    ...draft,
    policy: {
      version,
      approvals,
      roles: [...first],
      ...(quotas.length > 0 && { quotas: [...quotas] }),
      ...(rules.length > 0 && { rules: [...rules] }),
      ...(further.length > 0 && { further_roles: further.map((list) => [...list]) }),
      ...(exclude.length > 0 && { exclude: [...exclude] }),
      ...(break_glass_only && { break_glass_only }),
    },
    ...(executor !== undefined && { executor: executor.name }),
  };
  return ContainmentTerms.parse(repaired(terms));
}

/** The terms that an alert proposes, with its evidence as of this revision. */
export function termsFrom(
  alert: Alert,
  policy: ContainmentPolicy,
  executors: readonly ExecutorFacts[],
  document?: PolicyDocument,
): ContainmentTerms {
  const { tenant, identity, recommendation, uid, revision, severity, title, summary, evidence } = alert;
  const snapshot = { uid, revision, severity, title, summary, evidence };
  return termsOf({ tenant, identity, recommendation, alert: snapshot }, { policy, document, executors });
}

/** RFC 8785 knows no lone surrogates, and an agent may have put one into a name: they become U+FFFD. */
function repaired(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(repaired);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toWellFormed(), repaired(inner)]));
}

import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Alert } from '../../schemas/alert.ts';
import { ContainmentTerms } from '../../schemas/containment.ts';
import { type ExecutorFacts, executorFor, orderOf } from './executor.ts';
import type { ContainmentPolicy } from './policy.ts';

/** SHA-256 over the RFC 8785 canonical JSON of a value, hex. */
function canonicalDigest(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? 'null')
    .digest('hex');
}

/** What every vote is bound to: action, target, parameters, frozen evidence and policy version, as one hash. */
export function termsDigest(terms: ContainmentTerms): string {
  return canonicalDigest(terms);
}

/** One story yields one proposal of a kind: the same alert, action and target have the same id in every run. */
export function containmentId(terms: ContainmentTerms): string {
  const { action, target } = terms.recommendation;
  return canonicalDigest([terms.alert.uid, action, target]).slice(0, 32);
}

/** The same for every attempt, and in every run: a receiver that has seen it must not act again. */
export function idempotencyKey(id: string, digest: string): string {
  return `ctn_${canonicalDigest([id, digest]).slice(0, 32)}`;
}

/** The terms that an alert proposes, with its evidence as of this revision, and who would carry them out. */
export function termsFrom(
  alert: Alert,
  policy: ContainmentPolicy,
  executors: readonly ExecutorFacts[],
): ContainmentTerms {
  const { identity, recommendation } = alert;
  const executor = executorFor(executors, orderOf({ tenant: alert.tenant, identity, recommendation }));
  const terms: ContainmentTerms = {
    tenant: alert.tenant,
    identity: alert.identity,
    recommendation: alert.recommendation,
    alert: {
      uid: alert.uid,
      revision: alert.revision,
      severity: alert.severity,
      title: alert.title,
      summary: alert.summary,
      evidence: alert.evidence,
    },
    policy: { version: policy.version, approvals: policy.approvals, roles: [...policy.roles] },
    ...(executor !== undefined && { executor: executor.name }),
  };
  return ContainmentTerms.parse(repaired(terms));
}

/** RFC 8785 knows no lone surrogates, and an agent may have put one into a name: they become U+FFFD. */
function repaired(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(repaired);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toWellFormed(), repaired(inner)]));
}

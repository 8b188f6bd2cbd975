import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { PolicyDocument } from '../../schemas/policy.ts';
import { type PrincipalRef, principalKey, type Role, SYSTEM, samePrincipal } from '../../schemas/principal.ts';
import type { ControlState, PrincipalEntry } from './state.ts';

/** A version of the policy as it was set. */
export type PolicyEntry = {
  readonly document: PolicyDocument;
  readonly digest: string;
  readonly by: PrincipalRef;
  readonly when: number;
  readonly reason: string;
};

/** Who made an account or its roles, when, and until when that excludes by the policy of then. Epoch milliseconds. */
export type Made = { readonly by: PrincipalRef; readonly when: number; readonly until: number };

/** How long whoever edits the policy, and whoever made an account, stand back under a document. Milliseconds. */
function exclusionsOf(document: PolicyDocument | undefined): { readonly editors: number; readonly made: number } {
  return {
    editors: document?.defaults.editors_excluded_ms ?? LIMITS.editors_excluded_ms,
    made: document?.defaults.made_excluded_ms ?? LIMITS.made_excluded_ms,
  };
}

/**
 * Folds a policy in. Its editor stands back for the longer of what the policy before it and it itself say, so that nobody
 * ends their own exclusion, and no later edit shortens one.
 */
export function setPolicy(state: ControlState, record: Extract<ControlRecord, { kind: 'policy_set' }>): void {
  const { policy: document, digest, who, when, reason } = record;
  const editors = Math.max(exclusionsOf(state.policy?.document).editors, exclusionsOf(document).editors);
  const editor = principalKey(who);
  state.policyEditors.set(editor, Math.max(state.policyEditors.get(editor) ?? 0, when + editors));
  state.policy = { document, digest, by: who, when, reason };
  state.policies.push(state.policy);
  if (state.policies.length > LIMITS.policies_kept_max) state.policies.shift();
}

/** An account after somebody made it or changed its roles. What processes of ours do is nobody's making. */
export function madeBy(state: ControlState, entry: PrincipalEntry, by: PrincipalRef, when: number): PrincipalEntry {
  if (samePrincipal(by, SYSTEM) || samePrincipal(by, entry.principal)) return entry;
  const made: Made = {
    by: { issuer: by.issuer, subject: by.subject },
    when,
    until: when + exclusionsOf(state.policy?.document).made,
  };
  const others = entry.made.filter((one) => !samePrincipal(one.by, by));
  return { ...entry, made: [...others, made].slice(-LIMITS.makers_max) };
}

/**
 * Somebody of a provider whose roles have just changed: where the policy names them, whoever named them has made them what
 * they are, as with an account that is made by hand. A claim is the provider's word, and nobody's making.
 */
export function namedBy(state: ControlState, entry: PrincipalEntry): PrincipalEntry {
  let named: PolicyEntry | undefined;
  // Who first said what the policy still says of them, not who changed something else since.
  for (const one of state.policies.toReversed()) {
    const roles = rolesByName(one.document, entry.principal);
    if (roles.length === 0 || (named !== undefined && !sameNames(roles, rolesByName(named.document, entry.principal))))
      break;
    named = one;
  }
  return named === undefined ? entry : madeBy(state, entry, named.by, named.when);
}

function rolesByName({ people }: PolicyDocument, principal: PrincipalRef): readonly Role[] {
  return people.named.filter((one) => samePrincipal(one.principal, principal)).flatMap(({ roles }) => roles);
}

function sameNames(a: readonly Role[], b: readonly Role[]): boolean {
  return a.every((role) => b.includes(role)) && b.every((role) => a.includes(role));
}

/**
 * In whose hands an account was at a time: its own, those of whoever made it or its roles so shortly before that the policy
 * excludes it, and of whoever made theirs. By `principalKey`.
 */
export function handsOf(
  state: Pick<ControlState, 'principals'> & { readonly policy: Pick<PolicyEntry, 'document'> | undefined },
  by: PrincipalRef,
  at: number,
): ReadonlySet<string> {
  const window = exclusionsOf(state.policy?.document).made;
  const hands = new Set([principalKey(by)]);
  // What is added on the way is visited, too.
  for (const name of hands) {
    for (const made of state.principals.get(name)?.made ?? []) {
      if (at < Math.max(made.until, made.when + window)) hands.add(principalKey(made.by));
    }
  }
  return hands;
}

/** Until when somebody who edited the policy stands back; undefined for everybody else. */
export function editorUntil(state: Pick<ControlState, 'policyEditors'>, by: PrincipalRef): number | undefined {
  return state.policyEditors.get(principalKey(by));
}

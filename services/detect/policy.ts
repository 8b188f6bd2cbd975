import type { FindingDraft, Model, Prior } from '../../detectors/contract.ts';
import type { DirectiveEffect, DirectiveEntry, FindingMatch } from '../../schemas/directive.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { identityKey } from '../platform/partitioner.ts';
import type { DirectiveTable } from './directives.ts';
import type { IdentityState } from './identity.ts';

export type Thresholds = { readonly finding_bits: number; readonly alert_bits: number };

type Change = { readonly uid: string; readonly effect: Extract<DirectiveEffect, { kind: 'change' }> };

/** What becomes of a finding: the newest rule that fits it says so. */
export type Rule = {
  readonly uid: string;
  readonly says: 'mute' | 'watch';
  readonly matches: readonly FindingMatch[] | undefined;
  /** The declared change that it rests on: it counts while that is being learned. */
  readonly change?: Change;
};

/** All directives that concern one identity, made ready to be applied to its events. */
export type Policy = {
  /** Newest first. */
  readonly rules: readonly Rule[];
  readonly budget: number | undefined;
  /** Bits to add, by detector, -Infinity for a muted one; absent where nothing is to be added. */
  readonly offsets: readonly number[] | undefined;
  /** Newest first. */
  readonly changes: readonly Change[];
};

type Known = { readonly revision: number; readonly group: string; readonly policy: Policy | undefined };

/** Makes policies and remembers them as long as neither the table nor the identity's group changes. */
export class Policies {
  readonly #table: DirectiveTable;
  readonly #model: Model;
  readonly #known = new WeakMap<IdentityState, Known>();
  #levels: { prior: Prior; readonly of: Map<number, Thresholds> } | undefined;

  constructor(table: DirectiveTable, model: Model) {
    this.#table = table;
    this.#model = model;
  }

  /** Undefined when no directive concerns the identity. */
  of(state: IdentityState): Policy | undefined {
    const known = this.#known.get(state);
    const { revision } = this.#table;
    if (known?.revision === revision && known.group === state.group) return known.policy;
    const policy = policyOf(this.#table.entries, state, this.#model);
    this.#known.set(state, { revision, group: state.group, policy });
    return policy;
  }

  thresholds(policy: Policy, prior: Prior): Thresholds {
    if (policy.budget === undefined) return prior;
    if (this.#levels?.prior !== prior) this.#levels = { prior, of: new Map() };
    let found = this.#levels.of.get(policy.budget);
    if (found === undefined) {
      found = prior.thresholdsAt(policy.budget);
      this.#levels.of.set(policy.budget, found);
    }
    return found;
  }
}

const TENANT = 0;
const GROUP = 1;
const IDENTITY = 2;

/** How closely the directive is meant for the identity; undefined when it is not. */
function nearness({ tenant, scope }: DirectiveEntry, { key, group }: IdentityState): number | undefined {
  if (scope.identity !== undefined) return identityKey(tenant, scope.identity) === key ? IDENTITY : undefined;
  if (scope.peer_group !== undefined) return identityKey(tenant, scope.peer_group) === group ? GROUP : undefined;
  return key.startsWith(identityKey(tenant, '')) ? TENANT : undefined;
}

/**
 * Rules stand in the order in which they were given, so that a later word counts before an earlier one, however wide
 * either is. Of budgets and of what is added to a detector the closest counts, and of equally close ones the newest.
 */
function policyOf(entries: Iterable<DirectiveEntry>, state: IdentityState, model: Model): Policy | undefined {
  const rules: Rule[] = [];
  const changes: Change[] = [];
  const closest = new Map<string, { readonly near: number; readonly value: number }>();
  const offer = (name: string, near: number, value: number): void => {
    if (near >= (closest.get(name)?.near ?? TENANT)) closest.set(name, { near, value });
  };
  for (const entry of entries) {
    const near = nearness(entry, state);
    if (near === undefined) continue;
    const { uid, effect, scope } = entry;
    if (effect.kind === 'suppress') rules.unshift({ uid, says: 'mute', matches: scope.matches });
    else if (effect.kind === 'watch') rules.unshift({ uid, says: 'watch', matches: scope.matches });
    else if (effect.kind === 'budget') offer('budget', near, effect.alerts_per_1000_identity_days);
    else if (effect.kind === 'detector_offset') offer(`of ${effect.detector}`, near, effect.offset_bits);
    else if (effect.kind === 'detector_mute') offer(`of ${effect.detector}`, near, Number.NEGATIVE_INFINITY);
    else {
      const change = { uid, effect };
      const matches = model.touchedBy(effect.touches).map((detector) => ({ detector }));
      changes.unshift(change);
      rules.unshift({ uid, says: 'mute', matches, change });
    }
  }
  const offsets = model.detectors.map(({ name }) => closest.get(`of ${name}`)?.value ?? 0);
  const budget = closest.get('budget')?.value;
  const added = offsets.some((offset) => offset !== 0);
  if (rules.length === 0 && budget === undefined && !added) return undefined;
  return {
    rules,
    budget,
    offsets: added ? offsets : undefined,
    changes: changes.slice(0, LIMITS.changes_per_identity_max),
  };
}

/** The rule that decides about the finding; undefined when none does. */
export function ruleFor(
  policy: Policy,
  state: IdentityState,
  { detector, pattern, subject }: Pick<FindingDraft, 'detector' | 'pattern' | 'subject'>,
  version: string | undefined,
): Rule | undefined {
  const fits = (match: FindingMatch): boolean =>
    (match.detector === undefined || match.detector === detector) &&
    (match.pattern === undefined || match.pattern === pattern) &&
    (match.subject === undefined || (match.subject.kind === subject?.kind && match.subject.value === subject.value));
  return policy.rules.find(
    ({ matches, change }) =>
      (matches === undefined || matches.some(fits)) && (change === undefined || isLearning(state, change, version)),
  );
}

function isLearning({ directed }: IdentityState, { uid, effect }: Change, version: string | undefined): boolean {
  if (effect.version !== undefined && effect.version !== version) return false;
  return directed?.changes.some((change) => change.uid === uid && change.left > 0) === true;
}

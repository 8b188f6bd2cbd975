import type { Model, Score, ScoreInput } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { Directed, IdentityState } from './identity.ts';
import type { Policy } from './policy.ts';

/** What directives leave behind in an identity's own state. */
export function directedOf(state: IdentityState): Directed {
  state.directed ??= { muted: 0, changes: [] };
  return state.directed;
}

/**
 * To be called before an event is scored: a declared change begins for an identity with its first event of the new
 * version, and what it touches is learned anew from there. Nothing is kept of a change that is over.
 */
export function beginChanges(
  model: Model,
  policy: Policy | undefined,
  { state, event, log_ms }: { readonly state: IdentityState; readonly event: CanonicalEvent; readonly log_ms: number },
): void {
  const { directed } = state;
  const declared = policy?.changes ?? [];
  if (directed !== undefined && directed.changes.length > 0) {
    directed.changes = directed.changes.filter(({ uid }) => declared.some((change) => change.uid === uid));
  }
  for (const { uid, effect } of declared.toReversed()) {
    if (effect.version !== undefined && effect.version !== event.identity.version) continue;
    if (directed?.changes.some((change) => change.uid === uid)) continue;
    model.relearn(state.slot, effect.touches, log_ms);
    directedOf(state).changes.push({ uid, left: effect.sessions });
  }
}

/** To be called when a session was learned: a declared change is over for the identity after so many of them. */
export function countLesson({ directed }: IdentityState): void {
  for (const change of directed?.changes ?? []) if (change.left > 0) change.left -= 1;
}

/** The score as the policy weighs it: bits added to what detectors say, or taken from it. */
export function weighed(model: Model, policy: Policy, input: ScoreInput, score: Score): Score {
  const { offsets } = policy;
  if (offsets === undefined) return score;
  const parts = score.parts.map((part, i) => (part === 0 ? 0 : Math.max(0, Math.fround(part + (offsets[i] ?? 0)))));
  return { bits: model.weigh(input, parts), parts };
}

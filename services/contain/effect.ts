import type { Containment, ContainmentTerms } from '../../schemas/containment.ts';
import { type Effect, EffectPredicate, type EffectReport, type EffectWatch } from '../../schemas/effect.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Decision } from './decision.ts';
import type { ContainmentPolicy } from './policy.ts';

/**
 * What must no longer be seen once such a containment was carried out; undefined for what is taken back, and for a target
 * that no event can carry.
 */
function predicateOf({ tenant, identity, recommendation, origin }: ContainmentTerms): EffectPredicate | undefined {
  if (origin?.kind === 'rollback') return undefined;
  const { action, target } = recommendation;
  const whose = { tenant, identity: identity.id };
  const parsed = EffectPredicate.safeParse(
    action === 'restrict_tool'
      ? { ...whose, tool: target }
      : action === 'restrict_data_class'
        ? { ...whose, classification: target }
        : action === 'quarantine_session'
          ? { ...whose, session: target }
          : action === 'revoke_credential'
            ? { ...whose, credential: target }
            : whose,
  );
  return parsed.success ? parsed.data : undefined;
}

/**
 * The containment, which has just ended as `succeeded` or `unknown`, with its effect: watched by telemetry from a grace
 * on. One whose outcome is unknown is watched as well, and is for a human to look at meanwhile.
 */
export function beginEffect(ended: Containment, now: number, policy: Partial<ContainmentPolicy>): Containment {
  const predicate = predicateOf(ended.terms);
  if (predicate === undefined || (ended.state !== 'succeeded' && ended.state !== 'unknown')) return ended;
  const { effect_grace_ms = LIMITS.effect_grace_ms, effect_watch_ms = LIMITS.effect_watch_ms } = policy;
  const from = now + effect_grace_ms;
  const { action } = ended.terms.recommendation;
  const watch: EffectWatch = { containment: ended.id, action, predicate, from, until: from + effect_watch_ms };
  return { ...ended, effect: { state: ended.state === 'unknown' ? 'needs_human' : 'watching', watch } };
}

/**
 * A partition's report about the effect, as the machine decides it. A failure stays one, however often it is told; what
 * is told twice, or comes after the last word, changes nothing.
 */
export function reportEffect(current: Containment, report: EffectReport, now: number): Decision {
  const { effect } = current;
  if (effect === undefined) return refused('effect_not_watched', 'its effect is not watched');
  const before = effect.report;
  const says_more = report.finding === 'failed' && (before?.finding !== 'failed' || report.time > before.time);
  if (before !== undefined && !says_more) return refused('effect_reported', 'what telemetry says of it is known');
  const next: Effect = { ...effect, state: stateAfter(current, report), report };
  return { kind: 'changed', next: { ...current, effect: next, updated: now }, effects: [] };
}

/** Silence settles no unknown outcome: only calls that went through or were refused do. */
function stateAfter({ state }: Containment, { finding, refused: attempts }: EffectReport): Effect['state'] {
  if (state !== 'unknown' || finding === 'failed') return finding;
  return finding === 'verified' && attempts > 0 ? finding : 'needs_human';
}

function refused(code: 'effect_not_watched' | 'effect_reported', message: string): Decision {
  return { kind: 'refused', code, message };
}

import type { Gap, GapIncident } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type GapEvidence, type GapPlace, gapOf, HIDDEN_BY_GROWTH } from '../platform/gaps.ts';

/** How records of the control log change what is known of gaps. */
export type Gaps = Map<string, GapIncident>;

/** A gap that takes the place of another closes it: a stage can stand at one gap only. */
export function openGap(gaps: Gaps, gap: Gap, when: number): void {
  const before = unclosedAt(gaps, gap);
  if (before !== undefined && before.gap.id !== gap.id) closeGap(gaps, before.gap.id, { when });
  // One that comes back is as new.
  gaps.delete(gap.id);
  gaps.set(gap.id, { gap, state: 'open', since: when });
}

export function decideGap(gaps: Gaps, id: string, decision: NonNullable<GapIncident['decision']>): void {
  const known = gaps.get(id);
  if (known !== undefined) gaps.set(id, { ...known, state: 'decided', decision });
}

export function closeGap(gaps: Gaps, id: string, closed: NonNullable<GapIncident['closed']>): void {
  const known = gaps.get(id);
  if (known === undefined) return;
  // What was closed last is forgotten last.
  gaps.delete(id);
  gaps.set(id, { ...known, state: 'closed', closed });
  const ended = [...gaps.values()].filter(({ state }) => state === 'closed');
  for (const { gap } of ended.slice(0, Math.max(0, ended.length - LIMITS.gaps_closed_max))) gaps.delete(gap.id);
}

/** The gap at which a stage stands there, decided or not; undefined when it stands at none. */
export function unclosedAt(
  gaps: ReadonlyMap<string, GapIncident>,
  { stage, topic, partition }: GapPlace,
): GapIncident | undefined {
  for (const one of gaps.values()) {
    const { gap, state } = one;
    if (state !== 'closed' && gap.stage === stage && gap.topic === topic && gap.partition === partition) return one;
  }
  return undefined;
}

/** True when a stage with this evidence stands at the gap, although the log does not show it any more. */
export function isHidden({ gap }: GapIncident, evidence: GapEvidence): boolean {
  return gap.reason === HIDDEN_BY_GROWTH && gapOf(gap, evidence).id === gap.id;
}

/** Gaps that wait for a decision, oldest first. */
export function openGaps({ gaps }: { readonly gaps: ReadonlyMap<string, GapIncident> }): readonly GapIncident[] {
  return [...gaps.values()].filter(({ state }) => state === 'open');
}

import type { Command, Outcome } from '../../schemas/command.ts';
import type { ContainmentTerms } from '../../schemas/containment.ts';
import { lastStanding } from '../control/directives.ts';
import { standingOf } from '../control/keys.ts';
import type { ControlState } from '../control/state.ts';
import { isContained } from './quorum.ts';
import { refusal, type Turn } from './turn.ts';

/**
 * Why an alert may not be called harmless by this asker; undefined when it may. To call it so is to call off what waits
 * because of it, so it takes what cancelling takes: a human, and not the one whom it is about.
 */
export function harmlessObjection(turn: Turn, command: Extract<Command, { type: 'verdict' }>): Outcome | undefined {
  if (command.verdict === 'true_positive') return undefined;
  const waiting = openTerms(turn.state, command.alert_uid);
  if (waiting.length === 0) return undefined;
  if (!standingOf(turn.state, command.by, command.credential).human) {
    return refusal('not_human', 'a containment of this alert is open, and only humans call it off');
  }
  if (!waiting.some((terms) => isContained(terms, command.by))) return undefined;
  return refusal('contained_cannot_decide', 'a containment of this alert is about you, or about what you own');
}

/**
 * Whether the judgement by which an alert is closed is a machine's. A machine may judge where nothing is open; what is
 * proposed or requested afterwards must not fall by it.
 */
export function isJudgedByMachine(state: ControlState, alert_uid: string): boolean {
  const author = lastStanding(state.verdicts.get(alert_uid) ?? [])?.author;
  if (author === undefined) return false;
  return [...state.principals.values()].some(
    ({ principal }) => !principal.human && `${principal.issuer}/${principal.subject}` === author,
  );
}

/** Of what a verdict could call off: a roll-back is what follows when an alert was none. */
function openTerms(state: ControlState, alert_uid: string): ContainmentTerms[] {
  return (state.byAlert.get(alert_uid) ?? [])
    .filter((id) => state.open.has(id))
    .flatMap((id) => state.containments.get(id)?.terms ?? [])
    .filter(({ origin }) => origin?.kind !== 'rollback');
}

import type { Alert } from '../../schemas/alert.ts';
import type { Containment, ContainmentTerms } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { isJudgedByMachine } from './harmless.ts';
import { containmentId, termsFrom } from './terms.ts';
import { cancelForAlert, change, type Turn } from './turn.ts';

/**
 * What an alert revision from the feed does: an open alert's recommendation becomes a proposal, once, with the evidence of
 * that revision; later revisions that recommend the same change nothing of it. An alert that a person judged harmless takes
 * its proposals with it; one that only went quiet does not, for an attacker can be quiet too.
 */
export function onAlert(turn: Turn, alert: Alert): void {
  if (alert.status === 'closed') {
    const reason = alert.closed_reason;
    if (reason !== 'false_positive' && reason !== 'expected_change') return;
    if (!isJudgedByMachine(turn.state, alert.uid)) cancelForAlert(turn, alert.uid, reason);
    return;
  }
  const { policy, executors } = turn.context;
  const terms = termsFrom(alert, policy, executors, turn.state.policy?.document);
  const siblings = recommendedBy(turn, alert.uid);
  const again = siblings.filter((one) => gaveWay(one) && sameAction(one.terms, terms)).length;
  const id = containmentId(terms, again);
  if (turn.state.containments.has(id)) return;
  if (turn.state.open.size >= LIMITS.containments_open_max) {
    refuse(turn, 'open_max', id);
    return;
  }
  // The target of a recommendation can be of an attacker's choosing: a new one in each revision must not flood approvers.
  if (siblings.length >= LIMITS.proposals_per_alert_max) {
    refuse(turn, 'alert_max', id);
    return;
  }
  supersede(turn, siblings);
  change(turn, id, { type: 'propose', id, terms, requested_by: SYSTEM }, { who: SYSTEM });
}

/** Approvers see one proposal of a story at a time: an older one that nobody has voted on gives way. */
function supersede(turn: Turn, siblings: readonly Containment[]): void {
  const by = { principal: SYSTEM, credential: undefined };
  for (const { id, state, votes } of siblings) {
    if (state !== 'pending' || votes.length > 0) continue;
    change(turn, id, { type: 'cancel', by, reason: 'superseded' }, { who: SYSTEM });
  }
}

/** What detection proposed because of an alert, and no person has changed. */
function recommendedBy({ state }: Turn, uid: string): Containment[] {
  return (state.byAlert.get(uid) ?? [])
    .flatMap((id) => state.containments.get(id) ?? [])
    .filter(({ terms }) => (terms.origin?.kind ?? 'recommended') === 'recommended');
}

const gaveWay = ({ cancellation }: Containment): boolean => cancellation?.reason === 'superseded';

function sameAction(a: ContainmentTerms, b: ContainmentTerms): boolean {
  return a.recommendation.action === b.recommendation.action && a.recommendation.target === b.recommendation.target;
}

function refuse(turn: Turn, reason: 'open_max' | 'alert_max', id: string): void {
  turn.notes.push({ name: 'proposals_refused', labels: { reason }, fields: { containment: id } });
}

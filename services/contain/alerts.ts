import type { Alert } from '../../schemas/alert.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { containmentId, termsFrom } from './terms.ts';
import { cancelForAlert, change, type Turn } from './turn.ts';

/**
 * What an alert revision from the feed does: an open alert's recommendation becomes a proposal, once, with the evidence of
 * that revision; later revisions change nothing of it. An alert that was judged harmless takes its proposals with it; one
 * that only went quiet does not, for an attacker can be quiet too.
 */
export function onAlert(turn: Turn, alert: Alert): void {
  if (alert.status === 'closed') {
    const reason = alert.closed_reason;
    if (reason === 'false_positive' || reason === 'expected_change') cancelForAlert(turn, alert.uid, reason);
    return;
  }
  const terms = termsFrom(alert, turn.context.policy, turn.context.executors);
  const id = containmentId(terms);
  if (turn.state.containments.has(id)) return;
  if (turn.state.open.size >= LIMITS.containments_open_max) {
    refuse(turn, 'open_max', id);
    return;
  }
  // The target of a recommendation can be of an attacker's choosing: a new one in each revision must not flood approvers.
  const siblings = turn.state.byAlert.get(alert.uid)?.length ?? 0;
  if (siblings >= LIMITS.proposals_per_alert_max) {
    refuse(turn, 'alert_max', id);
    return;
  }
  change(turn, id, { type: 'propose', terms, requested_by: SYSTEM }, { who: SYSTEM });
}

function refuse(turn: Turn, reason: 'open_max' | 'alert_max', id: string): void {
  turn.notes.push({ name: 'proposals_refused', labels: { reason }, fields: { containment: id } });
}

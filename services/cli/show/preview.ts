import type { BlastRadius, ContainmentPreview } from '../../../schemas/api/preview.ts';
import { counted, instant, minute, printable, type Terminal } from '../terminal.ts';
import { fact, heading, shortId } from './words.ts';

/** What an approver looks at before voting. */
export function showPreview(terminal: Terminal, preview: ContainmentPreview): void {
  fact(terminal, 'containment', shortId(preview.containment));
  fact(terminal, 'digest', preview.digest);
  terminal.paragraph(printable(preview.message, 300));
  const { order, blast_radius } = preview;
  if (order !== undefined) {
    heading(terminal, order.direction === 'restore' ? 'What would be sent, to take it back' : 'What would be sent');
    for (const line of order.dry_run.split('\n')) terminal.line(`  ${printable(line, 2_000)}`);
    const repeats =
      order.idempotent && order.can_probe ? 'asked again, after a look' : 'not asked again: it becomes unknown';
    fact(terminal, 'when unclear', repeats);
  }
  heading(terminal, 'What it would touch');
  if (blast_radius === undefined) terminal.paragraph('Nothing is stored of this identity.', 2);
  else showReach(terminal, blast_radius);
}

function showReach(terminal: Terminal, reach: BlastRadius): void {
  const { identity, target } = reach;
  fact(
    terminal,
    'looked at',
    `${minute(reach.from)} to ${minute(reach.to)} UTC; of others from ${minute(reach.others_from)}`,
  );
  fact(
    terminal,
    'identity',
    `${counted(identity.events, 'event')} in ${counted(identity.sessions, 'session')}, last at ${instant(identity.last_time)}`,
  );
  if (target !== undefined) {
    const last = target.last_time === undefined ? '' : `, last at ${instant(target.last_time)}`;
    fact(
      terminal,
      'would stop',
      `${counted(target.events, 'of these events', 'of these events')}, in ${counted(target.sessions, 'session')}${last}`,
    );
  }
  fact(terminal, 'open sessions', counted(reach.sessions_open, 'session'));
  const open = reach.sessions.filter((one) => one.open).map(({ session }) => session);
  if (open.length > 0) fact(terminal, '', names(open));
  for (const [label, list] of [
    ['credentials', reach.credentials],
    ['tools', reach.tools],
    ['acts for', reach.acts_for],
  ] as const) {
    if (list.length > 0)
      fact(terminal, label, list.map(({ name, events }) => `${printable(name, 80)} (${events})`).join(', '));
  }
  const shares = reach.shares_credential.map(
    ({ identity: other, credential }) => `${printable(other, 80)} (${printable(credential, 80)})`,
  );
  if (shares.length > 0) fact(terminal, 'shares with', terminal.style('yellow', shares.join(', ')));
  if (reach.delegates_to.length > 0)
    fact(terminal, 'hands work to', names(reach.delegates_to.map((one) => one.identity)));
  if (reach.delegated_by.length > 0) fact(terminal, 'works for', names(reach.delegated_by.map((one) => one.identity)));
}

function names(list: readonly string[]): string {
  return list.map((name) => printable(name, 80)).join(', ');
}

import type { Alert } from '../../../schemas/alert.ts';
import { minute, printable, type Terminal } from '../terminal.ts';
import { severityText, shortId } from './words.ts';

/** Alerts as a table, in the order given. */
export function showAlerts(terminal: Terminal, alerts: readonly Alert[]): void {
  const head = ['alert', 'updated (UTC)', 'severity', 'identity', 'what', 'bits', 'status'];
  terminal.table(
    head,
    alerts.map((alert) => [
      shortId(alert.uid),
      minute(alert.updated),
      severityText(terminal, alert.severity),
      printable(alert.identity.id, 48),
      whatOf(alert),
      alert.bits.toFixed(0).padStart(4),
      statusText(alert),
    ]),
    { flexible: 4 },
  );
}

/** The title without the name that stands beside it. */
export function whatOf({ title, identity }: Pick<Alert, 'title' | 'identity'>): string {
  const who = identity.name ?? identity.id;
  return printable(title.startsWith(`${who} `) ? title.slice(who.length + 1) : title, 160);
}

/** An alert that went quiet is closed; one that was judged says how. */
function statusText({ status, closed_reason }: Alert): string {
  return status === 'open' || closed_reason === undefined || closed_reason === 'quiet' ? status : closed_reason;
}

import type { AuditEntry } from '../../../schemas/api/audit.ts';
import { LOCAL_ISSUER } from '../../../schemas/principal.ts';
import type { AuditReport } from '../../control/audit-verify.ts';
import { minute, printable, type Terminal } from '../terminal.ts';

/** Records of the audit log as a table. What they say names ids only, and is made printable all the same. */
export function showEntries(terminal: Terminal, entries: readonly AuditEntry[]): void {
  terminal.table(
    ['record', 'when (UTC)', 'who', 'kind', 'what'],
    entries.map(({ n, when, who, kind, what }) => [
      n === undefined ? '-' : String(n),
      minute(when),
      printable(who.issuer === LOCAL_ISSUER ? who.subject : `${who.subject} (${who.issuer})`, 40),
      kind,
      printable(what, 200),
    ]),
    { flexible: 4 },
  );
}

const TRUST = {
  given: 'was given',
  endorsed: 'is vouched for by the key before it',
  named: 'is named by the log alone',
} as const;

/** What a verification found, and what it cannot say. */
export function showReport(terminal: Terminal, report: AuditReport, given: { readonly checkpoints: number }): void {
  const { first, last, unchained, inside, outside, skipped, covered, keys, problems } = report;
  for (const { message, code } of problems) {
    terminal.line(`${terminal.style('red', 'BROKEN')} ${printable(message, 500)} [${code}]`);
  }
  const records = last < first ? 'No record follows.' : `Records ${first} to ${last} follow on each other.`;
  terminal.line(report.ok ? `${terminal.style('green', 'VERIFIED')} ${records}` : records);
  if (unchained > 0) terminal.line(`Records 1 to ${unchained} are of before the chain; it binds them as one.`);
  terminal.line(`Checkpoints that agree: ${inside} in the export, ${outside} from outside; not looked at: ${skipped}.`);
  for (const { kid, trust } of keys) terminal.line(`Key ${kid} ${TRUST[trust]}.`);
  if (last > covered && last >= first) {
    terminal.line(
      `No signature covers records ${Math.max(first, covered + 1)} to ${last}: ask for a later checkpoint.`,
    );
  }
  if (keys.every(({ trust }) => trust !== 'given')) {
    terminal.line('No key was given (--key): this shows that nothing was changed since, not who signed.');
  }
  if (given.checkpoints === 0)
    terminal.line('No checkpoint was given (--checkpoints): records may be missing at the end.');
}

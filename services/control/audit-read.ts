import type { AuditEntry } from '../../schemas/api/audit.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { EventLog } from '../platform/event-log.ts';
import { sha256 } from './chain.ts';
import { withoutSecrets } from './sealed.ts';
import { type ControlEntry, readControl } from './writer.ts';

/** Which records are wanted; what is absent does not matter. */
export type AuditFilter = {
  readonly since?: number | undefined;
  /** Before it, not at it. */
  readonly until?: number | undefined;
  readonly kind?: ControlRecord['kind'] | undefined;
  /** Subject of who did it. */
  readonly by?: string | undefined;
  readonly containment?: string | undefined;
};

export type AuditFound = {
  readonly items: readonly AuditEntry[];
  /** Offset to go on at. */
  readonly next: number;
  /** False at the end of the log. */
  readonly more: boolean;
};

/** Records from an offset on that fit, oldest first. Looks at a bounded number of records, so a page may be short. */
export async function readAudit(
  log: Pick<EventLog, 'read'>,
  from: number,
  { limit, filter }: { readonly limit: number; readonly filter: AuditFilter },
): Promise<AuditFound> {
  const items: AuditEntry[] = [];
  let next = from;
  for (let looked = 0; looked < LIMITS.audit_scan_records_max; ) {
    const read = await readControl(log, next);
    if (read.next === next) return { items, next, more: false };
    for (const entry of read.entries) {
      if (!fits(entry.record, filter)) continue;
      items.push(auditEntry(entry));
      if (items.length === limit) return { items, next: entry.offset + 1, more: true };
    }
    looked += Math.max(1, read.entries.length);
    next = read.next;
  }
  return { items, next, more: true };
}

function fits(record: ControlRecord, { since, until, kind, by, containment }: AuditFilter): boolean {
  return (
    (since === undefined || record.when >= since) &&
    (until === undefined || record.when < until) &&
    (kind === undefined || record.kind === kind) &&
    (by === undefined || record.who.subject === by) &&
    (containment === undefined || isAbout(record, containment))
  );
}

function isAbout(record: ControlRecord, containment: string): boolean {
  switch (record.kind) {
    case 'containment_changed':
      return record.containment.id === containment;
    case 'stepped_up':
      return record.step_up.containment === containment;
    case 'command_outcome':
      return record.outcome.kind === 'done' && record.outcome.subject === containment;
    default:
      return false;
  }
}

const WITHHELD = '[withheld]';

function auditEntry({ record, line }: ControlEntry): AuditEntry {
  const { kind, who, when, what, command, chain } = record;
  return {
    ...(chain !== undefined && { n: chain.n }),
    ...{ kind, who, when, what },
    ...(command !== undefined && { command }),
    hash: sha256(line).toString('hex'),
    record: withoutSecrets(record, WITHHELD),
  };
}

import type { ControlRecord } from '../../schemas/control.ts';
import { withoutSecrets } from './sealed.ts';
import type { ControlEntry } from './writer.ts';

/** A row of the copies that ClickHouse holds of the control log. The log itself stays the truth. */
export type ControlCopy = {
  /** Offset in the control log: unique, so a copy written twice collapses. */
  readonly sequence: number;
  readonly kind: ControlRecord['kind'];
  /** Clock of the writer, epoch milliseconds. */
  readonly time: number;
  readonly who: string;
  readonly what: string;
  /** The whole record as JSON, without what could open a door: signing secrets, hashes and passwords' verifiers. */
  readonly json: string;
};

const WITHHELD = '[withheld]';

export function controlCopies(entries: readonly ControlEntry[]): ControlCopy[] {
  return entries.map(({ offset, record }) => ({
    sequence: offset,
    kind: record.kind,
    time: record.when,
    who: `${record.who.issuer}/${record.who.subject}`,
    what: record.what,
    json: JSON.stringify(withoutSecrets(record, WITHHELD)),
  }));
}

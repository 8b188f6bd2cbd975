import { type EventLog, TOPICS } from '../platform/event-log.ts';
import { sha256 } from './chain.ts';
import { lineOf, tellsSecrets, withoutSecrets } from './sealed.ts';

/**
 * The control log as a file for those who verify it: a line for each record, and the line is the very bytes that the
 * chain binds. They hold no secrets; a record of before secrets were sealed is replaced by its hash (docs/audit.md).
 */

const WITHHELD = '[withheld]';
const BATCH = { records: 500, bytes: 4 << 20 } as const;

/** A place in the export: where to read on, and the number of the record there. */
export type ExportPlace = { readonly offset: number; readonly n: number };

export type ExportPage = {
  readonly lines: readonly { readonly n: number; readonly bytes: Buffer }[];
  readonly next: ExportPlace;
};

/** The next lines, some at a time; at the end there are none. Nothing is parsed that need not be: a broken log can be exported. */
export async function readExport(log: Pick<EventLog, 'read'>, at: ExportPlace): Promise<ExportPage> {
  const { records, next } = await log.read(TOPICS.control, 0, at.offset, BATCH);
  const lines = records.map(({ value }, index) => ({ n: at.n + index, bytes: exportLine(value, at.n + index) }));
  return { lines, next: { offset: next, n: at.n + records.length } };
}

/** A stored record as a line, without the line feed. */
export function exportLine(value: Buffer, n: number): Buffer {
  const line = lineOf(value);
  const record = recordIn(line);
  if (record !== undefined && !tellsSecrets(record)) return line;
  const shown = record && withoutSecrets(record, WITHHELD);
  const withheld = { n, sha256: sha256(line).toString('hex'), ...(shown !== undefined && { record: shown }) };
  return Buffer.from(JSON.stringify({ withheld }));
}

/** Of what is no record it cannot be said what it tells. */
function recordIn(line: Buffer): (Record<string, unknown> & { readonly kind: string }) | undefined {
  try {
    const json: unknown = JSON.parse(line.toString('utf8'));
    const whole = typeof json === 'object' && json !== null && 'kind' in json && typeof json.kind === 'string';
    return whole ? { ...json, kind: String(json.kind) } : undefined;
  } catch {
    return undefined;
  }
}

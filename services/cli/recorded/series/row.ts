import { excerpt } from '../../../ingest/refusal.ts';
import { parseRfc3339 } from '../../../ingest/time.ts';

/** A line of a series file: a measurement, or why it is none, in words that name line, value and remedy. */
export type SeriesRow =
  | {
      readonly kind: 'row';
      readonly line: number;
      readonly timestamp: string;
      readonly at_ms: number;
      readonly value: number;
    }
  | BadRow
  | { readonly kind: 'header' | 'blank' };

export type BadRow = {
  readonly kind: 'bad';
  readonly line: number;
  readonly reason: BadRowReason;
  readonly message: string;
};
export type BadRowReason = 'columns_invalid' | 'timestamp_invalid' | 'value_invalid' | 'line_too_long' | 'file_damaged';

export const LINE_CHARS_MAX = 4096;

/**
 * Reads one line. `beginning`: no other line with something on it stood before, so it may be a header, which is a line of
 * which neither column can be read.
 */
export function readSeriesRow(text: string, line: number, { beginning }: { readonly beginning: boolean }): SeriesRow {
  const bad = (reason: BadRowReason, problem: string): BadRow => {
    return { kind: 'bad', line, reason, message: `line ${line}: ${problem}` };
  };
  if (text.length > LINE_CHARS_MAX) return bad('line_too_long', `more than ${LINE_CHARS_MAX} characters; is this CSV?`);
  if (text.trim() === '') return { kind: 'blank' };
  const cells = text.split(',').map(cellOf);
  const [timestamp = '', number = ''] = cells;
  const at_ms = readTimestamp(timestamp);
  const value = NUMBER.test(number) ? Number(number) : Number.NaN;
  if (beginning && cells.length >= 2 && Number.isNaN(at_ms) && Number.isNaN(value)) return { kind: 'header' };
  if (cells.length !== 2) {
    return bad('columns_invalid', `${excerpt(text)} is not the two columns timestamp,value (it has ${cells.length})`);
  }
  if (Number.isNaN(at_ms))
    return bad('timestamp_invalid', `timestamp ${excerpt(timestamp)} is no time; write ${FORMS}`);
  if (!Number.isFinite(value))
    return bad('value_invalid', `value ${excerpt(number)} is no finite number, such as -12.5e3`);
  return { kind: 'row', line, timestamp, at_ms, value };
}

const FORMS = '2025-03-03T09:00:00Z, 2025-03-03 09:00:00 (UTC), or epoch seconds or milliseconds';
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const EPOCH = /^\d+(\.\d+)?$/;
const BARE = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?$/;
/** Numbers below are seconds: until the year 5138, while as milliseconds they would lie before March 1973. */
const SECONDS_BELOW = 1e11;
/** The last year of four digits. */
const EPOCH_MS_MAX = 253_402_300_799_999;

function cellOf(text: string): string {
  const cell = text.trim();
  return cell.length >= 2 && cell.startsWith('"') && cell.endsWith('"') ? cell.slice(1, -1).trim() : cell;
}

/** Epoch milliseconds, or NaN. A time without an offset is UTC. */
function readTimestamp(text: string): number {
  if (EPOCH.test(text)) {
    const number = Number(text);
    const at_ms = number < SECONDS_BELOW ? number * 1000 : number;
    return at_ms <= EPOCH_MS_MAX ? at_ms : Number.NaN;
  }
  const whole = BARE.test(text) ? `${text}Z` : text;
  return parseRfc3339(`${whole.slice(0, 10)}${whole[10] === ' ' ? 'T' : (whole[10] ?? '')}${whole.slice(11)}`);
}

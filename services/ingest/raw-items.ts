import { LIMITS } from '../../schemas/limits.ts';
import type { LogRecord } from '../platform/event-log.ts';
import type { Item } from './core.ts';
import { isGzip } from './gunzip.ts';
import type { Normaliser } from './normaliser.ts';
import type { Refusal } from './refusal.ts';
import { firstVisible, splitBody } from './split.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * The items of a record of a raw topic, at least one: what becomes of a record is always told (promise P1).
 *
 * A record holds what a body of `POST /v1/events` may hold, one JSON object, a JSON list or NDJSON, and its object may
 * also stand on several lines. What one of `formats` knows as its binary form is one item. `place` is `topic/partition/offset`; the items of a list stand at `place[index]`, lines at
 * `place:line`.
 */
export function itemsOfRecord(
  record: Pick<LogRecord, 'value' | 'tombstone'>,
  place: string,
  formats: readonly Pick<Normaliser, 'binary'>[],
): readonly Item[] {
  const { value } = record;
  if (record.tombstone === true) return [brokenItem(value, place, NO_VALUE)];
  if (formats.some(({ binary }) => binary?.fits(value))) return [{ bytes: value, position: place }];
  if (isOneDocument(value)) return [{ bytes: value, position: place }];
  if (isGzip(value)) return [brokenItem(value, place, GZIP)];
  const items = splitBody(value, place, LIMITS.raw_record_items_max);
  if (items.length === 0) return [brokenItem(value, place, NO_ITEM)];
  if (items.length > LIMITS.raw_record_items_max) return [brokenItem(value, place, TOO_MANY)];
  return items;
}

/** Nearly every record is one, and shows it by its first character and by having no line break but a last one. */
function isOneDocument(value: Buffer): boolean {
  const start = firstVisible(value);
  if (value[start] !== OPENING_BRACE) return false;
  const newline = value.indexOf(NEWLINE, start);
  return newline === -1 || newline === value.length - 1 || !hasObjectLine(value, start, newline);
}

/**
 * Whether some line holds an object from its first byte to its last, as all lines of NDJSON do and none of a document
 * that was written over several lines: there, what is within the outermost braces is indented.
 */
function hasObjectLine(value: Buffer, start: number, first_newline: number): boolean {
  let from = start;
  for (let at = first_newline; ; at = value.indexOf(NEWLINE, from)) {
    const end = at === -1 ? value.length : at;
    const last = value[end - 1] === RETURN ? end - 2 : end - 1;
    if (last > from && value[from] === OPENING_BRACE && value[last] === CLOSING_BRACE) return true;
    if (at === -1) return false;
    from = at + 1;
  }
}

function brokenItem(value: Buffer, position: string, refusal: Refusal): Item {
  return {
    bytes: value.subarray(0, LIMITS.dead_letter_bytes_max),
    position,
    broken: { refusal, length: value.length },
  };
}

const NO_VALUE: Refusal = {
  kind: 'refused',
  reason: 'empty_record',
  message: 'the record has no value (a tombstone); send one event a record, and compact no topic of audit events',
};

const NO_ITEM: Refusal = {
  kind: 'refused',
  reason: 'empty_record',
  message: 'the record holds no item; send one event a record',
};

const TOO_MANY: Refusal = {
  kind: 'refused',
  reason: 'too_many_items',
  message: `the record holds more than ${LIMITS.raw_record_items_max} items; send fewer in a record`,
};

const GZIP: Refusal = {
  kind: 'refused',
  reason: 'invalid_utf8',
  message: 'the value is gzip, not JSON; leave compressing to the producer of the topic (compression.type)',
};

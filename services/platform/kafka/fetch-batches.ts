import type { LogRecord } from '../event-log.ts';
import { unpack } from './codecs.ts';
import { UnpackError } from './codecs-output.ts';
import { crc32c } from './crc32c.ts';
import { type AbortedTransaction, readInt64 } from './fetch-request.ts';
import { keyText } from './key-text.ts';

/**
 * Record batches of the message format 2 (https://kafka.apache.org/documentation/#recordbatch), decoded record by record
 * as somebody takes them: whole batches are passed over without a look at their records.
 */
export type Batches = {
  readonly bytes: Buffer;
  /** Aborted transactions among them, in the order in which they begin, and how many of them have begun. */
  readonly aborted: readonly AbortedTransaction[];
  begun: number;
  /** Producers whose transaction at this place was aborted. */
  readonly discarded: Set<bigint>;
  readonly batch_bytes_max: number;
  readonly checks: boolean;
  /** Where the next batch begins. */
  at: number;
  /** The batch that is being read: its records, unpacked, and what all of them share. */
  records: Buffer;
  record_at: number;
  records_end: number;
  records_left: number;
  base: number;
  /** First offset behind the batch. */
  behind: number;
  /** Append time of all records, or NaN when each has its own, counted from `first_ms`. */
  append_ms: number;
  first_ms: number;
  /** Met behind records that were given out; the next to take is told. */
  damage: BatchDamage | undefined;
};

/** The bytes are not those that were written: perhaps on the way here, and then fetching them again helps. */
class ChecksumError extends RangeError {
  override readonly name = 'ChecksumError';
}

/** Records cannot be read from here to below `next`. */
export class BatchDamage extends Error {
  override readonly name = 'BatchDamage';
  readonly next: number;
  readonly reason: UnpackError['reason'];

  get checksum(): boolean {
    return this.cause instanceof ChecksumError;
  }

  constructor(next: number, reason: UnpackError['reason'], options?: ErrorOptions) {
    super('a batch cannot be read', options);
    this.next = next;
    this.reason = reason;
  }
}

const NOTHING = Buffer.alloc(0);

export function openBatches(
  bytes: Buffer,
  aborted: readonly AbortedTransaction[],
  options: {
    readonly batch_bytes_max: number /** Checksums of batches; true when absent. */;
    readonly checks?: boolean;
  },
): Batches {
  return {
    bytes,
    aborted: aborted.length < 2 ? aborted : [...aborted].sort((a, b) => a.first_offset - b.first_offset),
    begun: 0,
    discarded: new Set(),
    batch_bytes_max: options.batch_bytes_max,
    checks: options.checks ?? true,
    at: 0,
    records: NOTHING,
    record_at: 0,
    records_end: 0,
    records_left: 0,
    base: 0,
    behind: 0,
    append_ms: Number.NaN,
    first_ms: 0,
    damage: undefined,
  };
}

/** What was taken: bytes of the records, and the offset to read on from. */
export type Taken = { readonly bytes: number; readonly next: number; readonly exhausted: boolean };

/**
 * Appends records from offset `from` on, at most so many and roughly so many bytes but at least one. `exhausted` when
 * the batches have no more; `next` is then behind all of them, be it records, markers or what was aborted.
 * Throws BatchDamage when nothing precedes what cannot be read.
 */
export function takeRecords(
  batches: Batches,
  from: number,
  most: { readonly records: number; readonly bytes: number },
  into: LogRecord[],
): Taken {
  const had = into.length;
  let next = from;
  let bytes = 0;
  try {
    for (;;) {
      if (batches.damage !== undefined) throw batches.damage;
      if (batches.records_left === 0) {
        if (!nextBatch(batches, next)) return { bytes, next, exhausted: true };
        // A batch without records for us is passed over.
        if (batches.records_left === 0) next = Math.max(next, batches.behind);
        continue;
      }
      const room = { records: most.records - (into.length - had), bytes: most.bytes - bytes };
      if (into.length > had && (room.records <= 0 || room.bytes <= 0)) return { bytes, next, exhausted: false };
      bytes += takeFromBatch(batches, next, room, into);
      next = nextAfter(batches, next, into);
    }
  } catch (error) {
    const damage = damageOf(batches, error);
    batches.damage = into.length > had ? damage : undefined;
    if (batches.damage === undefined) throw damage;
    return { bytes, next: nextAfter(batches, next, into), exhausted: false };
  }
}

/** Where to read on after what was taken of the current batch. */
function nextAfter(batches: Batches, from: number, taken: readonly LogRecord[]): number {
  if (batches.records_left === 0 && batches.damage === undefined) return Math.max(from, batches.behind);
  const last = taken[taken.length - 1];
  return last === undefined ? from : Math.max(from, last.offset + 1);
}

/** Passes over the rest of the batch, so that reading can go on behind it. */
function damageOf(batches: Batches, error: unknown): BatchDamage {
  if (error instanceof BatchDamage) return error;
  if (!(error instanceof RangeError || error instanceof UnpackError)) throw error;
  batches.records_left = 0;
  return new BatchDamage(batches.behind, error instanceof UnpackError ? error.reason : 'damaged', { cause: error });
}

const HEAD_BYTES = 61;
/** Bytes of a batch that its length does not count: offset and length. */
const LENGTH_END = 12;
const MAGIC = 2;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Goes to the next batch. False when there is no further one, or only a part of it. */
function nextBatch(batches: Batches, from: number): boolean {
  const { bytes, at } = batches;
  if (at + LENGTH_END > bytes.length) return false;
  const length = bytes.readInt32BE(at + 8);
  const end = at + LENGTH_END + length;
  if (end > bytes.length) return false;
  const base = readInt64(bytes, at);
  // Behind a length that cannot be, nothing more can be found.
  batches.at = length < 0 ? bytes.length : end;
  batches.base = base;
  batches.behind = base + 1;
  if (end < at + HEAD_BYTES || bytes[at + 16] !== MAGIC) throw new RangeError('a batch is not of message format 2');
  batches.behind = base + bytes.readInt32BE(at + 23) + 1;
  const attributes = bytes.readInt16BE(at + 21);
  if (isDiscarded(batches, at, attributes) || batches.behind <= from) return true;
  if (batches.checks && crc32c(bytes, at + 21, end) !== bytes.readUInt32BE(at + 17)) {
    throw new ChecksumError('the checksum of a batch is not that of its bytes');
  }
  batches.first_ms = readInt64(bytes, at + 27);
  batches.append_ms = (attributes & LOG_APPEND_TIME) === 0 ? Number.NaN : readInt64(bytes, at + 35);
  const count = bytes.readInt32BE(at + 57);
  const codec = attributes & CODEC_MASK;
  if (codec === 0) {
    batches.records = bytes;
    batches.record_at = at + HEAD_BYTES;
    batches.records_end = end;
  } else {
    batches.records = unpack(codec, bytes.subarray(at + HEAD_BYTES, end), batches.batch_bytes_max);
    batches.record_at = 0;
    batches.records_end = batches.records.length;
  }
  batches.records_left = Math.max(0, count);
  return true;
}

/**
 * Markers of transactions and what belongs to aborted ones. An aborted transaction begins where the broker says and ends
 * at its producer's next marker.
 */
function isDiscarded(batches: Batches, at: number, attributes: number): boolean {
  if ((attributes & (CONTROL | TRANSACTIONAL)) === 0) return false;
  const { aborted, discarded } = batches;
  while (
    batches.begun < aborted.length &&
    (aborted[batches.begun] as AbortedTransaction).first_offset < batches.behind
  ) {
    discarded.add((aborted[batches.begun++] as AbortedTransaction).producer);
  }
  if (discarded.size === 0) return (attributes & CONTROL) !== 0;
  const producer = batches.bytes.readBigInt64BE(at + 43);
  if ((attributes & CONTROL) === 0) return discarded.has(producer);
  discarded.delete(producer);
  return true;
}

/** Records of the batch from the offset on. Returns their bytes. Throws RangeError when the batch is damaged. */
function takeFromBatch(
  batches: Batches,
  from: number,
  room: { readonly records: number; readonly bytes: number },
  into: LogRecord[],
): number {
  const { records, records_end, base, append_ms, first_ms } = batches;
  const cursor: Cursor = { bytes: records, at: batches.record_at, end: records_end };
  let taken = 0;
  let bytes = 0;
  while (batches.records_left > 0) {
    const length = varint(cursor);
    const end = cursor.at + length;
    if (length < 0 || end > records_end) throw new RangeError('a record ends behind its batch');
    cursor.at++; // attributes, which are not used
    const delta_ms = varlong(cursor);
    const offset = base + varint(cursor);
    if (offset >= from) {
      if (taken > 0 && (taken >= room.records || bytes >= room.bytes)) return bytes;
      const key_length = varint(cursor);
      const key_at = cursor.at;
      if (key_length > 0) cursor.at += key_length;
      const value_length = varint(cursor);
      const value_at = cursor.at;
      const value_end = value_length > 0 ? value_at + value_length : value_at;
      if (value_end > end || cursor.at > end) throw new RangeError('a value ends behind its record');
      const ms = Number.isNaN(append_ms) ? first_ms + delta_ms : append_ms;
      const key = key_length > 0 ? keyText(records, key_at, key_at + key_length) : '';
      const value = records.subarray(value_at, value_end);
      into.push(
        value_length < 0
          ? { offset, append_ms: ms, key, value, tombstone: true }
          : { offset, append_ms: ms, key, value },
      );
      taken++;
      bytes += end - value_at;
    }
    // What is left of the record are its headers.
    cursor.at = end;
    batches.record_at = end;
    batches.records_left--;
  }
  return bytes;
}

type Cursor = { readonly bytes: Buffer; at: number; readonly end: number };

/** A zigzag varint of up to 32 bits. */
function varint(cursor: Cursor): number {
  const { bytes } = cursor;
  let byte = bytes[cursor.at++] as number;
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  let value = byte & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    byte = bytes[cursor.at++] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
  }
  throw new RangeError('a number of a record is no varint');
}

/** A zigzag varint of up to 64 bits, as a float: exact below 2^53. */
function varlong(cursor: Cursor): number {
  const { bytes } = cursor;
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = bytes[cursor.at++] as number;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  throw new RangeError('a number of a record is no varint');
}

import { crc32 } from 'node:zlib';
import { LIMITS } from '../../../schemas/limits.ts';
import type { LogRecord, NewRecord } from '../event-log.ts';

/**
 * Records of one write and one partition are stored together, as Kafka's record batches are: a row costs SQLite more
 * than a record does. Body of a batch, little-endian, for each record:
 *
 *   u32 key length in bytes * 2 + 1 if the key is UTF-16, else Latin-1 | u32 value length | key | value
 *
 * Keys come from agents: UTF-16 keeps every JavaScript string as it is, lone surrogates included, where UTF-8 would
 * make different keys equal.
 */
const HEADER = 8;
const UTF16 = 1;

export type Batch = { readonly count: number; readonly crc: number; readonly body: Buffer };

/** A stored batch: `last_offset` is that of its last record, and all records were appended at `append_ms`. */
export type BatchRow = {
  readonly last_offset: number;
  readonly count: number;
  readonly append_ms: number;
  readonly crc: number;
  readonly body: Uint8Array;
};

/** Bytes that a record takes at most. */
export function recordBytes(record: NewRecord): number {
  return HEADER + record.key.length * 2 + record.value.length;
}

/** Packs the records in order into as many batches as `LIMITS.log_batch_bytes_max` and `fetch_records_max` ask for. */
export function encodeBatches(records: readonly NewRecord[]): Batch[] {
  const batches: Batch[] = [];
  let from = 0;
  while (from < records.length) {
    let to = from;
    let bytes = 0;
    while (to < records.length && to - from < LIMITS.fetch_records_max) {
      bytes += recordBytes(records[to] as NewRecord);
      if (bytes > LIMITS.log_batch_bytes_max && to > from) break;
      to++;
    }
    batches.push(encodeBatch(records, from, to, bytes));
    from = to;
  }
  return batches;
}

function encodeBatch(records: readonly NewRecord[], from: number, to: number, bytes_max: number): Batch {
  const buffer = Buffer.allocUnsafe(bytes_max);
  let at = 0;
  for (let i = from; i < to; i++) {
    const { key, value } = records[i] as NewRecord;
    let written = writeLatin1(buffer, key, at + HEADER);
    let header = written * 2;
    if (written < 0) {
      written = buffer.write(key, at + HEADER, 'utf16le');
      header = written * 2 + UTF16;
    }
    buffer.writeUInt32LE(header, at);
    buffer.writeUInt32LE(value.length, at + 4);
    at += HEADER + written;
    buffer.set(value, at);
    at += value.length;
  }
  const body = buffer.subarray(0, at);
  return { count: to - from, crc: crc32(body), body };
}

/** Bytes written, or -1 when a character needs more than one byte. */
function writeLatin1(buffer: Buffer, key: string, at: number): number {
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    if (unit > 0xff) return -1;
    buffer[at + i] = unit;
  }
  return key.length;
}

/** True when the body is what was written. */
export function batchIsSound(row: BatchRow): boolean {
  return crc32(row.body) === row.crc;
}

/**
 * Appends the batch's records from `offset` on to `into`, until that holds `most.records` or the values that this call
 * added reach `most.bytes`; at least one. Values are views of the batch: whoever keeps one for long copies it.
 * Returns the bytes of the values added.
 */
export function decodeBatch(
  row: BatchRow,
  offset: number,
  most: { readonly records: number; readonly bytes: number },
  into: LogRecord[],
): number {
  const body = Buffer.from(row.body.buffer, row.body.byteOffset, row.body.byteLength);
  let at = 0;
  let bytes = 0;
  for (let next = row.last_offset - row.count + 1; next <= row.last_offset; next++) {
    const header = body.readUInt32LE(at);
    const key_end = at + HEADER + (header >>> 1);
    const value_end = key_end + body.readUInt32LE(at + 4);
    if (next >= offset) {
      const key = body.toString((header & UTF16) === 0 ? 'latin1' : 'utf16le', at + HEADER, key_end);
      into.push({ offset: next, append_ms: row.append_ms, key, value: body.subarray(key_end, value_end) });
      bytes += value_end - key_end;
      if (into.length >= most.records || bytes >= most.bytes) break;
    }
    at = value_end;
  }
  return bytes;
}

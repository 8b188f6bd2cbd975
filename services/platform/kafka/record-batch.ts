import { crc32c } from './crc32c.ts';
import { keyBytes } from './key-text.ts';

/**
 * Record batches as producers write them: magic 2, Kafka protocol guide, "Record Batch".
 *
 *   base offset i64 | length i32 | leader epoch i32 | magic i8 | CRC u32 | attributes i16 | last offset delta i32 |
 *   first and max timestamp i64 | producer id i64 | producer epoch i16 | base sequence i32 | count i32 | records
 *
 * The CRC covers everything from the attributes on.
 */
const HEADER_BYTES = 61;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const TIMES_AT = 27;
const PRODUCER_AT = 43;
const EPOCH_AT = 51;
const SEQUENCE_AT = 53;
const COUNT_AT = 57;

const MAGIC = 2;
const TRANSACTIONAL = 0x10;

/** Bytes that a record takes beside its key and value at most: five varints, attributes, number of headers. */
const RECORD_BYTES = 5 * 5 + 2;
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const UNIT_BYTES = 3;

export type BatchRecord = { readonly key: string; readonly value: Uint8Array };

/** Who writes the batch, and how many records it has written to the partition before. */
export type BatchProducer = { readonly id: bigint; readonly epoch: number; readonly sequence: number };

/** Bytes that the record takes in a batch at most. */
export function batchedBytes(record: BatchRecord): number {
  return RECORD_BYTES + record.key.length * UNIT_BYTES + record.value.length;
}

/** Bytes that the batch of the records takes at most. */
export function batchRoom(records: readonly BatchRecord[]): number {
  let room = HEADER_BYTES;
  for (const record of records) room += batchedBytes(record);
  return room;
}

/**
 * Writes one batch of at least one record, part of a transaction, uncompressed, into `room`, which has `batchRoom` for it.
 * All records are of `now_ms`. Returns the batch, a view of the room from its start.
 */
export function writeRecordBatch(
  room: Buffer,
  records: readonly BatchRecord[],
  producer: BatchProducer,
  now_ms: number,
): Buffer {
  let end = HEADER_BYTES;
  for (let i = 0; i < records.length; i++) end = writeRecord(room, end, records[i] as BatchRecord, i);
  room.writeBigInt64BE(0n, 0);
  room.writeInt32BE(end - LENGTH_AT - 4, LENGTH_AT);
  room.writeInt32BE(-1, LENGTH_AT + 4);
  room.writeInt8(MAGIC, MAGIC_AT);
  room.writeInt16BE(TRANSACTIONAL, ATTRIBUTES_AT);
  room.writeInt32BE(records.length - 1, LAST_DELTA_AT);
  room.writeBigInt64BE(BigInt(now_ms), TIMES_AT);
  room.writeBigInt64BE(BigInt(now_ms), TIMES_AT + 8);
  room.writeBigInt64BE(producer.id, PRODUCER_AT);
  room.writeInt16BE(producer.epoch, EPOCH_AT);
  room.writeInt32BE(producer.sequence, SEQUENCE_AT);
  room.writeInt32BE(records.length, COUNT_AT);
  room.writeUInt32BE(crc32c(room, ATTRIBUTES_AT, end), CRC_AT);
  return room.subarray(0, end);
}

/**
 * Body length, attributes, timestamp and offset delta, key, value, number of headers. The body's length comes first and
 * is a varint, so the rest has to be measured before.
 */
function writeRecord(batch: Buffer, from: number, { key, value }: BatchRecord, delta: number): number {
  const key_length = asciiLength(key);
  const key_encoded = key_length < 0 ? keyBytes(key) : undefined;
  const key_bytes = key_encoded === undefined ? key_length : key_encoded.length;
  const body =
    1 + 1 + varintBytes(delta) + varintBytes(key_bytes) + key_bytes + varintBytes(value.length) + value.length + 1;
  let at = writeVarint(batch, from, body);
  batch[at++] = 0;
  batch[at++] = 0;
  at = writeVarint(batch, at, delta);
  at = writeVarint(batch, at, key_bytes);
  if (key_encoded === undefined) batch.write(key, at, key_bytes, 'latin1');
  else batch.set(key_encoded, at);
  at = writeVarint(batch, at + key_bytes, value.length);
  batch.set(value, at);
  at += value.length;
  batch[at++] = 0;
  return at;
}

/** Length of a text of ASCII, -1 for others. */
function asciiLength(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return -1;
  return text.length;
}

/** Zigzag varints of numbers that are not negative. */
function varintBytes(value: number): number {
  if (value < 1 << 6) return 1;
  if (value < 1 << 13) return 2;
  if (value < 1 << 20) return 3;
  return value < 1 << 27 ? 4 : 5;
}

function writeVarint(batch: Buffer, from: number, value: number): number {
  let rest = value * 2;
  let at = from;
  while (rest >= 0x80) {
    batch[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  batch[at++] = rest;
  return at;
}

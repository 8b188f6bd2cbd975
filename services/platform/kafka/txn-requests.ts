import type { RawRequest } from './internals.ts';

/**
 * The requests of a transactional producer, https://kafka.apache.org/protocol#protocol_messages. kafkajs has no
 * InitProducerId with an expected producer (KIP-360), and its producer repeats and rolls back behind our back.
 * Answers carry error codes as they are: what they mean depends on what was asked.
 */

/** https://kafka.apache.org/protocol#protocol_error_codes, those that decide what a producer does next. */
export const CODES = {
  none: 0,
  coordinator_load_in_progress: 14,
  coordinator_not_available: 15,
  not_coordinator: 16,
  message_too_large: 10,
  invalid_topic: 17,
  record_list_too_large: 18,
  topic_authorization_failed: 29,
  cluster_authorization_failed: 31,
  invalid_producer_epoch: 47,
  invalid_txn_state: 48,
  invalid_transaction_timeout: 50,
  concurrent_transactions: 51,
  transactional_id_authorization_failed: 53,
  invalid_record: 87,
  producer_fenced: 90,
} as const;

export type Producer = { readonly id: bigint; readonly epoch: number };
/** One batch for one partition. */
export type PartitionBatch = { readonly topic: string; readonly partition: number; readonly batch: Buffer };
export type TopicPartition = { readonly topic: string; readonly partition: number };

const COORDINATOR_OF_TRANSACTIONS = 1;
const ALL_REPLICAS = -1;
const NO_TAGS = Buffer.from([0]);
const NOBODY: Producer = { id: -1n, epoch: -1 };

/** FindCoordinator, version 2. */
export function findCoordinator(
  transactional_id: string,
): RawRequest<{ readonly error: number; readonly node: number; readonly host: string; readonly port: number }> {
  return {
    api_key: 10,
    api_version: 2,
    api_name: 'FindCoordinator',
    body: Buffer.concat([string(transactional_id), Buffer.from([COORDINATOR_OF_TRANSACTIONS])]),
    decode: (payload) => {
      const cursor = cursorOf(payload);
      cursor.skip(4);
      const error = cursor.i16();
      cursor.nullableString();
      return { error, node: cursor.i32(), host: cursor.nullableString() ?? '', port: cursor.i32() };
    },
  };
}

/**
 * InitProducerId, version 4. Without `expected` it shuts out whoever had the id; with it, it succeeds only while nobody
 * else has asked for the id since.
 */
export function initProducerId(request: {
  readonly transactional_id: string;
  readonly transaction_timeout_ms: number;
  readonly expected: Producer | undefined;
}): RawRequest<Producer & { readonly error: number }> {
  const id = Buffer.from(request.transactional_id);
  const { id: expected_id, epoch: expected_epoch } = request.expected ?? NOBODY;
  return {
    api_key: 22,
    api_version: 4,
    api_name: 'InitProducerId',
    body: Buffer.concat([
      NO_TAGS,
      uvarint(id.length + 1),
      id,
      i32(request.transaction_timeout_ms),
      i64(expected_id),
      i16(expected_epoch),
      NO_TAGS,
    ]),
    decode: (payload) => {
      const cursor = cursorOf(payload);
      cursor.skip(NO_TAGS.length + 4);
      return { error: cursor.i16(), id: cursor.i64(), epoch: cursor.i16() };
    },
  };
}

/** AddPartitionsToTxn, version 2. Of all partitions none is added unless all are; the answer is the first error. */
export function addPartitions(
  transactional_id: string,
  producer: Producer,
  partitions: readonly TopicPartition[],
): RawRequest<{ readonly error: number }> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)];
  return {
    api_key: 24,
    api_version: 2,
    api_name: 'AddPartitionsToTxn',
    body: Buffer.concat([
      string(transactional_id),
      i64(producer.id),
      i16(producer.epoch),
      i32(topics.length),
      ...topics.flatMap(([topic, of]) => [string(topic), i32(of.length), ...of.map(({ partition }) => i32(partition))]),
    ]),
    decode: (payload) => {
      const cursor = cursorOf(payload);
      cursor.skip(4);
      const errors: number[] = [];
      for (let topics = cursor.i32(); topics > 0; topics--) {
        cursor.nullableString();
        for (let partitions = cursor.i32(); partitions > 0; partitions--) {
          cursor.skip(4);
          errors.push(cursor.i16());
        }
      }
      return { error: firstError(errors) };
    },
  };
}

/** A partition in a transaction that fails because of another one answers OPERATION_NOT_ATTEMPTED. */
const NOT_ATTEMPTED = 55;

function firstError(errors: readonly number[]): number {
  const failed = errors.filter((error) => error !== CODES.none);
  return failed.find((error) => error !== NOT_ATTEMPTED) ?? failed[0] ?? CODES.none;
}

/**
 * Produce, version 7, to all in-sync replicas. At most one batch for each partition. The batches are sent from where they
 * stand, so they must not change before the answer.
 */
export function produce(
  transactional_id: string,
  batches: readonly PartitionBatch[],
  timeout_ms: number,
): RawRequest<readonly (TopicPartition & { readonly error: number; readonly base_offset: number })[]> {
  const topics = [...Map.groupBy(batches, ({ topic }) => topic)];
  return {
    api_key: 0,
    api_version: 7,
    api_name: 'Produce',
    body: [
      Buffer.concat([string(transactional_id), i16(ALL_REPLICAS), i32(timeout_ms), i32(topics.length)]),
      ...topics.flatMap(([topic, of]) => [
        Buffer.concat([string(topic), i32(of.length)]),
        ...of.flatMap(({ partition, batch }) => [Buffer.concat([i32(partition), i32(batch.length)]), batch]),
      ]),
    ],
    decode: (payload) => {
      const cursor = cursorOf(payload);
      const answers: (TopicPartition & { error: number; base_offset: number })[] = [];
      for (let topics = cursor.i32(); topics > 0; topics--) {
        const topic = cursor.nullableString() ?? '';
        for (let partitions = cursor.i32(); partitions > 0; partitions--) {
          const partition = cursor.i32();
          answers.push({ topic, partition, error: cursor.i16(), base_offset: Number(cursor.i64()) });
          // Append time and start of the log.
          cursor.skip(16);
        }
      }
      return answers;
    },
  };
}

/** EndTxn, version 2. */
export function endTransaction(
  transactional_id: string,
  producer: Producer,
  how: 'commit' | 'abort',
): RawRequest<{ readonly error: number }> {
  return {
    api_key: 26,
    api_version: 2,
    api_name: 'EndTxn',
    body: Buffer.concat([
      string(transactional_id),
      i64(producer.id),
      i16(producer.epoch),
      Buffer.from([how === 'commit' ? 1 : 0]),
    ]),
    decode: (payload) => {
      const cursor = cursorOf(payload);
      cursor.skip(4);
      return { error: cursor.i16() };
    },
  };
}

function i16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function i32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function i64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([i16(bytes.length), bytes]);
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function cursorOf(payload: Buffer) {
  let at = 0;
  const take = (bytes: number): number => {
    const from = at;
    at += bytes;
    return from;
  };
  return {
    skip: (bytes: number): void => void take(bytes),
    i16: (): number => payload.readInt16BE(take(2)),
    i32: (): number => payload.readInt32BE(take(4)),
    i64: (): bigint => payload.readBigInt64BE(take(8)),
    nullableString: (): string | undefined => {
      const length = payload.readInt16BE(take(2));
      if (length < 0) return undefined;
      const from = take(length);
      return payload.toString('utf8', from, at);
    },
  };
}

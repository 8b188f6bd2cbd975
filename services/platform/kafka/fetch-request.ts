import { flexibleReader, unsignedVarint } from './flexible-encoding.ts';
import { errorOfCode, type RawRequest } from './internals.ts';

/** One partition to fetch from, and where. */
export type FetchTarget = {
  readonly topic: string;
  /** Of the topic, see TopicMetadata: a topic made anew under its old name is another one. */
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  /** Wanted at most; a first batch larger than it comes all the same. */
  readonly bytes: number;
};

export type AbortedTransaction = { readonly producer: bigint; readonly first_offset: number };

export type FetchedPartition = {
  readonly topic: string;
  readonly id: string;
  readonly partition: number;
  readonly error_code: number;
  /** Last stable offset; -1 when there is an error. */
  readonly stable: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Batches one after the other, the last possibly cut off. A view of the answer. */
  readonly batches: Buffer;
};

export type Fetched = {
  /** The broker wants to be left alone for so long: it answers nothing meanwhile. */
  readonly throttle_ms: number;
  readonly partitions: readonly FetchedPartition[];
};

export const OFFSET_OUT_OF_RANGE = 1;
/** The topic of that id is gone, or not known to this broker yet. */
export const UNKNOWN_TOPIC_IDS: ReadonlySet<number> = new Set([100, 103]);

const FETCH = 1;

/**
 * Fetch, version 13, read committed, without a fetch session. It is the first that names topics by their ids (KIP-516), so
 * that no offset is ever read from a topic that was made anew; Kafka 3.1 to 4.x understand it. kafkajs knows version 11,
 * and its decoder of the answer makes several objects and strings for each record.
 */
export function fetchRequest(
  targets: readonly FetchTarget[],
  options: { readonly wait_ms: number; readonly bytes: number; readonly timeout_ms: number },
): RawRequest<Fetched> {
  const names = new Map(targets.map(({ id, topic }) => [id, topic]));
  return {
    api_key: FETCH,
    api_version: 13,
    api_name: 'Fetch',
    body: encode(targets, options),
    decode: (payload) => decodeFetch(payload, names),
    timeout_ms: options.timeout_ms,
  };
}

const NO_TAGS = Buffer.of(0);

/** Every target is a topic entry of its own: the order of targets is the order in which the broker fills its answer. */
function encode(
  targets: readonly FetchTarget[],
  options: { readonly wait_ms: number; readonly bytes: number },
): Buffer {
  const head = Buffer.alloc(25);
  let at = head.writeInt32BE(-1, 0); // replica: none, a consumer
  at = head.writeInt32BE(options.wait_ms, at);
  at = head.writeInt32BE(1, at); // least bytes
  at = head.writeInt32BE(options.bytes, at);
  at = head.writeInt8(1, at); // read committed
  at = head.writeInt32BE(0, at); // session
  head.writeInt32BE(-1, at); // epoch of the session: none
  return Buffer.concat([
    NO_TAGS, // of the header
    head,
    unsignedVarint(targets.length + 1),
    ...targets.map(encodeTarget),
    unsignedVarint(1), // forgotten topics: none
    unsignedVarint(1), // rack: none
    NO_TAGS,
  ]);
}

const ID_BYTES = 16;

function encodeTarget(target: FetchTarget): Buffer {
  const body = Buffer.alloc(ID_BYTES + 1 + 32 + 2);
  let at = body.write(target.id, 0, 'hex');
  at = body.writeUInt8(2, at); // one partition
  at = body.writeInt32BE(target.partition, at);
  at = body.writeInt32BE(-1, at); // epoch of the leader: not known
  at = body.writeBigInt64BE(BigInt(target.offset), at);
  at = body.writeInt32BE(-1, at); // epoch of the last record: not told
  at = body.writeBigInt64BE(-1n, at); // start of the log: for replicas
  body.writeInt32BE(target.bytes, at);
  return body;
}

/** Throws RangeError when the payload ends early. */
function decodeFetch(payload: Buffer, names: ReadonlyMap<string, string>): Fetched {
  const read = flexibleReader(payload);
  read.tags();
  const throttle_ms = read.int32();
  const error_code = read.int16();
  if (error_code !== 0) throw errorOfCode(error_code);
  read.skip(4); // session
  const partitions = read.array(() => {
    const id = read.bytes(ID_BYTES).toString('hex');
    const topic = names.get(id) ?? '';
    const found = read.array((): FetchedPartition => {
      const partition = read.int32();
      const own_code = read.int16();
      read.skip(8); // high watermark
      const stable = read.int64();
      read.skip(8); // start of the log
      const aborted = read.array((): AbortedTransaction => {
        const transaction = { producer: read.bigInt64(), first_offset: read.int64() };
        read.tags();
        return transaction;
      });
      read.skip(4); // preferred replica: none, we told no rack
      const batches = read.compactBytes();
      read.tags();
      return { topic, id, partition, error_code: own_code, stable, aborted, batches };
    });
    read.tags();
    return found;
  });
  return { throttle_ms, partitions: partitions.flat() };
}

/** A 64-bit number as a float: offsets and times lie far below 2^53. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4);
}

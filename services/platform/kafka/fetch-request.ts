import { errorOfCode, type RawRequest } from './internals.ts';

/** One partition to fetch from, and where. */
export type FetchTarget = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Wanted at most; a first batch larger than it comes all the same. */
  readonly bytes: number;
};

export type AbortedTransaction = { readonly producer: bigint; readonly first_offset: number };

export type FetchedPartition = {
  readonly topic: string;
  readonly partition: number;
  readonly error_code: number;
  /** -1 each when there is an error. */
  readonly end: number;
  readonly stable: number;
  readonly start: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Batches one after the other, the last possibly cut off. A view of the answer. */
  readonly batches: Buffer;
};

export type Fetched = {
  /** The broker wants to be left alone for so long: it answers nothing meanwhile. */
  readonly throttle_ms: number;
  readonly partitions: readonly FetchedPartition[];
};

const FETCH = 1;

/**
 * Fetch, version 11, read committed, without a fetch session: the newest version that is not in the flexible encoding, which
 * Kafka 2.3 to 4.x understand. kafkajs's own decoder of the answer makes several objects and strings for each record.
 */
export function fetchRequest(
  targets: readonly FetchTarget[],
  options: { readonly wait_ms: number; readonly bytes: number; readonly timeout_ms: number },
): RawRequest<Fetched> {
  return {
    api_key: FETCH,
    api_version: 11,
    api_name: 'Fetch',
    body: encode(targets, options),
    decode: decodeFetch,
    timeout_ms: options.timeout_ms,
  };
}

const HEAD_BYTES = 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4;
const TARGET_BYTES = 4 + 4 + 4 + 8 + 8 + 4;

/** Every target is a topic entry of its own: the order of targets is the order in which the broker fills its answer. */
function encode(
  targets: readonly FetchTarget[],
  options: { readonly wait_ms: number; readonly bytes: number },
): Buffer {
  const names = targets.map(({ topic }) => Buffer.from(topic));
  const size = names.reduce((sum, name) => sum + 2 + name.length + 4 + TARGET_BYTES, HEAD_BYTES + 4 + 2);
  const body = Buffer.alloc(size);
  let at = body.writeInt32BE(-1, 0); // replica: none, a consumer
  at = body.writeInt32BE(options.wait_ms, at);
  at = body.writeInt32BE(1, at); // least bytes
  at = body.writeInt32BE(options.bytes, at);
  at = body.writeInt8(1, at); // read committed
  at = body.writeInt32BE(0, at); // session
  at = body.writeInt32BE(-1, at); // epoch of the session: none
  at = body.writeInt32BE(targets.length, at);
  targets.forEach((target, index) => {
    const name = names[index] as Buffer;
    at = body.writeInt16BE(name.length, at);
    at += name.copy(body, at);
    at = body.writeInt32BE(1, at);
    at = body.writeInt32BE(target.partition, at);
    at = body.writeInt32BE(-1, at); // epoch of the leader: not known
    at = body.writeBigInt64BE(BigInt(target.offset), at);
    at = body.writeBigInt64BE(-1n, at); // start of the log: for replicas
    at = body.writeInt32BE(target.bytes, at);
  });
  at = body.writeInt32BE(0, at); // forgotten topics
  body.writeInt16BE(0, at); // rack
  return body;
}

/** Throws RangeError when the payload ends early. */
export function decodeFetch(payload: Buffer): Fetched {
  let at = 0;
  const int16 = (): number => {
    at += 2;
    return payload.readInt16BE(at - 2);
  };
  const int32 = (): number => {
    at += 4;
    return payload.readInt32BE(at - 4);
  };
  const int64 = (): number => {
    at += 8;
    return readInt64(payload, at - 8);
  };
  const bytes = (length: number): Buffer => {
    if (at + length > payload.length) throw new RangeError('the answer ends early');
    at += length;
    return payload.subarray(at - length, at);
  };
  const throttle_ms = int32();
  const error_code = int16();
  if (error_code !== 0) throw errorOfCode(error_code);
  int32(); // session
  const partitions: FetchedPartition[] = [];
  for (let topics = int32(); topics > 0; topics--) {
    const topic = bytes(int16()).toString();
    for (let left = int32(); left > 0; left--) {
      const partition = int32();
      const own_code = int16();
      const end = int64();
      const stable = int64();
      const start = int64();
      const aborted: AbortedTransaction[] = [];
      for (let transactions = int32(); transactions > 0; transactions--) {
        const producer = payload.readBigInt64BE(at);
        at += 8;
        aborted.push({ producer, first_offset: int64() });
      }
      int32(); // preferred replica: none, we told no rack
      const batches = bytes(Math.max(0, int32()));
      partitions.push({ topic, partition, error_code: own_code, end, stable, start, aborted, batches });
    }
  }
  return { throttle_ms, partitions };
}

/** A 64-bit number as a float: offsets and times lie far below 2^53. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4);
}

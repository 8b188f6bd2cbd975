import { LIMITS } from '../../../schemas/limits.ts';
import { type LogRead, type LogRecord, OffsetOutOfRange, RecordsUnreadable } from '../event-log.ts';
import { closedError, type KafkaConnection } from './connection.ts';
import { failureOf } from './connection-errors.ts';
import { BatchDamage } from './fetch-batches.ts';
import { type FetchedPartition, fetchRequest } from './fetch-request.ts';
import { type Broker, errorOfCode, sendRaw } from './internals.ts';
import { createMetadata } from './metadata.ts';
import { createPolls } from './reader-polls.ts';
import { createStreams, type Stream } from './reader-streams.ts';
import type { KafkaReader, PartitionOffsets, ReadMost } from './reader-types.ts';

export type { KafkaReader, PartitionOffsets, ReadMost } from './reader-types.ts';

export type ReaderOptions = {
  /** See `kafka_fetch_bytes`, `kafka_read_ahead_bytes_max` and `kafka_batch_bytes_max`, which are the defaults. */
  readonly fetch_bytes?: number;
  readonly read_ahead_bytes_max?: number;
  readonly batch_bytes_max?: number;
};

const OFFSET_OUT_OF_RANGE = 1;
const OFFSET_NOT_AVAILABLE = 78;
const THROTTLE_MS_MIN = 10;

/** Reads a cluster over connections of its own: those for reads and those that wait for news never wait for each other. */
export function openKafkaReader(connection: KafkaConnection, options: ReaderOptions = {}): KafkaReader {
  const { clock } = connection;
  const closing = new AbortController();
  const closed = AbortSignal.any([connection.closed, closing.signal]);
  const fetch_bytes = options.fetch_bytes ?? LIMITS.kafka_fetch_bytes;
  const nodes = connection.nodes({ fetches: true });
  const waiting = connection.nodes({ fetches: true });
  const metadata = createMetadata(connection, nodes);
  const streams = createStreams({
    clock,
    bytes_max: options.read_ahead_bytes_max ?? LIMITS.kafka_read_ahead_bytes_max,
    batch_bytes_max: options.batch_bytes_max ?? LIMITS.kafka_batch_bytes_max,
  });
  const polls = createPolls({ clock, closed, nodes: waiting, metadata, found: streams.offer });

  const assertOpen = (): void => {
    if (closed.aborted) throw closedError();
  };
  const persist = async <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    connection.persist(doing, () => {
      assertOpen();
      return work();
    });
  const onLeader = async <T>(topic: string, partition: number, work: (broker: Broker) => Promise<T>): Promise<T> => {
    try {
      return await nodes.use(await metadata.leader(topic, partition), work);
    } catch (error) {
      const { kind } = failureOf(error);
      if (kind === 'moved' || kind === 'connection') metadata.forget(topic);
      throw error;
    }
  };
  const offsetsOf = (topic: string, partition: number): Promise<PartitionOffsets> =>
    onLeader(topic, partition, async (broker) => {
      // Asked in this order, and the broker answers in it: none of them is ahead of the next.
      const [start, stable, end] = await Promise.all([
        offsetAt(broker, { topic, partition, timestamp: -2, isolation: 1 }),
        offsetAt(broker, { topic, partition, timestamp: -1, isolation: 1 }),
        offsetAt(broker, { topic, partition, timestamp: -1, isolation: 0 }),
      ]);
      return { start, stable, end };
    });
  const outOfRange = async (topic: string, partition: number, offset: number): Promise<Error> => {
    const { start, stable, end } = await offsetsOf(topic, partition);
    // Between the question and this look it may have come into range: then the read is repeated.
    if (offset >= start && offset <= end) return errorOfCode(OFFSET_NOT_AVAILABLE);
    return new OffsetOutOfRange(`source:${topic}`, partition, offset, { start, end: stable });
  };
  /** One fetch for one stream; undefined when the broker wants to be left alone for a while. */
  const fetchOnce = async ({ topic, partition, fetch_from }: Stream): Promise<FetchedPartition | undefined> => {
    const request = fetchRequest([{ topic, partition, offset: fetch_from, bytes: fetch_bytes }], {
      wait_ms: 0,
      bytes: fetch_bytes,
      timeout_ms: LIMITS.kafka_request_ms,
    });
    const found = await onLeader(topic, partition, async (broker) => {
      const { throttle_ms, partitions } = await sendRaw(broker, request);
      const [fetched] = partitions;
      if (fetched === undefined) await clock.sleep(Math.max(throttle_ms, THROTTLE_MS_MIN), closed);
      const code = fetched?.error_code ?? 0;
      if (code !== 0 && code !== OFFSET_OUT_OF_RANGE) throw errorOfCode(code);
      return fetched;
    });
    if (found?.error_code === OFFSET_OUT_OF_RANGE) throw await outOfRange(topic, partition, fetch_from);
    return found;
  };
  const fetchInto = async (stream: Stream): Promise<FetchedPartition | undefined> => {
    streams.reserve(fetch_bytes);
    try {
      const found = await fetchOnce(stream);
      if (found !== undefined) streams.append(stream, found);
      return found;
    } finally {
      streams.reserve(-fetch_bytes);
    }
  };
  const readAhead = (stream: Stream): void => {
    if (stream.fetching !== undefined || stream.stable <= stream.fetch_from) return;
    if (stream.bytes >= fetch_bytes || !streams.hasRoom(fetch_bytes)) return;
    // What fails here fails again for the reader that needs it.
    const done = (): void => {
      stream.fetching = undefined;
    };
    stream.fetching = fetchInto(stream).then(done, done);
  };
  const readFrom = async (stream: Stream, most: ReadMost): Promise<LogRead> => {
    const { topic, partition } = stream;
    const records: LogRecord[] = [];
    for (;;) {
      const next = streams.take(stream, most, records);
      if (records.length > 0) return { records, next };
      if (stream.fetching !== undefined) {
        await stream.fetching;
        continue;
      }
      const found = await persist(`reading ${topic}/${partition}`, async () => {
        const fetched = await fetchInto(stream);
        if (fetched === undefined) return undefined;
        // The broker has more and gave none of it: whoever went on behind it would lose records.
        if (stream.queue.length === 0 && fetched.stable > stream.fetch_from) throw errorOfCode(OFFSET_NOT_AVAILABLE);
        return fetched;
      });
      if (found !== undefined && stream.queue.length === 0) return { records, next: stream.position };
    }
  };
  return {
    describe: (topic) => persist(`describing ${topic}`, () => metadata.describe(topic)),
    offsets: (topic, partition) =>
      persist(`asking for the offsets of ${topic}/${partition}`, () => offsetsOf(topic, partition)),
    read: async (topic, partition, offset, most) => {
      assertOpen();
      const stream = streams.claim(topic, partition, offset);
      try {
        const read = await readFrom(stream, most);
        streams.release(stream);
        readAhead(stream);
        return read;
      } catch (error) {
        streams.drop(stream);
        if (!(error instanceof BatchDamage)) throw error;
        throw unreadable(stream, error);
      }
    },
    waitBeyond: async (topic, partition, offset, signal) => {
      assertOpen();
      if (streams.stableOf(topic, partition) > offset) return;
      await polls.wait(topic, partition, offset, signal);
    },
    close: async () => {
      closing.abort();
      nodes.destroy();
      waiting.destroy();
    },
  };
}

function unreadable({ topic, partition, position }: Stream, damage: BatchDamage): RecordsUnreadable {
  const { reason, cause } = damage;
  const next = Math.max(damage.next, position + 1);
  return new RecordsUnreadable({ where: `${topic}/${partition}`, offset: position, next, reason, cause });
}

async function offsetAt(
  broker: Broker,
  of: {
    readonly topic: string;
    readonly partition: number;
    readonly timestamp: -1 | -2;
    readonly isolation: 0 | 1;
  },
): Promise<number> {
  const { topic, partition, timestamp, isolation } = of;
  const { responses } = await broker.listOffsets({
    replicaId: -1,
    isolationLevel: isolation,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  const offset = Number(responses[0]?.partitions[0]?.offset);
  if (!Number.isSafeInteger(offset)) throw new RangeError(`a broker told no offset of ${topic}/${partition}`);
  return offset;
}

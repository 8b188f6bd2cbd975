import { LIMITS } from '../../../schemas/limits.ts';
import { type LogRead, type LogRecord, OffsetOutOfRange, RecordsUnreadable } from '../event-log.ts';
import { closedError, type KafkaConnection } from './connection.ts';
import { BatchDamage } from './fetch-batches.ts';
import type { FetchedPartition } from './fetch-request.ts';
import { errorOfCode } from './internals.ts';
import { createMetadata } from './metadata.ts';
import { createFetcher, type Fetcher } from './reader-fetch.ts';
import { createPolls } from './reader-polls.ts';
import { createStreams, type Stream, type Streams } from './reader-streams.ts';
import type { KafkaReader, ReadMost } from './reader-types.ts';

export type ReaderOptions = {
  /** See `kafka_fetch_bytes`, `kafka_read_ahead_bytes_max` and `kafka_batch_bytes_max`, which are the defaults. */
  readonly fetch_bytes?: number;
  readonly read_ahead_bytes_max?: number;
  readonly batch_bytes_max?: number;
};

const OFFSET_NOT_AVAILABLE = 78;

/** Reads a cluster over connections of its own: those for reads and those that wait for news never wait for each other. */
export function openKafkaReader(connection: KafkaConnection, options: ReaderOptions = {}): KafkaReader {
  const { clock } = connection;
  const closing = new AbortController();
  const closed = AbortSignal.any([connection.closed, closing.signal]);
  const fetch_bytes = options.fetch_bytes ?? LIMITS.kafka_fetch_bytes;
  const nodes = connection.nodes({ fetches: true });
  const waiting = connection.nodes({ fetches: true });
  const metadata = createMetadata(connection, nodes);
  const fetcher = createFetcher({ connection, nodes, metadata });
  const streams = createStreams({
    clock,
    bytes_max: options.read_ahead_bytes_max ?? LIMITS.kafka_read_ahead_bytes_max,
    batch_bytes_max: options.batch_bytes_max ?? LIMITS.kafka_batch_bytes_max,
  });
  const polls = createPolls({ clock, closed, nodes: waiting, metadata, found: streams.offer });

  const assertOpen = (): void => {
    if (closed.aborted) throw closedError();
  };
  const persist = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    connection.persist(doing, () => {
      assertOpen();
      return work();
    });
  const { read, readAhead } = createReads({ fetcher, streams, fetch_bytes, persist });
  return {
    describe: (topic) => persist(`describing ${topic}`, () => metadata.describe(topic)),
    offsets: (topic, partition) =>
      persist(`asking for the offsets of ${topic}/${partition}`, () => fetcher.offsets(topic, partition)),
    read: async (topic, partition, offset, most) => {
      assertOpen();
      const stream = streams.claim(topic, partition, offset);
      const found = await read(stream, most);
      readAhead(stream);
      return found;
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

/** Reads from streams, and fetches for them. */
function createReads(options: {
  readonly fetcher: Fetcher;
  readonly streams: Streams;
  readonly fetch_bytes: number;
  readonly persist: KafkaConnection['persist'];
}) {
  const { fetcher, streams, fetch_bytes, persist } = options;
  const fetchInto = async (stream: Stream): Promise<FetchedPartition | undefined> => {
    const { topic, partition, id, fetch_from: offset } = stream;
    streams.reserve(fetch_bytes);
    try {
      const found = await fetcher.fetch({ topic, partition, id, offset }, fetch_bytes);
      if (found !== undefined) streams.append(stream, found, offset);
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
  const fetchNow = async (stream: Stream): Promise<FetchedPartition | undefined> => {
    const found = await fetchInto(stream);
    // The broker has more and gave none of it: whoever went on behind it would lose records.
    const withheld = found !== undefined && stream.queue.length === 0 && found.stable > stream.fetch_from;
    if (withheld) throw errorOfCode(OFFSET_NOT_AVAILABLE);
    return found;
  };
  const readFrom = async (stream: Stream, most: ReadMost): Promise<LogRead> => {
    const { topic, partition } = stream;
    const records: LogRecord[] = [];
    let fetched_again = false;
    for (;;) {
      let next: number;
      try {
        next = streams.take(stream, most, records);
      } catch (error) {
        if (fetched_again || !(error instanceof BatchDamage) || !error.checksum) throw error;
        fetched_again = true;
        streams.clear(stream);
        continue;
      }
      if (records.length > 0) return { records, next };
      if (stream.fetching !== undefined) await stream.fetching;
      else {
        const found = await persist(`reading ${topic}/${partition}`, () => fetchNow(stream));
        if (found !== undefined && stream.queue.length === 0) return { records, next: stream.position };
      }
    }
  };
  const read = async (stream: Stream, most: ReadMost): Promise<LogRead> => {
    try {
      return await readFrom(stream, most);
    } catch (error) {
      // Where else the reader asks again, it still is a reader of the topic that it knew.
      if (error instanceof BatchDamage || error instanceof OffsetOutOfRange) streams.drop(stream);
      else streams.clear(stream);
      throw error instanceof BatchDamage ? unreadable(stream, error) : error;
    } finally {
      streams.release(stream);
    }
  };
  return { read, readAhead };
}

function unreadable({ topic, partition, position }: Stream, damage: BatchDamage): RecordsUnreadable {
  const { reason, cause } = damage;
  const next = Math.max(damage.next, position + 1);
  return new RecordsUnreadable({ where: `${topic}/${partition}`, offset: position, next, reason, cause });
}

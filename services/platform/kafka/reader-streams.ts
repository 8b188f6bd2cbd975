import type { Clock } from '../clock.ts';
import type { LogRecord } from '../event-log.ts';
import { type Batches, openBatches, takeRecords } from './fetch-batches.ts';
import type { FetchedPartition } from './fetch-request.ts';
import type { ReadMost } from './reader-types.ts';

/** What was fetched of one partition ahead of one reader of it. */
export type Stream = {
  readonly topic: string;
  readonly partition: number;
  /** Id of the topic that it reads; undefined before the first fetch. */
  id: string | undefined;
  /** Offset that its reader asks for next. */
  position: number;
  /** Offset to fetch from next. */
  fetch_from: number;
  readonly queue: Batches[];
  /** Bytes of the queue. */
  bytes: number;
  /** Last stable offset as last heard. */
  stable: number;
  /** A fetch that is under way; it never rejects. */
  fetching: Promise<void> | undefined;
  /** Somebody reads from it at the moment. */
  busy: boolean;
  dropped: boolean;
  touched_ms: number;
};

export type Streams = {
  /** The stream of a reader at this offset, marked busy; a new one when nobody has read up to there. */
  claim(topic: string, partition: number, offset: number): Stream;
  release(stream: Stream): void;
  /** Forgets what was fetched, but not where its reader is, and of which topic. */
  clear(stream: Stream): void;
  drop(stream: Stream): void;
  /** Keeps what was fetched from the offset for whoever reads there next. */
  offer(found: FetchedPartition, offset: number): void;
  /** Adds what was fetched from the offset, if that is still where the stream goes on. */
  append(stream: Stream, found: FetchedPartition, offset: number): void;
  /** Appends what the stream holds, at most so much. Returns where to read on. Throws BatchDamage. */
  take(stream: Stream, most: ReadMost, into: LogRecord[]): number;
  /** Whether so many bytes more may be fetched ahead. */
  hasRoom(bytes: number): boolean;
  /** Counts bytes that were asked for and have not come yet. */
  reserve(bytes: number): void;
  /** Last stable offset of the partition as last heard; 0 when nothing is known. */
  stableOf(topic: string, partition: number): number;
};

/** Readers of one partition at different places that are remembered at once. */
const STREAMS_PER_PARTITION = 8;
/** What nobody has read for so long is given up when room is needed. */
const STALE_MS = 10_000;

export function createStreams(options: {
  readonly clock: Clock;
  readonly bytes_max: number;
  readonly batch_bytes_max: number;
}): Streams {
  const { clock } = options;
  const partitions = new Map<string, Stream[]>();
  const stable = new Map<string, number>();
  let held = 0;

  const of = (topic: string, partition: number): Stream[] => {
    const name = `${topic}/${partition}`;
    const found = partitions.get(name);
    if (found !== undefined) return found;
    const made: Stream[] = [];
    partitions.set(name, made);
    return made;
  };
  const clear = (stream: Stream): void => {
    held -= stream.bytes;
    stream.bytes = 0;
    stream.queue.length = 0;
    stream.fetch_from = stream.position;
  };
  const drop = (stream: Stream): void => {
    if (stream.dropped) return;
    stream.dropped = true;
    clear(stream);
    const list = of(stream.topic, stream.partition);
    list.splice(list.indexOf(stream), 1);
    if (list.length === 0) partitions.delete(`${stream.topic}/${stream.partition}`);
  };
  const add = (topic: string, partition: number, offset: number): Stream => {
    const list = of(topic, partition);
    if (list.length >= STREAMS_PER_PARTITION) {
      const idle = list.filter((stream) => !stream.busy);
      const oldest = idle.reduce<Stream | undefined>(
        (found, stream) => (found === undefined || stream.touched_ms < found.touched_ms ? stream : found),
        undefined,
      );
      if (oldest !== undefined) drop(oldest);
    }
    const stream: Stream = {
      topic,
      partition,
      id: undefined,
      position: offset,
      fetch_from: offset,
      queue: [],
      bytes: 0,
      stable: 0,
      fetching: undefined,
      busy: false,
      dropped: false,
      touched_ms: clock.elapsed(),
    };
    of(topic, partition).push(stream);
    return stream;
  };
  const idleAt = (topic: string, partition: number, offset: number): Stream | undefined =>
    partitions.get(`${topic}/${partition}`)?.find((stream) => stream.position === offset && !stream.busy);
  const hear = (found: FetchedPartition): void => void stable.set(`${found.topic}/${found.partition}`, found.stable);
  const append = (stream: Stream, found: FetchedPartition, offset: number): void => {
    stream.stable = found.stable;
    stream.id = found.id;
    hear(found);
    const { batches, aborted } = found;
    const behind = offsetBehind(batches);
    if (stream.dropped || stream.fetch_from !== offset || behind === undefined) return;
    stream.queue.push(openBatches(batches, aborted, { batch_bytes_max: options.batch_bytes_max }));
    stream.bytes += batches.length;
    held += batches.length;
    stream.fetch_from = Math.max(stream.fetch_from, behind);
  };
  return {
    claim: (topic, partition, offset) => {
      const stream = idleAt(topic, partition, offset) ?? add(topic, partition, offset);
      stream.busy = true;
      return stream;
    },
    release: (stream) => {
      stream.busy = false;
      stream.touched_ms = clock.elapsed();
    },
    clear,
    drop,
    offer: (found, offset) => {
      const stream = idleAt(found.topic, found.partition, offset) ?? add(found.topic, found.partition, offset);
      const idle = stream.queue.length === 0 && stream.fetching === undefined;
      if (idle && held < options.bytes_max && (stream.id ?? found.id) === found.id) append(stream, found, offset);
      else hear(found);
    },
    append,
    take: (stream, most, into) => {
      const had = into.length;
      let bytes = 0;
      while (stream.queue.length > 0) {
        const room = { records: most.records - (into.length - had), bytes: most.bytes - bytes };
        if (into.length > had && (room.records <= 0 || room.bytes <= 0)) break;
        const front = stream.queue[0] as Batches;
        const taken = takeRecords(front, stream.position, room, into);
        stream.position = taken.next;
        bytes += taken.bytes;
        if (!taken.exhausted) break;
        stream.queue.shift();
        stream.bytes -= front.bytes.length;
        held -= front.bytes.length;
      }
      return stream.position;
    },
    hasRoom: (bytes) => {
      if (held + bytes <= options.bytes_max) return true;
      const now = clock.elapsed();
      for (const list of partitions.values()) {
        for (const stream of list) if (!stream.busy && now - stream.touched_ms > STALE_MS) clear(stream);
      }
      return held + bytes <= options.bytes_max;
    },
    reserve: (bytes) => {
      held += bytes;
    },
    stableOf: (topic, partition) => stable.get(`${topic}/${partition}`) ?? 0,
  };
}

/** First offset behind the last whole batch, as its head says; undefined when there is none. */
function offsetBehind(bytes: Buffer): number | undefined {
  let behind: number | undefined;
  for (let at = 0; at + 27 <= bytes.length; ) {
    const length = bytes.readInt32BE(at + 8);
    const end = at + 12 + length;
    if (length < 15 || end > bytes.length) break;
    const base = bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4);
    behind = base + (bytes[at + 16] === 2 ? bytes.readInt32BE(at + 23) : 0) + 1;
    at = end;
  }
  return behind;
}

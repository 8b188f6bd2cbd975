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

type Options = {
  readonly clock: Clock;
  readonly bytes_max: number;
  readonly batch_bytes_max: number;
};

type State = Options & {
  readonly partitions: Map<string, Stream[]>;
  readonly stable: Map<string, number>;
  /** Bytes that are held or have been asked for. */
  held: number;
};

export function createStreams(options: Options): Streams {
  const state: State = { ...options, partitions: new Map(), stable: new Map(), held: 0 };
  return {
    claim: (topic, partition, offset) => {
      const stream = idleAt(state, { topic, partition, offset }) ?? add(state, { topic, partition, offset });
      stream.busy = true;
      return stream;
    },
    release: (stream) => {
      stream.busy = false;
      stream.touched_ms = state.clock.elapsed();
    },
    clear: (stream) => clear(state, stream),
    drop: (stream) => drop(state, stream),
    offer: (found, offset) => offer(state, found, offset),
    append: (stream, found, offset) => append(state, { stream, found, offset }),
    take: (stream, most, into) => take(state, { stream, most, into }),
    hasRoom: (bytes) => hasRoom(state, bytes),
    reserve: (bytes) => {
      state.held += bytes;
    },
    stableOf: (topic, partition) => state.stable.get(nameOf({ topic, partition })) ?? 0,
  };
}

type Place = { readonly topic: string; readonly partition: number };

const nameOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;

function idleAt(state: State, at: Place & { readonly offset: number }): Stream | undefined {
  return state.partitions.get(nameOf(at))?.find((stream) => stream.position === at.offset && !stream.busy);
}

/** A stream for a reader at a new place. Of too many, the one is given up that nobody has used for longest. */
function add(state: State, { topic, partition, offset }: Place & { readonly offset: number }): Stream {
  const list = state.partitions.get(nameOf({ topic, partition })) ?? [];
  if (list.length >= STREAMS_PER_PARTITION) {
    const [oldest] = list.filter(({ busy }) => !busy).sort((a, b) => a.touched_ms - b.touched_ms);
    if (oldest !== undefined) drop(state, oldest);
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
    touched_ms: state.clock.elapsed(),
  };
  list.push(stream);
  state.partitions.set(nameOf(stream), list);
  return stream;
}

function clear(state: State, stream: Stream): void {
  state.held -= stream.bytes;
  stream.bytes = 0;
  stream.queue.length = 0;
  stream.fetch_from = stream.position;
}

function drop(state: State, stream: Stream): void {
  if (stream.dropped) return;
  stream.dropped = true;
  clear(state, stream);
  const list = state.partitions.get(nameOf(stream)) ?? [];
  list.splice(list.indexOf(stream), 1);
  if (list.length === 0) state.partitions.delete(nameOf(stream));
}

function append(
  state: State,
  { stream, found, offset }: { readonly stream: Stream; readonly found: FetchedPartition; readonly offset: number },
): void {
  const { batches, aborted, id, stable } = found;
  stream.stable = stable;
  stream.id = id;
  state.stable.set(nameOf(found), stable);
  const behind = offsetBehind(batches);
  if (stream.dropped || stream.fetch_from !== offset || behind === undefined) return;
  stream.queue.push(openBatches(batches, aborted, { batch_bytes_max: state.batch_bytes_max }));
  stream.bytes += batches.length;
  state.held += batches.length;
  stream.fetch_from = Math.max(stream.fetch_from, behind);
}

function offer(state: State, found: FetchedPartition, offset: number): void {
  const { topic, partition, id } = found;
  const stream = idleAt(state, { topic, partition, offset }) ?? add(state, { topic, partition, offset });
  const idle = stream.queue.length === 0 && stream.fetching === undefined && (stream.id ?? id) === id;
  if (idle && state.held < state.bytes_max) append(state, { stream, found, offset });
  else state.stable.set(nameOf(found), found.stable);
}

function take(
  state: State,
  { stream, most, into }: { readonly stream: Stream; readonly most: ReadMost; readonly into: LogRecord[] },
): number {
  const had = into.length;
  let bytes = 0;
  for (let front = stream.queue[0]; front !== undefined; front = stream.queue[0]) {
    const room = { records: most.records - (into.length - had), bytes: most.bytes - bytes };
    if (into.length > had && (room.records <= 0 || room.bytes <= 0)) break;
    const taken = takeRecords(front, stream.position, room, into);
    stream.position = taken.next;
    bytes += taken.bytes;
    if (!taken.exhausted) break;
    stream.queue.shift();
    stream.bytes -= front.bytes.length;
    state.held -= front.bytes.length;
  }
  return stream.position;
}

function hasRoom(state: State, bytes: number): boolean {
  if (state.held + bytes <= state.bytes_max) return true;
  const now = state.clock.elapsed();
  for (const list of state.partitions.values()) {
    for (const stream of list) if (!stream.busy && now - stream.touched_ms > STALE_MS) clear(state, stream);
  }
  return state.held + bytes <= state.bytes_max;
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

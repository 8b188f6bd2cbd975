/**
 * The first of the two seams: an ordered, partitioned, durable log. Kafka is one (its adapter joins with the Kafka
 * deployment), the embedded SQLite log another, the simulated log of the tests a third. Everything else in the system
 * sees only this file.
 *
 * What every implementation promises
 * - `transact` is atomic and durable when it resolves: all records, positions and counters of one write, or none.
 * - Offsets of a partition grow by at least 1 and never repeat; a reader sees only committed records, in offset order.
 * - `append_ms` never decreases within a partition, whatever the machine's clock does.
 */

export const TOPICS = {
  events: 'agent.audit.events',
  dead: 'agent.audit.dead',
  alerts: 'agent.alerts',
  /** Alert records with the repeats of a crash removed: one partition, what deliver, contain and the API read. */
  feed: 'agent.feed',
  commands: 'agent.commands',
  control: 'agent.control',
} as const;
export type Topic = (typeof TOPICS)[keyof typeof TOPICS];

export type LogRecord = {
  readonly offset: number;
  /** Log-append time, epoch milliseconds. */
  readonly append_ms: number;
  readonly key: string;
  readonly value: Buffer;
};

export type NewRecord = {
  readonly topic: Topic;
  /** Chosen by `partitionOf(key, partitions)` when absent. */
  readonly partition?: number;
  readonly key: string;
  readonly value: Buffer;
};

/** One atomic write. A consumed position moves together with what was made of the input. */
export type LogWrite = {
  readonly records: readonly NewRecord[];
  /** Position of a named consumer or source, as an opaque short string; the newest wins. */
  readonly positions?: readonly { readonly name: string; readonly position: string }[];
  /** Named sums to add to, in the same transaction (promise P1). */
  readonly counters?: readonly { readonly name: string; readonly add: number }[];
  /**
   * Fails with `PositionConflict` unless the named position still has this value. The embedded log's stand-in for
   * Kafka's producer fencing: of two writers that read the same position only one gets through.
   */
  readonly expect?: { readonly name: string; readonly position: string | undefined };
};

export type Appended = { readonly offsets: readonly { readonly partition: number; readonly offset: number }[] };

export type PartitionBounds = {
  /** First offset that can still be read. */
  readonly start: number;
  /** Offset that the next record will get at least. */
  readonly end: number;
};

export type TopicInfo = {
  readonly partitions: number;
  /** Changes when the topic is deleted and made anew: offsets of another generation mean nothing. */
  readonly generation: string;
};

export class PositionConflict extends Error {
  override readonly name = 'PositionConflict';
}

/**
 * The log cannot take or give anything now: the disk is full or fails, another writer holds it, it was closed. A write
 * that ended so may be durable or not; whoever repeats it recognises what is there (`expect`, event keys).
 */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  readonly reason: 'disk_full' | 'io' | 'busy' | 'closed';

  constructor(reason: LogUnavailable['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** `read` was asked for an offset below `bounds().start` or beyond `bounds().end`: never skipped over in silence. */
export class OffsetOutOfRange extends Error {
  override readonly name = 'OffsetOutOfRange';
  readonly bounds: PartitionBounds;

  constructor(topic: Topic, partition: number, offset: number, bounds: PartitionBounds) {
    super(`${topic}/${partition} holds offsets ${bounds.start} to ${bounds.end}, not ${offset}`);
    this.bounds = bounds;
  }
}

/** Told of partitions that come and go. The embedded log assigns all of them at once and never takes one back. */
export type AssignmentListener = {
  assigned(partition: number): Promise<void>;
  revoked(partition: number): Promise<void>;
};

export interface EventLog {
  describe(topic: Topic): Promise<TopicInfo>;
  bounds(topic: Topic, partition: number): Promise<PartitionBounds>;
  transact(write: LogWrite): Promise<Appended>;
  /**
   * Committed records from `offset` on, at most so many records and roughly so many bytes, but at least one; empty at
   * the end. Values are views of larger buffers: whoever keeps one for long copies it. Throws OffsetOutOfRange.
   */
  read(
    topic: Topic,
    partition: number,
    offset: number,
    most: { readonly records: number; readonly bytes: number },
  ): Promise<LogRecord[]>;
  /** Resolves once `bounds().end` is beyond `offset`, or when the signal aborts, whichever comes first. */
  waitBeyond(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void>;
  position(name: string): Promise<string | undefined>;
  counters(): Promise<ReadonlyMap<string, number>>;
  subscribe(topic: Topic, group: string, listener: AssignmentListener): Promise<{ close(): Promise<void> }>;
  close(): Promise<void>;
}

/**
 * The first of the two seams: an ordered, partitioned, durable log. Kafka is one, the embedded SQLite log another, the
 * simulated log of the tests a third. Everything else in the system sees only this file.
 *
 * What every implementation promises
 * - `transact` is atomic and durable when it resolves: all records, positions and counters of one write, or none.
 * - Offsets of a partition grow by at least 1 and never repeat; a reader sees only committed records, in offset order.
 *   Offsets may be missing: Kafka numbers the markers of its transactions as well. Only `LogRead.next` says how far a
 *   reader has come, and a reader at `bounds().end` has seen everything.
 * - What a handle has written, the same handle reads: `read`, `bounds` and `position` wait for it to become visible.
 */

export const TOPICS = {
  events: 'agent.audit.events',
  dead: 'agent.audit.dead',
  alerts: 'agent.alerts',
  /** Alert records with the repeats of a crash removed: one partition, what deliver, contain and the API read. */
  feed: 'agent.feed',
  commands: 'agent.commands',
  control: 'agent.control',
  /** What sources write, in any supported format. */
  raw: 'agent.audit.raw',
  /** Items that wait for their identity or for the other half of their call, and what tells them. */
  spans: 'agent.audit.spans',
  /** What partition workers find, for stories over several identities: one partition, one order. */
  findings: 'agent.findings',
} as const;
/** A topic of a Kafka cluster that sources write and that is ours to read only, by its name there. */
export type SourceTopic = `source:${string}`;
export type Topic = (typeof TOPICS)[keyof typeof TOPICS] | SourceTopic;

/** `agent.findings` has one. */
export const FINDINGS_PARTITION = 0;

export type LogRecord = {
  readonly offset: number;
  /**
   * Log-append time, epoch milliseconds. A step back of a broker's clock shows here: whoever needs time to pass forward
   * keeps the largest it has seen.
   */
  readonly append_ms: number;
  readonly key: string;
  /** Empty for a tombstone. */
  readonly value: Buffer;
  /** The record has no value at all (a tombstone), which only foreign writers produce. */
  readonly tombstone?: true;
};

/** What `read` found, and where to read on: beyond the last record, and beyond what the log holds besides records. */
export type LogRead = { readonly records: readonly LogRecord[]; readonly next: number };

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
  /** Fails with `PositionConflict` unless the named position still has this value, and nobody took over in between. */
  readonly expect?: Expectation;
};

/**
 * Of two writers that read the same position only one gets through. `fence` names the office that the writer holds (the
 * position's name when absent): on Kafka it is the transactional id, so the newest holder shuts out all before it. A
 * position is only ever written under one fence.
 */
export type Expectation = {
  readonly name: string;
  readonly position: string | undefined;
  readonly fence?: string;
};

export type Appended = { readonly offsets: readonly { readonly partition: number; readonly offset: number }[] };

export type PartitionBounds = {
  /** First offset that can still be read. */
  readonly start: number;
  /** Offset that the next record will get at least. All below is decided: committed, or never to be seen. */
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

export type LogUnavailableReason = 'disk_full' | 'io' | 'busy' | 'closed';

/**
 * The log cannot take or give anything now: the disk is full or fails, another writer holds it, it was closed. A write
 * that ended so may be durable or not; whoever repeats it recognises what is there (`expect`, event keys).
 */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  readonly reason: LogUnavailableReason;

  constructor(reason: LogUnavailableReason, message: string, options?: ErrorOptions) {
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

/**
 * Records from `offset` to below `next` cannot be read: what the log holds there is damaged, or unpacks to more than is
 * ever held at once. It stays so. Only foreign writers bring it about, so whoever reads what they wrote reports it and
 * goes on at `next`.
 */
export class RecordsUnreadable extends Error {
  override readonly name = 'RecordsUnreadable';
  readonly offset: number;
  readonly next: number;
  readonly reason: 'too_large' | 'damaged';

  constructor(options: {
    readonly where: string;
    readonly offset: number;
    readonly next: number;
    readonly reason: RecordsUnreadable['reason'];
    readonly cause?: unknown;
  }) {
    const { where, offset, next, reason, cause } = options;
    const what = reason === 'too_large' ? 'unpack to more than is ever held at once' : 'are damaged';
    super(`offsets ${offset} to ${next - 1} of ${where} ${what}`, { cause });
    this.offset = offset;
    this.next = next;
    this.reason = reason;
  }
}

/**
 * Told of partitions that come and go, one call at a time for each partition. The embedded log assigns all of them at
 * once and never takes one back; in a group of processes `revoked` is awaited before another process is given the
 * partition, for as long as the group is patient.
 */
export type AssignmentListener = {
  /** Rejecting ends the subscription as `failed`. */
  assigned(partition: number): Promise<void>;
  /**
   * `handed_over`: what was done can still be made durable, the next owner waits. `lost`: another process may be at work
   * already (this one was paused, or cut off), so there is nothing to be gained by finishing.
   */
  revoked(partition: number, how: 'handed_over' | 'lost'): Promise<void>;
};

export type Subscription = {
  /** Tells the outside how far the group has read (Kafka's commit). For displays only: nothing here ever reads it back. */
  show(progress: readonly { readonly partition: number; readonly next: number }[]): Promise<void>;
  /** Resolves with the error when the subscription has ended by itself; stays pending otherwise. */
  readonly failed: Promise<unknown>;
  /** Leaves the group once every `revoked` is through. */
  close(): Promise<void>;
};

export interface EventLog {
  describe(topic: Topic): Promise<TopicInfo>;
  bounds(topic: Topic, partition: number): Promise<PartitionBounds>;
  transact(write: LogWrite): Promise<Appended>;
  /**
   * Committed records from `offset` on, at most so many records and roughly so many bytes, but at least one; none at
   * the end, where `next` is `bounds().end`. Values are views of larger buffers: whoever keeps one for long copies it.
   * Throws OffsetOutOfRange, and on Kafka RecordsUnreadable.
   */
  read(
    topic: Topic,
    partition: number,
    offset: number,
    most: { readonly records: number; readonly bytes: number },
  ): Promise<LogRead>;
  /** Resolves once `bounds().end` is beyond `offset`, or when the signal aborts, whichever comes first. */
  waitBeyond(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void>;
  position(name: string): Promise<string | undefined>;
  counters(): Promise<ReadonlyMap<string, number>>;
  /** Joins the group that shares out the partitions of a topic. Resolves once joining has begun. */
  subscribe(topic: Topic, group: string, listener: AssignmentListener): Promise<Subscription>;
  close(): Promise<void>;
}

import type { PartitionBounds, Topic } from '../event-log.ts';
import type { TableSize } from '../store.ts';

/** What somebody gathered about one service, running or not. The checks are functions of this and nothing else. */
export type Facts = {
  /** Clock of this machine, epoch milliseconds. */
  readonly now_ms: number;
  readonly runtime: { readonly node_version: string };
  readonly data_dir: DataDirFacts;
  /** Absent when the disk could not be asked. */
  readonly disk?: { readonly free_bytes: number; readonly data_bytes: number };
  readonly log: LogFacts | Unopened;
  readonly store: StoreFacts | Unopened;
  /** What detect has applied, by partition. Absent when neither the store nor the service could be asked. */
  readonly detect?: readonly DetectFacts[];
};

/** Why a part could not be looked at. */
export type Unopened = {
  /** `held`: a running service has it for itself, which is as it should be. */
  readonly opened: 'absent' | 'held' | 'refused';
  /** The error's code and its message, with its remedy. */
  readonly code?: string;
  readonly message?: string;
};

export type DataDirFacts = {
  readonly path: string;
  readonly exists: boolean;
  /** Permission bits, as of `stat`. */
  readonly mode?: number;
  readonly writable: boolean;
  /** Set while a process holds the directory. */
  readonly holder?: { readonly pid: number | undefined };
};

export type StreamFact = PartitionBounds & {
  readonly topic: Topic;
  readonly partition: number;
  readonly append_ms: number;
};

export type LogFacts = {
  readonly opened: 'yes';
  /** On Kafka offsets have holes, so they are no counts. */
  readonly kind: 'embedded' | 'kafka';
  /** What the integrity check found; absent when it was not run. */
  readonly damage?: readonly string[];
  /** Of the embedded log's file. */
  readonly size_bytes?: number;
  /** Of the topic `events`. */
  readonly generation: string;
  readonly streams: readonly StreamFact[];
  readonly counters: ReadonlyMap<string, number>;
  /** Everybody who reads on from a stored offset. */
  readonly consumers: readonly {
    readonly name: string;
    readonly topic: Topic;
    readonly partition: number;
    readonly next_offset: number;
  }[];
};

export type StoreFacts = {
  readonly opened: 'yes';
  readonly kind: 'embedded' | 'server';
  readonly migrations_pending: number;
  readonly tables: readonly TableSize[];
  /** Event time of the newest stored event, epoch milliseconds; absent when there is none. */
  readonly newest_event_ms?: number;
};

export type DetectFacts = {
  readonly partition: number;
  readonly generation: string;
  /** Offset of the log. */
  readonly next_offset: number;
  /** The manifest's counters. */
  readonly counters: Readonly<Record<string, number>>;
};

export type Check = {
  /** Stable name, for scripts. */
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; absent where nothing need be done. */
  readonly remedy?: string;
};

export const ok = (check: string, detail: string): Check => ({ check, status: 'ok', detail });
export const warn = (check: string, detail: string, remedy: string): Check => ({
  check,
  status: 'warn',
  detail,
  remedy,
});
export const fail = (check: string, detail: string, remedy: string): Check => ({
  check,
  status: 'fail',
  detail,
  remedy,
});

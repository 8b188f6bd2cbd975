import type { NewRecord } from '../platform/event-log.ts';
import type { Patience } from './raw-patience.ts';
import type { RawPosition } from './raw-position.ts';

/** What some records of a partition became, ready to be written in one. */
export type Portion = {
  readonly records: readonly NewRecord[];
  readonly counters: readonly { readonly name: string; readonly add: number }[];
  /** Records that were read for it. */
  readonly raw_records: number;
  /** Offset behind the last of them. */
  readonly next: number;
  /** The position behind it, as it stands in the log. */
  readonly position: string;
  /** To be called once it is durable. */
  report(): void;
};

/**
 * What reading on came to: a batch to be written, nothing yet although there may be more, nothing because the log is at
 * its end, or a log that is not the one that was being read.
 */
export type Filled = { readonly kind: 'batch'; readonly batch: Portion } | { readonly kind: 'more' | 'end' | 'reopen' };

/** Reads one partition and decides what it reads. */
export type Reading = {
  /** Reads, unless something is left, and decides up to a batch. */
  fill(): Promise<Filled>;
  /** Waits until there may be more. */
  idle(): Promise<void>;
};

/** Begins to read at a position. */
export type OpenReading = (from: RawPosition, patience: Patience, signal: AbortSignal) => Reading;

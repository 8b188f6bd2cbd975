import type { Alert } from '../../schemas/alert.ts';
import type { AlertHabit, NearestSession } from '../../schemas/api/explanation.ts';
import type { BlastRadius } from '../../schemas/api/preview.ts';
import type { Missing } from '../../schemas/api/sources.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { AliasRow, FindingRow, Manifest, Outputs, ScoredEvent, StateBlob } from '../../schemas/outputs.ts';

/**
 * The second seam as detect sees it: where outputs, state and manifests are made durable. Both implementations speak
 * ClickHouse's SQL through `@clickhouse/client`, over HTTP to a server or in process to chDB; the simulated store of the
 * tests fails on request. Every write may be repeated: the highest version wins and equal rows collapse.
 */
export interface DetectStore {
  /**
   * The row as it will be written, for as long as it waits for that: what it is made of need not be kept. Absent where
   * that gains nothing.
   */
  readonly packEvent?: (row: ScoredEvent) => ScoredEvent;
  /** Rows for events, findings, alerts and unreadable records. */
  writeOutputs(outputs: Outputs): Promise<void>;
  /** The key of an accepted event whose row was refused for good: `readKeys` gives it as if the row were there. */
  writeRefusedKey(partition: number, seen: SeenKey): Promise<void>;
  /** Of any partitions. Some of them may be written when it fails. */
  writeBlobs(blobs: readonly PlacedBlob[]): Promise<void>;
  /** Last: from here on everything below `next_offset` counts as done, in each of the partitions. */
  writeManifests(manifests: readonly Manifest[]): Promise<void>;

  readManifest(topic: string, partition: number): Promise<Manifest | undefined>;
  /** True when any blob or event row of the partition exists: a missing manifest is then a gap, not a beginning. */
  hasHistory(topic: string, partition: number): Promise<boolean>;
  /** Highest offset that anything stored of the partition carries: state or rows. */
  highestOffset(topic: string, partition: number): Promise<number | undefined>;
  readBlobs(topic: string, partition: number, keys: readonly string[]): Promise<Map<string, StateBlob>>;
  /** Blobs of which something falls due, without their bytes. */
  readDue(topic: string, partition: number): Promise<{ key: string; due: number }[]>;
  /** CRC-32 (that of zlib) of the keys of all blobs, each once; undefined when there are more than `most`. */
  readFingerprints(topic: string, partition: number, most: number): Promise<Uint32Array | undefined>;
  /** Event keys (32 hex digits) and ids of accepted events in [from, to), in offset order, to rebuild the dedup memory. */
  readKeys(topic: string, partition: number, from: number, to: number): AsyncIterable<SeenKey[]>;

  writePrior(version: string, bytes: Uint8Array): Promise<void>;
  /** The same for several, in one write. */
  writePriors(priors: readonly { readonly version: string; readonly bytes: Uint8Array }[]): Promise<void>;
  readPrior(version: string): Promise<Uint8Array | undefined>;
}

/** State of one key, and where it belongs. */
export type PlacedBlob = { readonly topic: string; readonly partition: number; readonly blob: StateBlob };

export type SeenKey = { readonly offset: number; readonly key: string; readonly origin: string; readonly id: string };

/** The store cannot be reached, is overloaded or full: the same write is worth repeating, without end. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** The store understood the write and will never take it. Bisected to the row, which goes to the dead letters. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
}

export type { AliasRow, FindingRow, Manifest, Outputs, ScoredEvent, StateBlob };

/**
 * A dead letter and the record it stands in: one of `agent.audit.dead`, or the record of `agent.audit.events` that could
 * not be read.
 */
export type StoredDeadLetter = {
  readonly letter: DeadLetter;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
};
export type DeadLetterCursor = Omit<StoredDeadLetter, 'letter'> & { readonly time: number };

/** What a record of the control log said, copied so that it can be asked for in SQL. The log stays the truth. */
export type ControlCopy = {
  readonly sequence: number;
  readonly kind: string;
  /** The record as JSON text. */
  readonly json: string;
};

/** Copies of what other logs hold. Like detect's writes they may be repeated. */
export interface CopyStore {
  writeDeadLetters(rows: readonly StoredDeadLetter[]): Promise<void>;
  writeControlCopies(rows: readonly ControlCopy[]): Promise<void>;
}

/** One page of something that has an order of its own. `next` is absent on the last page. */
export type Page<Item, Cursor> = { readonly items: readonly Item[]; readonly next: Cursor | undefined };

export type AlertCursor = { readonly updated: number; readonly uid: string };
export type AlertFilter = {
  readonly tenant: string;
  readonly identity?: string;
  readonly status?: Alert['status'];
  readonly severities?: readonly Alert['severity'][];
  /** Updated at this log time or later, epoch milliseconds. */
  readonly since?: number;
  /** Not updated after this log time. */
  readonly until?: number;
};
export type AlertPageRequest = {
  readonly limit: number;
  readonly after?: AlertCursor;
  /** `oldest_first` never skips an alert that is updated while it is being paged through: it comes again, later. */
  readonly order: 'newest_first' | 'oldest_first';
};

export type EventCursor = { readonly time: number; readonly key: string };
export type EventFilter = {
  readonly tenant: string;
  readonly identity: string;
  readonly session?: string;
  /** Event time, [from, to). */
  readonly from?: number;
  readonly to?: number;
};

export type AlertEvidence = {
  /** The events that the alert names, oldest first. */
  readonly evidence: readonly ScoredEvent[];
  /** Events of the same sessions around the alert's time that it does not name, oldest first. */
  readonly context: readonly ScoredEvent[];
};

export type IdentityRow = {
  readonly identity: string;
  readonly kind: string;
  readonly owner: string | undefined;
  readonly peer_group: string | undefined;
  readonly version: string | undefined;
  readonly events: number;
  readonly sessions: number;
  /** Events outside the span of time that windows count, and events without any size. */
  readonly late: number;
  readonly unsized: number;
  /** Event times, epoch milliseconds. */
  readonly first_seen: number;
  readonly last_seen: number;
};

/** Of an identity, what an action is about: an event that has all that is named here would have been stopped. */
export type BlastRequest = {
  readonly tenant: string;
  readonly identity: string;
  readonly target?: {
    readonly field: 'tool' | 'classification' | 'session' | 'credential' | 'identity';
    readonly value: string;
  };
  /** Sessions with an event since then are open. Epoch milliseconds. */
  readonly open_since: number;
};

export type Counted = { readonly name: string; readonly count: number };
export type IdentitySummary = IdentityRow & {
  /** The most used, most used first. */
  readonly tools: readonly Counted[];
  readonly stores: readonly Counted[];
  readonly operations: readonly Counted[];
  /** Newest last. An unknown size counts as nothing, and `unknown_out` says how many there were. */
  readonly days: readonly {
    /** YYYY-MM-DD, UTC, of event time. */
    readonly day: string;
    readonly events: number;
    readonly bytes_in: number;
    readonly bytes_out: number;
    readonly unknown_out: number;
  }[];
};

/** What is stored of one origin: what its events lack, and what was rejected. */
export type OriginRow = {
  readonly origin: string;
  readonly events: number;
  /** Exact as long as there are few. */
  readonly identities: number;
  readonly unresolved_identities: number;
  /** Event time of the newest, and when one was stored last, epoch milliseconds. */
  readonly last_event: number | undefined;
  readonly last_stored: number | undefined;
  /** Events without it. */
  readonly missing: { readonly [M in Missing]: number };
  /** By reason. */
  readonly dead_letters: readonly Counted[];
  readonly last_dead_letter: number | undefined;
};

export type StoreTotals = {
  readonly events: number;
  readonly identities: number;
  readonly findings: number;
  readonly alerts: number;
  readonly alert_revisions: number;
  readonly dead_letters: number;
};

export type TableSize = {
  readonly table: string;
  /** Rows on disk, repeats that are not merged yet included. */
  readonly rows: number;
  readonly bytes: number;
  readonly bytes_per_row: number;
};

/** What API, CLI and doctor ask. Every answer is free of repeats; limits are the callers'. */
export interface ReadStore {
  /** Latest revision of each alert that fits the filter, by (updated, uid). */
  listAlerts(filter: AlertFilter, page: AlertPageRequest): Promise<Page<Alert, AlertCursor>>;
  /** The latest revision, or the one asked for. */
  readAlert(tenant: string, uid: string, revision?: number): Promise<Alert | undefined>;
  readAlertEvidence(alert: Alert, options: { readonly context_max: number }): Promise<AlertEvidence>;
  /** All findings of one alert, oldest first. */
  readAlertFindings(alert: Alert, limit: number): Promise<readonly FindingRow[]>;
  /** What would have been normal where the alert's strongest event stands; undefined where that is not stored. */
  readAlertHabit(alert: Alert): Promise<AlertHabit | undefined>;
  /** The most similar session before the alert, of the identity or, failing that, of its peer group. */
  readNearestSession(alert: Alert): Promise<NearestSession | undefined>;
  /** Events of one identity, newest first. */
  listEvents(
    filter: EventFilter,
    page: { readonly limit: number; readonly after?: EventCursor },
  ): Promise<Page<ScoredEvent, EventCursor>>;
  /** Identities by name. The cursor is the last name. */
  listIdentities(
    tenant: string,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<Page<IdentityRow, string>>;
  readIdentity(tenant: string, identity: string): Promise<IdentitySummary | undefined>;
  /** What containing an identity would touch; undefined when nothing is stored of it. */
  readBlastRadius(request: BlastRequest): Promise<BlastRadius | undefined>;
  /** Whose events accepted under this identity turned out to be, and which of others are this one's; newest first. */
  readAliases(tenant: string, identity: string, limit: number): Promise<readonly AliasRow[]>;
  /** Newest first, by the time of the rejection. */
  listDeadLetters(page: {
    readonly limit: number;
    readonly after?: DeadLetterCursor;
    readonly reason?: DeadLetter['reason'];
  }): Promise<Page<StoredDeadLetter, DeadLetterCursor>>;
  countDeadLetters(): Promise<readonly Counted[]>;
  /** In the order of the control log, from beyond `after`. */
  listControlCopies(page: {
    readonly limit: number;
    readonly after?: number;
    readonly kind?: string;
  }): Promise<Page<ControlCopy, number>>;
  /** The origins with most events among what was stored since `since`, epoch milliseconds. */
  readOrigins(since: number, limit: number): Promise<Page<OriginRow, string>>;
  totals(): Promise<StoreTotals>;
  sizes(): Promise<readonly TableSize[]>;
}

/** All of the store. Detect gets it as DetectStore, the API as ReadStore. */
export interface Store extends DetectStore, CopyStore, ReadStore {
  /** Resolves when the store answers; throws StoreUnavailable when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

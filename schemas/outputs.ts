import type { Alert } from './alert.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { DirectiveEntry } from './directive.ts';
import type { EffectReport } from './effect.ts';
import type { CanonicalEvent } from './event.ts';
import type { Finding } from './finding.ts';
import type { HandedRecord } from './handed.ts';
import type { Pulses } from './pulse.ts';
import type { AliasRecord } from './record.ts';

/**
 * What the partition worker hands to its shell. All of it is a function of the log up to an offset, so writing it again
 * after a crash writes the same bytes (design, section 5).
 */
export type ScoredEvent = {
  readonly event: CanonicalEvent;
  readonly partition: number;
  readonly offset: number;
  /** Log clock of the record, epoch milliseconds. */
  readonly log_time: number;
  /** Surprise in bits: the combination, and per detector in the order of `Model.detectors`. */
  readonly bits: number;
  readonly parts: readonly number[];
  /** Bit set over EVENT_FLAGS: what ingest noticed and what the worker added. */
  readonly flags: number;
};

export type FindingRow = {
  readonly finding: Finding;
  readonly tenant: string;
  readonly identity: string;
  readonly alert_uid: string | undefined;
  readonly partition: number;
  readonly offset: number;
};

/** One revision of an alert and the offset whose record made it. */
export type AlertRevision = { readonly alert: Alert; readonly partition: number; readonly offset: number };

/** A record of the events topic that is not one of ours: kept with its bytes, never in the way of the next. */
export type PoisonRecord = { readonly letter: DeadLetter; readonly partition: number; readonly offset: number };

/** Whose events turned out to be that were accepted as nobody's own. */
export type AliasRow = {
  readonly alias: Omit<AliasRecord, 'type' | 'at'>;
  readonly partition: number;
  readonly offset: number;
  /** Log clock of the record, epoch milliseconds. */
  readonly log_time: number;
};

export type Outputs = {
  readonly events: ScoredEvent[];
  readonly findings: FindingRow[];
  readonly alerts: AlertRevision[];
  readonly aliases: AliasRow[];
  readonly poison: PoisonRecord[];
  /** For the worker of stories over several identities. */
  readonly handed: HandedRecord[];
  /** For the responder, which knows the containments. */
  readonly effects: EffectReport[];
};

/** One identity's (or peer group's) state, as of an applied offset. The highest version wins. */
export type StateBlob = {
  readonly key: string;
  /** Last applied offset: readers skip what the blob has applied already. */
  readonly version: number;
  /** Log clock at which something of this identity falls due; undefined when nothing is pending. */
  readonly due: number | undefined;
  readonly bytes: Uint8Array;
};

/** The last thing a checkpoint writes: everything before `next_offset` is durable. */
export type Manifest = {
  readonly topic: string;
  readonly partition: number;
  readonly generation: string;
  readonly partitions: number;
  /**
   * Offsets of rows, blobs and manifests are logical: an offset of the log plus `offset_base`. They only ever grow, also
   * where those of the log begin anew, so nothing that is stored is ever ahead of what is read.
   */
  readonly next_offset: number;
  readonly offset_base: number;
  /** Highest log clock applied, live and recorded apart, epoch milliseconds. */
  readonly watermark_live: number;
  readonly watermark_recorded: number;
  /** First offset whose event key the partition still remembers. */
  readonly dedup_from: number;
  readonly prior_version: string;
  /** Peer groups whose state this partition holds: loaded at assignment. */
  readonly groups: readonly string[];
  /** Directives in force, oldest first; absent where there are none. */
  readonly directives?: readonly DirectiveEntry[] | undefined;
  readonly rules_version: number;
  /** Sums since the beginning of the partition: applied, accepted, duplicate, late, early, id_reused, ... */
  readonly counters: Readonly<Record<string, number>>;
  /** How sources and peer groups are heard of; absent in manifests of older releases. */
  readonly pulses?: Pulses | undefined;
};

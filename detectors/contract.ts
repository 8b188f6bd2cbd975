import type { Touch } from '../schemas/directive.ts';
import type { CanonicalEvent } from '../schemas/event.ts';
import type { Contribution, Family, Finding } from '../schemas/finding.ts';
import type { Hours, Pulse } from '../schemas/pulse.ts';
import type { StateRef } from './state.ts';

/**
 * The contract between the pure detection core and the partition worker.
 *
 * Everything here is synchronous and deterministic: no I/O, no clock, no randomness, no logger. Time comes in as epoch
 * milliseconds. An event is scored before anything learns from it, and a session teaches only after it has ended.
 *
 * The state of one identity is a fixed number of 32-bit words in a shared slab (`StateRef`). Its bytes are what the
 * worker stores, so restoring is a copy. What lives only while a session is open is in its `SessionTrace`.
 */

/** One event as the detectors see it, with the clock of the log it stood in. */
export type ScoreInput = {
  readonly event: CanonicalEvent;
  /** Log clock of the record. */
  readonly log_ms: number;
  /** False when the event's time is outside the accepted span: it is scored, but kept out of the time windows. */
  readonly in_window: boolean;
  readonly state: StateRef;
  readonly session: SessionTrace;
  /** What the peer group (or, failing it, the population) taught up to the adopted version. */
  readonly prior: Prior;
};

export type Score = {
  /** Combined surprise of the event in bits: -log2 of a tail probability. Finite, at least 0. */
  bits: number;
  /** Surprise by detector, in the order of `Model.detectors`; 0 where a detector has nothing to say. */
  parts: number[];
  /** What it says went into an alert that stood before: no budget is spent on it again. */
  continues?: boolean;
};

/** A finding before the worker adds identity, clock and evidence. */
export type FindingDraft = Pick<
  Finding,
  'detector' | 'family' | 'pattern' | 'probability' | 'bits' | 'observed' | 'expected' | 'history' | 'sentence'
> & {
  readonly subject?: { readonly kind: string; readonly value: string };
  readonly contributed?: number;
};

/** What an open session has done so far, bounded by LIMITS.session_events_max. Opaque to the worker. */
export interface SessionTrace {
  /** Strongest surprise of an event so far, in bits. */
  readonly bits_max: number;
  readonly events: number;
}

/** What the members of one peer group taught within one partition. Merged over partitions into priors. */
export interface GroupState {
  readonly sessions: number;
}

/** An immutable version of what groups and population know, with the thresholds that follow from the alert budget. */
export interface Prior {
  readonly version: string;
  /** Events at or above it become findings; at or above the second, alerts. */
  readonly finding_bits: number;
  readonly alert_bits: number;
  /** The same for another budget, in alerts per 1,000 identity-days. */
  thresholdsAt(budget: number): { readonly finding_bits: number; readonly alert_bits: number };
  /** Of 1,000 identity-days of the fleet, how many reach such a score; undefined while too little is known of it. */
  reachedPer1000(bits: number): number | undefined;
}

/** How many alerts there may be: per 1,000 identity-days where it is a number, else per day of the whole fleet. */
export type AlertBudget = number | { readonly alerts_per_day: number };

/** What a person is shown of a baseline: the API's identity page and the explanations draw on it. */
export type Profile = {
  readonly events: number;
  readonly sessions: number;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly maturity: 'learning' | 'mature';
  /** Parts that a declared change touched, and the sessions that each has still to learn. */
  readonly relearning: readonly {
    readonly part: 'behaviour' | 'tools' | 'data' | 'access';
    readonly sessions_left: number;
  }[];
  /** Whom it is compared with; absent where nobody asked. */
  readonly peers?: PeersProfile;
  /** Per detector, what it expects, as labelled numbers in the named unit. */
  readonly baselines: readonly {
    readonly detector: string;
    readonly name: string;
    readonly value: number;
    readonly unit: string;
  }[];
};

/** The group that an identity is compared with while its own history is short, and in what is new to it. */
export type PeersProfile = {
  /** The group that its events declare; a group of identities that use like tools; or all of its kind. */
  readonly origin: 'declared' | 'derived' | 'kind';
  readonly name: string;
  /** Identities that taught it, estimated, and their sessions. */
  readonly members: number;
  readonly sessions: number;
  /** The population stands in for a group that taught too little. */
  readonly yardstick: 'peer_group' | 'population';
};

export interface Model {
  readonly detectors: readonly { readonly name: string; readonly family: Family }[];
  /** Changes with every change of what the same log would yield. */
  readonly rules_version: number;
  /** Version and length of the state layout, in 32-bit words. */
  readonly layout_version: number;
  readonly words: number;
  initial(state: StateRef): void;
  /** Brings the words of an older layout to this one. Throws RangeError on a layout it does not know. */
  upgrade(words: Uint32Array, from_layout: number): Uint32Array;

  newSession(): SessionTrace;
  /** Score first: reads state, session and prior, changes none of them. */
  score(input: ScoreInput): Score;
  /** Combined surprise in bits of other parts than those of `score`. Call between score and observe. */
  weigh(input: ScoreInput, parts: readonly number[]): number;
  /** Then observe: running windows and the session's trace take the event in; nothing is learned yet. */
  observe(input: ScoreInput, score: Score): void;
  /**
   * Of the parts of a score, the most surprising one that is judged by the identity-day and enters no score: its bits are those
   * of such a day. Undefined where none says anything. Call between score and observe.
   */
  apart(input: ScoreInput, parts: readonly number[]): { readonly bits: number; readonly detector: string } | undefined;
  /**
   * The findings behind a score, strongest first: parts of at least `bits_min`, the strongest part, and those near it,
   * because an event can be extreme by what several detectors say together. Call between score and observe.
   */
  explain(input: ScoreInput, score: Score, bits_min: number): FindingDraft[];
  /** What each detector made of a score, strongest first; together they make all of it. Call between score and observe. */
  contributions(input: ScoreInput, score: Score): Contribution[];
  /** The session has ended and may teach its identity and its group. */
  learn(state: StateRef, session: SessionTrace, group: GroupState): void;
  /**
   * Time passes for one identity: windows that ended are closed, and learned unless held.
   * Returns the log clock at which the next window is due, or undefined when none is open.
   */
  advance(state: StateRef, log_ms: number, held: boolean): number | undefined;
  readonly silence: SilenceModel;

  /** A change was declared: what it touches is learned anew. To be called before the first event of the new version. */
  relearn(state: StateRef, touches: readonly Touch[], log_ms: number): void;
  /** Names of the detectors that a change of this kind makes uncertain. */
  touchedBy(touches: readonly Touch[]): readonly string[];

  encodeSession(session: SessionTrace): Uint8Array;
  /** `layout` is the version of the words stored beside it, where that is an older one. */
  decodeSession(bytes: Uint8Array, layout?: number): SessionTrace;
  newGroup(): GroupState;
  encodeGroup(group: GroupState): Uint8Array;
  decodeGroup(bytes: Uint8Array): GroupState;
  /** The prior before anything was learned: population unknown, default thresholds. */
  emptyPrior(): Prior;
  /**
   * Builds a prior from all partitions' groups; the same groups in any order give the same bytes.
   * The thresholds follow from the operator's alert budget.
   */
  buildPrior(groups: ReadonlyMap<string, readonly GroupState[]>, budget: AlertBudget): Uint8Array;
  openPrior(bytes: Uint8Array, version: string): Prior;
  /** `among`: a prior, and the group that the identity is in, as `peerGroupOf` names it. */
  profile(state: StateRef, among?: { readonly prior: Prior; readonly group: string }): Profile;
}

/** What is judged when nothing happens. `observe` notes that the identity was heard of. */
export interface SilenceModel {
  /** Changes whenever the identity is heard of in another hour than before; 0 before that. */
  heard(state: StateRef): number;
  /** The identity goes on on another clock: what lies between the two is no silence. */
  restart(state: StateRef): void;
  /**
   * Judges the silence as of `log_ms`: a finding of at least `bits_min`, once until the identity is heard of again, or else
   * the log clock, later than now, at which to look again. Hours in `away` do not count, and on days
   * on which its `peers` rest it is expected as at a weekend.
   */
  look(
    state: StateRef,
    log_ms: number,
    bits_min: number,
    away: readonly Hours[],
    peers?: Pulse,
  ): { readonly draft: FindingDraft | undefined; readonly due: number | undefined };
}

/** Peer group of an event within its tenant: declared, or one per kind of identity. */
export function peerGroupOf(event: CanonicalEvent): string {
  return `${event.tenant}\u0000${event.identity.peer_group ?? KIND_PREFIX + event.identity.kind}`;
}

/** What the group of those that declare none is called, before the kind of identity. */
export const KIND_PREFIX = 'kind:';

import type { SessionTrace } from '../../detectors/contract.ts';
import type { StateRef } from '../../detectors/state.ts';
import type { Alert } from '../../schemas/alert.ts';
import type { CanonicalEvent, IdentityKind } from '../../schemas/event.ts';
import type { EvidenceRef } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Pulse } from '../../schemas/pulse.ts';
import type { WatchedEffect } from './effects.ts';
import type { RestingAlert } from './resting.ts';

/** Everything one partition worker knows of one identity: the fixed words of the baselines and the few things in flight. */
export type IdentityState = {
  readonly key: string;
  readonly slot: StateRef;
  /** Highest offset of which the state holds the effect; records up to it are skipped after a restart. */
  applied: number;
  /** Version of the last snapshot handed to the store, -1 before the first. */
  saved: number;
  dirty: boolean;
  /** Events applied so far. It tells apart an event and its redelivery from beyond the dedup memory. */
  events: number;
  /** Own clock: the highest log clock seen, and which of the two clocks that was. */
  clock_ms: number;
  recorded: boolean;
  group: string;
  /** What `group` came of, in memory only: as long as events declare the same, nothing is looked up. */
  kind: IdentityKind | undefined;
  peer_group: string | undefined;
  sessions: OpenSession[];
  alerts: OpenAlert[];
  /** Closed alerts that may come back, the oldest first. */
  resting: RestingAlert[];
  held: HeldSession[];
  /** What directives left behind; undefined for most. */
  directed: Directed | undefined;
  /** Containments whose effect is watched; undefined for all but a few. */
  effects: readonly WatchedEffect[] | undefined;
  /** When the detectors' next window closes. */
  window_due: number | undefined;
  /** When its silence is judged next. */
  silence_due: number | undefined;
  /** Who it is and what it did last: what there is to say of it once it is silent. */
  last: LastHeard | undefined;
  /** Under which source and peer group it was counted last, and in which hour, in memory only. */
  marked: Marked | undefined;
  /** `dueOf` as of the last change: the next moment at which something of the identity falls due. */
  due: number | undefined;
  /** Deadline for which an entry stands in the timer heap. */
  armed: number | undefined;
};

/** `source` is that of one clock. */
export type Marked = { readonly hour: number; readonly source: Pulse; readonly group: string };

export type LastHeard = {
  readonly tenant: string;
  readonly origin: string;
  readonly identity: CanonicalEvent['identity'];
  readonly credential?: string;
  /** The newest events of the session that it was heard of in, the newest last; `silence.ts` looks at a few of them. */
  readonly recent: readonly EvidenceRef[];
};

export type OpenSession = {
  readonly id: string;
  readonly trace: SessionTrace;
  readonly begun_ms: number;
  last_ms: number;
  /** The newest events, as evidence for findings about the session as a whole. */
  readonly recent: EvidenceRef[];
  /** The alert that covers the session, which keeps it from being learned when it ends. */
  alert_uid: string | undefined;
};

export type OpenAlert = {
  alert: Alert;
  /** Findings counted when the last revision went out. */
  emitted_count: number;
  quiet_due: number;
  /** The keys of what it showed (`shown.ts`); absent in alerts of before they were kept. */
  shown?: readonly string[];
  /** What it told since it woke (`toldWith`); absent if it never rested. */
  told?: readonly string[];
};

export type Directed = {
  /** Findings that opened no alert because of a directive. */
  muted: number;
  /** Declared changes that have begun for the identity, and how many sessions each has still to learn. */
  changes: { readonly uid: string; left: number }[];
};

export type HeldSession = { readonly alert_uid: string; readonly trace: SessionTrace; readonly since_ms: number };

/** Whether the event declares the peer group that the identity is known to be in. */
export function staysInGroup(state: IdentityState, { kind, peer_group }: CanonicalEvent['identity']): boolean {
  return state.kind === kind && state.peer_group === peer_group;
}

export function joinGroup(state: IdentityState, group: string, declared: CanonicalEvent['identity']): void {
  state.group = group;
  state.kind = declared.kind;
  state.peer_group = declared.peer_group;
}

/** The next moment at which something of the identity falls due, on its own clock. */
export function dueOf(state: IdentityState): number | undefined {
  let due = Math.min(state.window_due ?? Number.POSITIVE_INFINITY, state.silence_due ?? Number.POSITIVE_INFINITY);
  for (const session of state.sessions) due = Math.min(due, session.last_ms + LIMITS.session_idle_ms);
  for (const open of state.alerts) due = Math.min(due, open.quiet_due);
  for (const held of state.held) due = Math.min(due, held.since_ms + LIMITS.held_expiry_ms);
  if (state.effects !== undefined) for (const { watch } of state.effects) due = Math.min(due, watch.until);
  return due === Number.POSITIVE_INFINITY ? undefined : due;
}

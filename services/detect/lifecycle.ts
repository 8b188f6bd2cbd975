import type { Model, SessionTrace } from '../../detectors/contract.ts';
import type { Alert } from '../../schemas/alert.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import { closeAlert } from './alerts.ts';
import { countLesson } from './directed.ts';
import { moveWatches } from './effects.ts';
import type { GroupTable } from './groups.ts';
import { dueOf, type IdentityState, type OpenSession } from './identity.ts';
import { forgetResting, restAlert } from './resting.ts';

/** Where a lifecycle step reports what it caused. */
export type Sink = {
  alert(alert: Alert, offset: number): void;
  tally(name: string, add: number): void;
};

/**
 * What time and verdicts do to one identity: sessions begin, end and teach; what an open alert covers is held back from
 * learning until a verdict or its expiry; quiet alerts close; windows close. Everything here belongs to one record, whose
 * offset it carries.
 */
export class Lifecycle {
  readonly #model: Model;
  readonly #groups: GroupTable;
  readonly #sink: Sink;

  constructor(model: Model, groups: GroupTable, sink: Sink) {
    this.#model = model;
    this.#groups = groups;
    this.#sink = sink;
  }

  /** Lets the identity's own time pass up to the log clock of a record. */
  advance(state: IdentityState, offset: number, log_ms: number, recorded: boolean): void {
    if (log_ms >= state.clock_ms) {
      // Its timer stands in the heap of the other clock, which may never get there.
      if (state.recorded !== recorded) {
        state.armed = undefined;
        state.silence_due = undefined;
        this.#model.silence.restart(state.slot);
        if (state.effects !== undefined) moveWatches(state, log_ms - state.clock_ms, recorded);
      }
      state.clock_ms = log_ms;
      state.recorded = recorded;
    }
    const now = state.clock_ms;
    if (state.due === undefined || state.due > now) return;
    const held = state.alerts.length > 0;
    for (const session of [...state.sessions]) {
      if (session.last_ms + LIMITS.session_idle_ms <= now) this.#end(state, session, offset);
    }
    for (const open of [...state.alerts]) {
      if (open.quiet_due > now) continue;
      state.alerts.splice(state.alerts.indexOf(open), 1);
      this.#sink.alert(closeAlert(open, 'quiet', open.quiet_due), offset);
      restAlert(state, open);
    }
    const kept = state.held.filter((session) => session.since_ms + LIMITS.held_expiry_ms > now);
    this.#sink.tally('held_expired', state.held.length - kept.length);
    state.held = kept;
    this.#closeWindows(state, held);
    this.#changed(state, offset);
  }

  /** The open session of that name, begun if need be. The longest idle one makes room beyond the limit. */
  session(state: IdentityState, id: string, offset: number): OpenSession {
    const open = state.sessions.find((session) => session.id === id);
    if (open !== undefined && state.clock_ms - open.begun_ms < LIMITS.session_ms_max) {
      open.last_ms = state.clock_ms;
      return open;
    }
    if (open !== undefined) this.#end(state, open, offset);
    if (state.sessions.length >= LIMITS.sessions_open_per_identity_max) {
      const oldest = state.sessions.reduce((a, b) => (b.last_ms < a.last_ms ? b : a));
      this.#end(state, oldest, offset);
    }
    const begun: OpenSession = {
      id,
      trace: this.#model.newSession(),
      begun_ms: state.clock_ms,
      last_ms: state.clock_ms,
      recent: [],
      alert_uid: undefined,
    };
    state.sessions.push(begun);
    return begun;
  }

  /** To be called after an event was observed. */
  observed(state: IdentityState, offset: number, in_window: boolean): void {
    if (in_window) this.#closeWindows(state, state.alerts.length > 0);
    this.#changed(state, offset);
  }

  /** Closes the judged alert. What it held is learned after a false positive or expected change, else discarded. */
  verdict(state: IdentityState, verdict: Verdict, offset: number): void {
    const open = state.alerts.find((candidate) => candidate.alert.uid === verdict.alert_uid);
    if (open !== undefined) {
      state.alerts.splice(state.alerts.indexOf(open), 1);
      this.#sink.alert(closeAlert(open, verdict.verdict, state.clock_ms), offset);
    }
    forgetResting(state, verdict.alert_uid);
    if (verdict.verdict !== 'true_positive') {
      for (const session of state.sessions) {
        if (session.alert_uid === verdict.alert_uid) session.alert_uid = undefined;
      }
      for (const held of state.held) {
        if (held.alert_uid === verdict.alert_uid) this.#learn(state, held.trace, offset);
      }
    }
    state.held = state.held.filter((held) => held.alert_uid !== verdict.alert_uid);
    this.#changed(state, offset);
  }

  #end(state: IdentityState, session: OpenSession, offset: number): void {
    state.sessions.splice(state.sessions.indexOf(session), 1);
    this.#sink.tally('sessions_ended', 1);
    if (session.alert_uid === undefined) {
      this.#learn(state, session.trace, offset);
      return;
    }
    state.held.push({ alert_uid: session.alert_uid, trace: session.trace, since_ms: state.clock_ms });
    this.#sink.tally('sessions_held', 1);
    if (state.held.length > LIMITS.held_sessions_max) {
      state.held.shift();
      this.#sink.tally('held_discarded', 1);
    }
  }

  #learn(state: IdentityState, trace: SessionTrace, offset: number): void {
    countLesson(state);
    const group = this.#groups.get(state.group);
    if (offset > group.applied) {
      this.#model.learn(state.slot, trace, group.state);
      group.dirty = true;
    } else {
      // The group's blob, written before the identity's, holds this session already: only the identity still learns it.
      this.#model.learn(state.slot, trace, this.#model.newGroup());
    }
  }

  #closeWindows(state: IdentityState, held: boolean): void {
    const due = this.#model.advance(state.slot, state.clock_ms, held);
    // A window that is due in the past would make time stand still for this identity.
    state.window_due = due === undefined ? undefined : Math.max(due, state.clock_ms + 1);
  }

  #changed(state: IdentityState, offset: number): void {
    state.applied = Math.max(state.applied, offset);
    state.due = dueOf(state);
    state.dirty = true;
  }
}

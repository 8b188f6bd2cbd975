import type { Model } from '../../detectors/contract.ts';
import {
  bearingOf,
  concludeWatch,
  EFFECT_BITS,
  EFFECT_DETECTOR,
  failureDraft,
  failureSentence,
} from '../../detectors/effect.ts';
import type { EffectReport, EffectWatch } from '../../schemas/effect.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { EvidenceRef } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type DescribeAlert, joinAlert, openAlert } from './alerts.ts';
import { alertIdentityOf, evidenceOf, findingOf } from './findings.ts';
import { dueOf, type IdentityState, type OpenSession } from './identity.ts';
import type { Outbox } from './outbox.ts';
import type { SilenceWatch } from './silence.ts';

/**
 * Whether containments hold, as the events of their identities tell. A watch is part of its identity's state, so it is
 * applied, skipped, evicted and woken with it: after any crash the same events are counted and the same is reported.
 *
 * Its times are on the identity's own clock: what is replayed is watched on the clock of its recording.
 */
export type WatchedEffect = {
  /** Its times on the clock that the identity is on now. */
  readonly watch: EffectWatch;
  /** As it was ordered, and on which clock: what holds again, exactly, once the identity is back on that one. */
  readonly ordered: { readonly watch: EffectWatch; readonly recorded: boolean };
  readonly permitted: number;
  readonly refused: number;
  readonly others: number;
  /** Events that fit, came late and say that they happened before the watch. */
  readonly backdated: number;
  readonly went_through: readonly EvidenceRef[];
  readonly were_refused: readonly EvidenceRef[];
  /** The alert that says that it failed, and when it was told of last, on the identity's clock. */
  readonly alert?: { readonly uid: string; readonly told_ms: number };
};

type At = { readonly event: CanonicalEvent; readonly log_ms: number; readonly session: OpenSession };

export class Effects {
  readonly #model: Model;
  readonly #describe: DescribeAlert;
  readonly #silence: SilenceWatch;
  readonly #outbox: Outbox;
  readonly #lateness_ms: number;

  constructor(
    options: { readonly model: Model; readonly describe: DescribeAlert; readonly lateness_ms?: number },
    silence: SilenceWatch,
    outbox: Outbox,
  ) {
    this.#model = options.model;
    this.#describe = options.describe;
    this.#silence = silence;
    this.#outbox = outbox;
    this.#lateness_ms = options.lateness_ms ?? LIMITS.lateness_ms;
  }

  /**
   * The responder asks to watch. `state` is undefined for an identity of which nothing is known here: then nothing can be
   * seen, which is reported at once, as is what there is no room for.
   */
  begin(
    watch: EffectWatch,
    state: IdentityState | undefined,
    at: { readonly offset: number; readonly log_ms: number; readonly recorded: boolean },
  ): void {
    if (state === undefined) {
      this.#cannot(watch, at.log_ms, 'Nothing is known of the identity here.');
      return;
    }
    if (at.offset <= state.applied) return;
    const watched = state.effects ?? [];
    if (watched.some((one) => one.watch.containment === watch.containment)) return;
    if (watched.length >= LIMITS.effect_watches_per_identity_max) {
      this.#cannot(watch, at.log_ms, `${watched.length} containments of it are watched already.`);
      return;
    }
    const ahead_ms = at.recorded === state.recorded ? 0 : state.clock_ms - at.log_ms;
    const ordered = { watch, recorded: at.recorded };
    state.effects = [...watched, watchedFrom(moved(watch, ahead_ms), ordered)];
    changed(state, at.offset);
  }

  /** Time has passed for the identity: reports what is over. To be called where the state has a watch that is due. */
  pass(state: IdentityState, offset: number): void {
    const { effects = [], clock_ms } = state;
    const over = effects.filter(({ watch }) => watch.until <= clock_ms);
    if (over.length === 0) return;
    for (const one of over) this.#outbox.effect(this.#conclusion(one, state));
    const left = effects.filter(({ watch }) => watch.until > clock_ms);
    state.effects = left.length === 0 ? undefined : left;
    changed(state, offset);
  }

  /** An event of a watched identity, after time has passed up to it and its session knows it. */
  check(state: IdentityState, at: At, offset: number): void {
    this.pass(state, offset);
    state.effects = state.effects?.map((one) => this.#weigh(one, state, at, offset));
  }

  #weigh(one: WatchedEffect, state: IdentityState, at: At, offset: number): WatchedEffect {
    const { event } = at;
    const bearing = bearingOf(one.watch, event);
    if (event.time < one.watch.from) {
      const late = bearing === 'permitted' && state.clock_ms >= one.watch.from + this.#lateness_ms;
      return late ? { ...one, backdated: one.backdated + 1 } : one;
    }
    if (bearing === 'other') return { ...one, others: one.others + 1 };
    const ref = evidenceOf(event);
    if (bearing === 'refused') {
      return { ...one, refused: one.refused + 1, were_refused: withEvidence(one.were_refused, ref) };
    }
    const seen = { ...one, permitted: one.permitted + 1, went_through: withEvidence(one.went_through, ref) };
    return this.#failed(seen, state, at, offset);
  }

  /** It does not hold: told at once, again whenever it has become twice as much, and anew once the alert is long closed. */
  #failed(one: WatchedEffect, state: IdentityState, at: At, offset: number): WatchedEffect {
    const open = state.alerts.find(({ alert }) => alert.uid === one.alert?.uid);
    const quiet = one.alert === undefined || state.clock_ms - one.alert.told_ms >= LIMITS.alert_quiet_ms;
    if (open === undefined && !quiet) return one;
    if (open !== undefined) {
      at.session.alert_uid ??= open.alert.uid;
      open.quiet_due = Math.max(open.quiet_due, state.clock_ms + LIMITS.alert_quiet_ms);
      if (!isPowerOfTwo(one.permitted)) return one;
    }
    const uid = this.#tell(one, state, at, offset);
    const told = { ...one, alert: { uid, told_ms: state.clock_ms } };
    if (one.alert === undefined)
      this.#outbox.effect(reportOf(told, state.clock_ms, 'failed', firstWhy(told, at.event)));
    return told;
  }

  /** Raises the finding, in the alert of this containment: never in another, and whatever directives say. */
  #tell(one: WatchedEffect, state: IdentityState, { event, log_ms, session }: At, offset: number): string {
    const profile = this.#model.profile(state.slot);
    const draft = failureDraft(one.watch, event, { permitted: one.permitted, profile });
    const serial = `${state.events}/${one.watch.containment}`;
    const finding = findingOf(draft, event, { log_ms, serial, recent: session.recent });
    const identity = alertIdentityOf(event.identity, event.credential?.id);
    const context = {
      tenant: event.tenant,
      identity,
      session: session.id,
      log_ms: state.clock_ms,
      bits: EFFECT_BITS,
      alert_bits: EFFECT_BITS,
      event,
      contributions: [{ detector: EFFECT_DETECTOR, bits: EFFECT_BITS, share: 1 }],
    };
    const open = state.alerts.find(({ alert }) => alert.uid === one.alert?.uid);
    const { uid, revision } =
      open === undefined
        ? openAlert(state, [finding], context, this.#describe)
        : joinAlert(open, [finding], context, this.#describe);
    session.alert_uid ??= uid;
    this.#outbox.raised(event, { findings: [finding], alert_uid: uid, revision, handed: undefined }, offset);
    return uid;
  }

  #conclusion(one: WatchedEffect, state: IdentityState): EffectReport {
    const { watch, permitted, refused, others, backdated } = one;
    const seen = { permitted, refused, others, backdated, ...this.#silence.heardOf(state, watch) };
    const { finding, why } = concludeWatch(watch, seen);
    return reportOf(one, state.clock_ms, finding, why);
  }

  #cannot(watch: EffectWatch, log_ms: number, because: string): void {
    const why = `${because} Whether the containment holds cannot be seen: look at the target itself.`;
    this.#outbox.effect(reportOf(watchedFrom(watch, { watch, recorded: false }), log_ms, 'untested', why));
  }
}

/**
 * The identity goes on on the other clock, so much ahead: what was left of its watches is left of them, and those that
 * were ordered on that clock are what they were.
 */
export function moveWatches(state: IdentityState, by_ms: number, recorded: boolean): void {
  state.effects = state.effects?.map((one) => {
    const watch = one.ordered.recorded === recorded ? one.ordered.watch : moved(one.watch, by_ms);
    return { ...one, watch };
  });
}

function moved(watch: EffectWatch, by_ms: number): EffectWatch {
  return by_ms === 0 ? watch : { ...watch, from: watch.from + by_ms, until: watch.until + by_ms };
}

function watchedFrom(watch: EffectWatch, ordered: WatchedEffect['ordered']): WatchedEffect {
  return { watch, ordered, permitted: 0, refused: 0, others: 0, backdated: 0, went_through: [], were_refused: [] };
}

function withEvidence(before: readonly EvidenceRef[], ref: EvidenceRef): readonly EvidenceRef[] {
  return before.length < LIMITS.effect_evidence_max ? [...before, ref] : before;
}

function firstWhy({ watch }: WatchedEffect, { time }: CanonicalEvent): string {
  return failureSentence(watch, time, 1);
}

function reportOf(one: WatchedEffect, time: number, finding: EffectReport['finding'], why: string): EffectReport {
  const { watch, permitted, refused, others, went_through, were_refused, alert } = one;
  return {
    containment: watch.containment,
    finding,
    permitted,
    refused,
    others,
    evidence: [...went_through, ...were_refused].slice(0, LIMITS.effect_evidence_max),
    ...(alert !== undefined && { alert_uid: alert.uid }),
    why: why.slice(0, LIMITS.text_chars_max),
    time,
  };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function changed(state: IdentityState, offset: number): void {
  state.applied = Math.max(state.applied, offset);
  state.due = dueOf(state);
  state.dirty = true;
}

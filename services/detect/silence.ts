import type { FindingDraft, Model, Prior } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { NamedPulse, Pulses } from '../../schemas/pulse.ts';
import { closeAlert, type DescribeAlert, groupFindings, stableId } from './alerts.ts';
import { directedOf } from './directed.ts';
import type { Directing } from './directing.ts';
import { alertIdentityOf } from './findings.ts';
import { dueOf, type IdentityState, type LastHeard, type OpenAlert, type OpenSession } from './identity.ts';
import type { Outbox } from './outbox.ts';
import { Sources } from './sources.ts';

/** Last events that go along as evidence. */
const EVIDENCE_MAX = 3;

type Heard = {
  readonly event: CanonicalEvent;
  readonly log_ms: number;
  readonly session: OpenSession;
  readonly prior: Prior;
};

/**
 * Silence of identities, judged at ticks by the deadlines that each identity's habit sets: who is heard of needs no look
 * before that, however many there are.
 */
export class SilenceWatch {
  readonly #model: Model;
  readonly #describe: DescribeAlert;
  readonly #directing: Directing;
  readonly #outbox: Outbox;
  readonly #sources: Sources;

  constructor(
    options: { readonly model: Model; readonly describe: DescribeAlert },
    directing: Directing,
    outbox: Outbox,
    pulses: Pulses | undefined,
  ) {
    this.#model = options.model;
    this.#describe = options.describe;
    this.#directing = directing;
    this.#outbox = outbox;
    this.#sources = new Sources(pulses);
  }

  /** How sources and peer groups are heard of: to be looked at, and to be kept. */
  get pulses(): readonly NamedPulse[] {
    return this.#sources.all;
  }

  snapshot(): Pulses {
    return this.#sources.snapshot();
  }

  /** Time passes on one clock. */
  pass(log_ms: number, recorded: boolean): void {
    this.#sources.pass(log_ms, recorded);
  }

  /** An accepted event, whether or not the identity has applied it already. */
  hear(event: CanonicalEvent, flags: number, state: IdentityState, group: string, recorded: boolean): void {
    this.#sources.hear(event, flags, state, group, recorded);
  }

  /** Whether anything could have been seen of a silent identity from a time on, up to its own: by its source and peers. */
  heardOf(
    state: IdentityState,
    from: { readonly from: number; readonly until: number },
  ): { readonly source_newest: number; readonly away_ms: number } {
    return this.#sources.heardOf(state, from);
  }

  /** The identity is heard of: what was raised about its silence is over. To be called before the event is scored. */
  speaks(state: IdentityState, offset: number, log_ms: number): void {
    if (state.alerts.length === 0 || log_ms < state.clock_ms) return;
    for (const open of state.alerts.filter(isOfSilence)) {
      state.alerts.splice(state.alerts.indexOf(open), 1);
      this.#outbox.alert(closeAlert(open, 'resumed', state.clock_ms), offset);
    }
  }

  /** What `observed` compares with: to be asked before the event is observed. */
  heard(state: IdentityState): number {
    return this.#model.silence.heard(state.slot);
  }

  /** An event was observed: remembers it, and when to look for the identity. */
  observed(state: IdentityState, heard_before: number, from: Heard): void {
    state.last = lastOf(from);
    if (this.heard(state) === heard_before) return;
    // Hours that do not count can only make it later; they are asked for when it is due.
    state.silence_due = this.#model.silence.look(state.slot, from.log_ms, from.prior.alert_bits, []).due;
  }

  /** A tick has come to an identity: raises its silence if it is one, else sets the next deadline. */
  tick(state: IdentityState, offset: number, prior: Prior): void {
    if (state.silence_due === undefined || state.silence_due > state.clock_ms) return;
    const { draft, due } = this.#model.silence.look(
      state.slot,
      state.clock_ms,
      prior.alert_bits,
      this.#sources.away(state),
      this.#sources.peers(state),
    );
    state.silence_due = due === undefined ? undefined : Math.max(due, state.clock_ms + 1);
    if (draft !== undefined && state.last !== undefined) this.#raise(state, state.last, draft, offset);
    state.due = dueOf(state);
  }

  #raise(state: IdentityState, last: LastHeard, draft: FindingDraft, offset: number): void {
    const { tenant } = last;
    const identity = alertIdentityOf(last.identity, last.credential);
    const finding = findingOf(draft, last, state);
    const muted_by = this.#directing.muting(state, draft, last.identity.version);
    if (muted_by !== undefined) {
      directedOf(state).muted += 1;
      const muted = {
        findings: [{ ...finding, muted_by }],
        alert_uid: undefined,
        revision: undefined,
        handed: undefined,
      };
      this.#outbox.raised({ tenant, identity }, muted, offset);
      return;
    }
    const { bits } = draft;
    // The model has judged it against the threshold already.
    const context = { tenant, identity, session: '', log_ms: state.clock_ms, bits, alert_bits: 0 };
    const { uid, revision } = groupFindings(state, [finding], context, this.#describe);
    for (const open of state.alerts.filter(isOfSilence)) {
      open.quiet_due = Math.max(open.quiet_due, state.clock_ms + LIMITS.silence_alert_ms);
    }
    this.#outbox.raised(
      { tenant, identity },
      { findings: [finding], alert_uid: uid, revision, handed: undefined },
      offset,
    );
  }
}

function lastOf({ event: { tenant, origin, identity, credential }, session: { recent } }: Heard): LastHeard {
  return { tenant, origin, identity, ...(credential === undefined ? {} : { credential: credential.id }), recent };
}

/** What is stored of it. */
export function keptOf({ last }: IdentityState): LastHeard | undefined {
  return last && { ...last, recent: last.recent.slice(-EVIDENCE_MAX) };
}

function findingOf(draft: FindingDraft, last: LastHeard, state: IdentityState): Finding {
  const { tenant, identity, recent } = last;
  const newest = recent.at(-1)?.key ?? '';
  return {
    id: stableId(tenant, identity.id, draft.detector, draft.pattern, newest, String(state.events)),
    ...draft,
    time: state.clock_ms,
    log_time: state.clock_ms,
    // Nothing happened: the last that did, newest first.
    evidence: recent.slice(-EVIDENCE_MAX).reverse(),
  };
}

/** What an identity that goes on ends by it; an alert that other findings have joined goes on. */
function isOfSilence({ alert }: OpenAlert): boolean {
  return alert.findings.every(({ family }) => family === 'silence');
}

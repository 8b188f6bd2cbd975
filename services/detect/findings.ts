import type { FindingDraft, Model, Score, ScoreInput } from '../../detectors/contract.ts';
import type { Alert } from '../../schemas/alert.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { AlertIdentity, Contribution, EvidenceRef, Finding } from '../../schemas/finding.ts';
import type { HandedFinding } from '../../schemas/handed.ts';
import { type DescribeAlert, groupFindings, stableId } from './alerts.ts';
import { toldApart } from './apart.ts';
import { directedOf } from './directed.ts';
import { handedFinding, handedWeakly, isHandedOn } from './hand-on.ts';
import type { IdentityState, OpenSession } from './identity.ts';
import type { Policy, Thresholds } from './policy.ts';
import { siftFindings } from './sifting.ts';

/** An event that surprised, and what directives say about its identity. */
export type Surprise = {
  readonly state: IdentityState;
  readonly session: OpenSession;
  readonly input: ScoreInput;
  readonly score: Score;
  readonly recorded: boolean;
  readonly policy: Policy | undefined;
  readonly thresholds: Thresholds;
};

export type Raised = {
  /** Those that a directive keeps from opening an alert come last. */
  readonly findings: readonly Finding[];
  /** The alert that the findings belong to, and the revision of it that is worth sending. */
  readonly alert_uid: string | undefined;
  readonly revision: Alert | undefined;
  /** What the worker of stories over several identities is told. */
  readonly handed: HandedFinding | undefined;
};

/**
 * What a surprising event leads to: findings, and the alert of the identity that they open or join. Its score is told
 * whether that alert stood before.
 */
export function raiseFindings(model: Model, describe: DescribeAlert, on: Surprise): Raised {
  const { state, session, input, score, recorded, thresholds } = on;
  const { event, log_ms } = input;
  const identity = identityOf(event);
  const surprise = { input, score, recorded, group: state.group, identity, serial: state.events, alert_uid: undefined };
  if (score.bits < thresholds.finding_bits && toldApart(model, score, input, thresholds) === undefined) {
    return isHandedOn(score, thresholds) ? { ...NOTHING, handed: handedWeakly(model, surprise) } : NOTHING;
  }
  const { drafts, muted: silenced, watched, apart, ...rest } = siftFindings(model, on);
  // Louder than the event itself is what the day adds up to.
  const ofDay = apart !== undefined && apart.bits > rest.bits ? apart : undefined;
  const bits = ofDay?.bits ?? rest.bits;
  const at = { log_ms, serial: state.events, recent: session.recent };
  const muted = silenced.map(({ draft, by }) => ({ ...findingOf(draft, event, at), muted_by: by }));
  if (muted.length > 0) directedOf(state).muted += muted.length;
  if (drafts.length === 0) return { ...NOTHING, findings: muted };
  const contributions =
    ofDay === undefined
      ? model.contributions(input, { ...score, bits })
      : [{ detector: ofDay.detector, bits: Math.round(bits * 100) / 100, share: 1 }];
  const findings = drafts.map((draft) => findingOf(withContribution(draft, contributions), event, at));
  const context = {
    tenant: event.tenant,
    identity,
    session: session.id,
    log_ms: state.clock_ms,
    bits,
    alert_bits: watched ? 0 : thresholds.alert_bits,
    watched,
    event,
    contributions,
    reached_per_1000: input.prior.reachedPer1000(bits),
  };
  const { uid, revision } = groupFindings(state, findings, context, describe);
  if (uid !== undefined) session.alert_uid = uid;
  score.continues = uid !== undefined && revision?.revision !== 1;
  const handed = handedFinding({ ...surprise, alert_uid: uid }, drafts);
  return { findings: [...findings, ...muted], alert_uid: uid, revision, handed };
}

function withContribution(draft: FindingDraft, contributions: readonly Contribution[]): FindingDraft {
  return { ...draft, contributed: contributions.find(({ detector }) => detector === draft.detector)?.bits ?? 0 };
}

const NOTHING: Raised = { findings: [], alert_uid: undefined, revision: undefined, handed: undefined };

/** Completes a detector's draft with identity, clock and evidence; its id is the same in every run. */
export function findingOf(
  draft: FindingDraft,
  event: CanonicalEvent,
  { log_ms, serial, recent }: { log_ms: number; serial: number | string; recent: readonly EvidenceRef[] },
): Finding {
  return {
    id: stableId(event.tenant, event.identity.id, draft.detector, draft.pattern, event.key, String(serial)),
    ...draft,
    time: event.time,
    log_time: log_ms,
    ...(event.session === undefined ? {} : { session: event.session }),
    // The event itself comes first, then what led up to it.
    evidence: [...recent].reverse(),
  };
}

export function evidenceOf(event: CanonicalEvent): EvidenceRef {
  return { key: event.key, id: event.id, time: event.time };
}

function identityOf(event: CanonicalEvent): AlertIdentity {
  return alertIdentityOf(event.identity, event.credential?.id);
}

export function alertIdentityOf(declared: CanonicalEvent['identity'], credential: string | undefined): AlertIdentity {
  const { id, kind, name, owner, peer_group, version } = declared;
  return {
    id,
    kind,
    ...(name === undefined ? {} : { name }),
    ...(owner === undefined ? {} : { owner }),
    ...(peer_group === undefined ? {} : { peer_group }),
    ...(version === undefined ? {} : { version }),
    ...(credential === undefined ? {} : { credential }),
  };
}

import type { FindingDraft, Model, Score, ScoreInput } from '../../detectors/contract.ts';
import type { Alert } from '../../schemas/alert.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { AlertIdentity, EvidenceRef, Finding } from '../../schemas/finding.ts';
import type { HandedFinding } from '../../schemas/handed.ts';
import { type DescribeAlert, groupFindings, stableId } from './alerts.ts';
import { handedFinding, handedWeakly } from './hand-on.ts';
import type { IdentityState, OpenSession } from './identity.ts';

export type Raised = {
  readonly findings: readonly Finding[];
  /** The alert that the findings belong to, and the revision of it that is worth sending. */
  readonly alert_uid: string | undefined;
  readonly revision: Alert | undefined;
  /** What the worker of stories over several identities is told. */
  readonly handed: HandedFinding | undefined;
};

/** What a surprising event leads to: findings, and the alert of the identity that they open or join. */
export function raiseFindings(
  model: Model,
  describe: DescribeAlert,
  on: {
    readonly state: IdentityState;
    readonly session: OpenSession;
    readonly input: ScoreInput;
    readonly score: Score;
    readonly recorded: boolean;
  },
): Raised {
  const { state, session, input, score, recorded } = on;
  const { event, log_ms, prior } = input;
  const identity = identityOf(event);
  const surprise = { input, score, recorded, group: state.group, identity, serial: state.events, alert_uid: undefined };
  if (score.bits < prior.finding_bits) return { ...NOTHING, handed: handedWeakly(model, surprise) };
  // Several weak signals can make a strong whole: then the strongest of them speaks for it.
  const drafts = model.explain(input, score, Math.min(prior.finding_bits, Math.max(...score.parts)));
  if (drafts.length === 0) return NOTHING;
  const findings = drafts.map((draft) =>
    findingOf(draft, event, { log_ms, serial: state.events, recent: session.recent }),
  );
  const context = {
    tenant: event.tenant,
    identity,
    session: session.id,
    log_ms: state.clock_ms,
    bits: score.bits,
    alert_bits: prior.alert_bits,
  };
  const { uid, revision } = groupFindings(state, findings, context, describe);
  if (uid !== undefined) session.alert_uid = uid;
  return { findings, alert_uid: uid, revision, handed: handedFinding({ ...surprise, alert_uid: uid }, drafts) };
}

const NOTHING: Raised = { findings: [], alert_uid: undefined, revision: undefined, handed: undefined };

/** Completes a detector's draft with identity, clock and evidence; its id is the same in every run. */
function findingOf(
  draft: FindingDraft,
  event: CanonicalEvent,
  { log_ms, serial, recent }: { log_ms: number; serial: number; recent: readonly EvidenceRef[] },
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
  const { id, kind, name, owner, peer_group, version } = event.identity;
  const credential = event.credential?.id;
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

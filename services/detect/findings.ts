import type { FindingDraft } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { AlertIdentity, EvidenceRef, Finding } from '../../schemas/finding.ts';
import { stableId } from './alerts.ts';

/** Completes a detector's draft with identity, clock and evidence; its id is the same in every run. */
export function findingOf(
  draft: FindingDraft,
  event: CanonicalEvent,
  log_ms: number,
  recent: readonly EvidenceRef[],
): Finding {
  return {
    id: stableId(event.tenant, event.identity.id, draft.detector, draft.pattern, event.key, String(log_ms)),
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

export function identityOf(event: CanonicalEvent): AlertIdentity {
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

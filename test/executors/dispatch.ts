import type { Containment } from '../../schemas/containment.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { containmentId, termsDigest, termsFrom } from '../../services/contain/terms.ts';
import { alertOf, NOW } from '../contain/samples.ts';

/** What is durably in `dispatching` since NOW, for a minute, at an executor of this name. */
export function dispatched(executor: string, attempts = 1, alert = alertOf()): Containment {
  const terms = termsFrom(alert, BUILT_IN_POLICY, []);
  return {
    id: containmentId(terms),
    state: 'dispatching',
    terms,
    digest: termsDigest(terms),
    requested_by: { issuer: 'countersign', subject: 'system', human: false },
    created: NOW,
    approval_expires: NOW + 1_000,
    votes: [],
    updated: NOW,
    execution: { executor, idempotency_key: 'ctn_1', started: NOW, attempts, deadline: NOW + 60_000 },
  };
}

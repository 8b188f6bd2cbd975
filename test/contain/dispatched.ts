import { Containment, type ContainmentTerms } from '../../schemas/containment.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { containmentId, idempotencyKey, termsDigest, termsFrom } from '../../services/contain/terms.ts';
import { appendControl } from '../../services/control/writer.ts';
import type { Clock } from '../../services/platform/clock.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { alertOf } from './samples.ts';

/** One that was sent, and of which nothing is known yet. */
export function dispatched(now: number, over: Partial<ContainmentTerms> = {}): Containment {
  const terms = { ...termsFrom(alertOf(), BUILT_IN_POLICY, []), ...over };
  const id = containmentId(terms);
  const digest = termsDigest(terms);
  const idempotency_key = idempotencyKey(id, digest);
  const execution = { executor: 'recording', idempotency_key, started: now, attempts: 1, deadline: now + 60_000 };
  const times = { created: now, updated: now, approval_expires: now + 1, execution_expires: now + 60_000 };
  return Containment.parse({
    id,
    state: 'dispatching',
    terms,
    digest,
    requested_by: SYSTEM,
    votes: [],
    execution,
    ...times,
  });
}

/** An earlier responder died before it learned what became of what it sent. */
export async function leaveDispatching(log: EventLog, clock: Clock): Promise<void> {
  const containment = dispatched(clock.now());
  const who = { issuer: SYSTEM.issuer, subject: SYSTEM.subject };
  const audit = { v: 1, who, when: clock.now(), what: 'dispatched' } as const;
  await appendControl(log, clock, 'before', () => [{ ...audit, kind: 'containment_changed', containment }]);
}

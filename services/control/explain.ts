import type { Containment } from '../../schemas/containment.ts';
import type { Effect } from '../../schemas/effect.ts';
import { principalKey } from '../../schemas/principal.ts';
import type { ControlState } from './state.ts';

/** What a containment waits for, with a stable code, for the API and the command line. */
const SITUATIONS = [
  'waits_for_approval',
  'waits_for_dispatch',
  'no_executor',
  'no_responder',
  'being_executed',
  'ended',
] as const;

export type Situation = {
  readonly code: (typeof SITUATIONS)[number];
  readonly message: string;
  /** When time alone ends this situation, epoch milliseconds. */
  readonly until: number | undefined;
};

/** Says plainly where a containment stands; above all that an approved one without an executor will not run. */
export function situationOf(containment: Containment, state: ControlState): Situation {
  switch (containment.state) {
    case 'pending': {
      const have = new Set(containment.votes.map((vote) => principalKey(vote.by))).size;
      const need = containment.terms.policy.approvals;
      const message = `${have} of ${need} approvals given; without the rest it expires and nothing runs`;
      return { code: 'waits_for_approval', message, until: containment.approval_expires };
    }
    case 'approved':
      return approved(containment, state);
    case 'dispatching': {
      const message = `sent by ${containment.execution?.executor}, attempt ${containment.execution?.attempts}`;
      return { code: 'being_executed', message, until: containment.execution?.deadline };
    }
    default:
      return ended(containment);
  }
}

const EFFECTS: Readonly<Record<Effect['state'], string>> = {
  watching: 'telemetry is watched for whether it holds',
  verified: 'telemetry says that it holds',
  failed: 'telemetry says that it does not hold: act again',
  untested: 'telemetry cannot say whether it holds: look at the target',
  needs_human: 'nobody knows whether it took effect: look at the target',
};

function ended({ state, effect }: Containment): Situation {
  const message = `it is ${state}, which is final`;
  const told = effect === undefined ? '' : `; ${EFFECTS[effect.state]}`;
  return { code: 'ended', message: message + told, until: undefined };
}

function approved(containment: Containment, state: ControlState): Situation {
  const until = containment.execution_expires;
  if (state.responder === undefined) {
    const message = 'approved, but no responder has ever run; nothing was executed, and it will expire';
    return { code: 'no_responder', message, until };
  }
  const { executors } = state.responder;
  const named = containment.terms.executor;
  if (executors.length === 0) {
    const message = 'approved, but no executor is configured; nothing was executed, and it will expire';
    return { code: 'no_executor', message, until };
  }
  if (named !== undefined && !executors.includes(named)) {
    const message = `approved, but its executor ${named} is not configured any more; it will expire`;
    return { code: 'no_executor', message, until };
  }
  const message = `approved; ${named ?? executors.join(' or ')} will carry it out`;
  return { code: 'waits_for_dispatch', message, until };
}

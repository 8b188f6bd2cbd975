import type { Containment } from '../../../schemas/containment.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { type PrincipalRef, type Role, samePrincipal } from '../../../schemas/principal.ts';
import type { StepUp } from '../../../schemas/session.ts';

/** Whether somebody can do something now, and if not, why not. Absent: there is nothing to say about it. */
export type Way = { readonly open: true } | { readonly open: false; readonly why: string };

/**
 * What a page offers to whoever looks at it. This decides nothing: the responder does, and refuses what must not be. It
 * only keeps a page from offering what is refused for certain.
 */
export type Ways = {
  readonly vote: Way | undefined;
  readonly cancel: Way | undefined;
  readonly amend: Way | undefined;
  readonly rollback: Way | undefined;
  readonly resolve: Way | undefined;
};

export type Looking = { readonly principal: PrincipalRef; readonly roles: readonly Role[] };

const OPEN: Way = { open: true };
const closed = (why: string): Way => ({ open: false, why });

export function waysOf(containment: Containment, who: Looking, now: number): Ways {
  return {
    vote: voteWay(containment, who, now),
    cancel: cancelWay(containment, who),
    amend: containment.state === 'pending' && mayAsk(who) && now < containment.approval_expires ? OPEN : undefined,
    rollback: rollbackWay(containment, who),
    resolve: needsLook(containment) && mayAsk(who) ? OPEN : undefined,
  };
}

/** Analysts and approvers may ask for a containment and change what is proposed. */
export function mayAsk({ roles }: Looking): boolean {
  return roles.includes('analyst') || roles.includes('approver');
}

/** True while a person has to look at the target and say what they found. */
export function needsLook({ state, effect, resolution }: Containment): boolean {
  return resolution === undefined && (state === 'unknown' || effect?.state === 'needs_human');
}

function voteWay(
  { state, terms, votes, requested_by, approval_expires }: Containment,
  who: Looking,
  now: number,
): Way | undefined {
  if (state !== 'pending') return undefined;
  const own = votes.find(({ by }) => samePrincipal(by, who.principal));
  if (own !== undefined) return closed('You have approved this. Another person has to give the next approval.');
  if (now >= approval_expires) return closed('The time for approval is over.');
  if (samePrincipal(requested_by, who.principal)) {
    return closed('You asked for this, so you cannot approve or deny it. You can cancel it.');
  }
  if (!terms.policy.roles.some((role) => who.roles.includes(role))) {
    return closed(`A vote needs one of the roles ${terms.policy.roles.join(', ')}, which you do not hold.`);
  }
  return OPEN;
}

function cancelWay({ state, terms, requested_by }: Containment, who: Looking): Way | undefined {
  if (state !== 'pending' && state !== 'approved') return undefined;
  const own = samePrincipal(requested_by, who.principal);
  return own || terms.policy.roles.some((role) => who.roles.includes(role)) ? OPEN : undefined;
}

function rollbackWay({ state, terms }: Containment, who: Looking): Way | undefined {
  if (state !== 'succeeded' && state !== 'unknown') return undefined;
  return terms.origin?.kind !== 'rollback' && mayAsk(who) ? OPEN : undefined;
}

/** Until when a fresh authentication counts for a vote; undefined when it does not. Epoch milliseconds. */
export function freshUntil(stepUp: StepUp | undefined, now: number): number | undefined {
  if (stepUp === undefined) return undefined;
  const until = stepUp.authenticated + LIMITS.step_up_ms_max;
  return now < until ? until : undefined;
}

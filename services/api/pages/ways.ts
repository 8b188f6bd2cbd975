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
  readonly approve: Way | undefined;
  readonly deny: Way | undefined;
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
    approve: approveWay(containment, who, now),
    deny: denyWay(containment, who, now),
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

/** Why somebody can neither approve nor deny; undefined when they can, or there is nothing to decide. */
function objection(
  { terms, requested_by, approval_expires }: Containment,
  who: Looking,
  now: number,
): string | undefined {
  if (now >= approval_expires) return 'The time for approval is over.';
  const { identity, policy } = terms;
  const lists = [policy.roles, ...(policy.further_roles ?? [])];
  if (!lists.every((list) => list.some((role) => who.roles.includes(role)))) {
    return `A vote needs the role ${lists.map((list) => list.join(' or ')).join(', and ')}, which you do not hold.`;
  }
  if (samePrincipal(requested_by, who.principal)) {
    return 'You asked for this, so you can neither approve nor deny it. You can cancel it.';
  }
  if (who.principal.subject === identity.id || who.principal.subject === identity.owner) {
    return 'It is about you, or about what you own. Another person has to decide it.';
  }
  return undefined;
}

function denyWay(containment: Containment, who: Looking, now: number): Way | undefined {
  if (containment.state !== 'pending') return undefined;
  const why = objection(containment, who, now);
  return why === undefined ? OPEN : closed(why);
}

/** More is asked of an approval than of a denial, which only stops something. */
function approveWay(containment: Containment, who: Looking, now: number): Way | undefined {
  const { votes, terms } = containment;
  const deny = denyWay(containment, who, now);
  if (deny?.open !== true) return deny;
  if (votes.some(({ by, decision }) => decision === 'approve' && samePrincipal(by, who.principal))) {
    return closed('You have approved this. Another person has to give the next approval.');
  }
  if (terms.policy.exclude?.some((one) => samePrincipal(one, who.principal)) === true) {
    return closed('The policy does not count your approval. You can deny it.');
  }
  if (terms.policy.break_glass_only === true && terms.break_glass === undefined) {
    return closed('The policy lets it be approved only as an emergency. Ask for it as one; this one you can deny.');
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

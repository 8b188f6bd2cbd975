import type { Containment, ContainmentTerms, Vote } from '../../schemas/containment.ts';
import { type PrincipalRef, type Role, samePrincipal } from '../../schemas/principal.ts';
import type { MachineContext } from './decision.ts';
import { isFresh } from './freshness.ts';
import { type Demands, requirementsNow } from './requirements.ts';
import { termsDigest } from './terms.ts';

/** Everything besides a containment and its votes that decides whether it has enough of them. */
export type QuorumContext = Pick<MachineContext, 'policy' | 'document' | 'standingOf' | 'handsOf' | 'editorUntil'>;

/** True when these roles suffice for a vote: one of each list. */
export function mayVote({ roles: lists }: Demands, roles: readonly Role[]): boolean {
  return lists.every((list) => list.some((role) => roles.includes(role)));
}

/** True for the identity that is to be contained, and for whom its events name as its owner. */
export function isContained({ identity }: ContainmentTerms, { subject }: PrincipalRef): boolean {
  const name = folded(subject);
  return [identity.id, identity.owner].some((known) => known !== undefined && folded(known) === name);
}

const folded = (name: string): string => name.normalize('NFKC').trim().toLowerCase();

/** Why an approval of this principal does not count, whatever else holds; undefined when it does. */
export function exclusionOf(
  demands: Demands,
  { by, time, requested_by }: { readonly by: PrincipalRef; readonly time: number; readonly requested_by: PrincipalRef },
  { handsOf, editorUntil }: QuorumContext,
): 'excluded_by_policy' | 'policy_editor_excluded' | 'made_by_participant' | undefined {
  if (demands.exclude.some((one) => samePrincipal(one, by))) return 'excluded_by_policy';
  const until = editorUntil(by);
  if (until !== undefined && time < until) return 'policy_editor_excluded';
  return intersect(handsOf(by, time), handsOf(requested_by, time)) ? 'made_by_participant' : undefined;
}

export type Tally = {
  /** Approvals that count, in the order in which they were given. */
  readonly counted: readonly Vote[];
  /** True when they suffice. */
  readonly met: boolean;
};

/**
 * The approvals that count now: by distinct humans, none of them the requester or the contained one, none in the hands of
 * another who counts, none excluded, who still hold the roles by a credential that was not revoked, freshly authenticated,
 * given in time on exactly these terms. The stricter of what they were told and of what the policy asks now is what has
 * to be met. The digest is computed anew, not taken from the record.
 */
export function tallyOf(containment: Containment, context: QuorumContext): Tally {
  return tallyUnder(containment, requirementsNow(containment, context), context);
}

/** The same under given demands instead. */
export function tallyUnder(containment: Containment, demands: Demands, context: QuorumContext): Tally {
  const counted = countedOf(containment, demands, context);
  const met =
    counted.length >= demands.approvals &&
    demands.quotas.every(({ role, approvals }) => {
      const holders = counted.filter((vote) => context.standingOf(vote.by, vote.credential).roles.includes(role));
      return holders.length >= approvals;
    });
  return { counted, met };
}

function countedOf(containment: Containment, demands: Demands, context: QuorumContext): readonly Vote[] {
  const { terms, requested_by } = containment;
  const digest = termsDigest(terms);
  if (digest !== containment.digest) return [];
  if (demands.break_glass_only && terms.break_glass === undefined) return [];
  const counted: Vote[] = [];
  const hands = new Set<string>();
  for (const vote of containment.votes) {
    if (vote.digest !== digest || !stands(containment, vote, demands, context)) continue;
    if (exclusionOf(demands, { by: vote.by, time: vote.time, requested_by }, context) !== undefined) continue;
    const own = context.handsOf(vote.by, vote.time);
    if (intersect(own, hands)) continue;
    for (const name of own) hands.add(name);
    counted.push(vote);
  }
  return counted;
}

/** Of a vote by itself: an approval in time, fresh, of a human who still may, and is neither requester nor contained. */
function stands(containment: Containment, vote: Vote, demands: Demands, { standingOf }: QuorumContext): boolean {
  const standing = standingOf(vote.by, vote.credential);
  return (
    vote.decision === 'approve' &&
    vote.time < containment.approval_expires &&
    vote.fresh !== undefined &&
    isFresh(vote.fresh.authenticated, vote.time) &&
    standing.human &&
    mayVote(demands, standing.roles) &&
    !samePrincipal(vote.by, containment.requested_by) &&
    !isContained(containment.terms, vote.by)
  );
}

/** True when somebody is in both. */
export function intersect(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...a].some((name) => b.has(name));
}

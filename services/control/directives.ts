import type { Directive } from '../../schemas/directive.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { PrincipalRef } from '../../schemas/principal.ts';
import type { Verdict } from '../../schemas/verdict.ts';

/** Who took something back, when and why. */
export type Ending = { readonly by: PrincipalRef; readonly when: number; readonly reason: string };

export type DirectiveStanding = { readonly directive: Directive; readonly ended: Ending | undefined };

/** How records of the control log change what is known of directives. Oldest first. */
export type Directives = Map<string, DirectiveStanding>;

/** A judgement, and whether it was withdrawn. */
export type Judgement = Verdict & { readonly undone?: Ending };

/** In force, ended by somebody, or expired; `now` in epoch milliseconds. */
export function standingAt({ directive, ended }: DirectiveStanding, now: number): 'in_force' | 'ended' | 'expired' {
  if (ended !== undefined) return 'ended';
  return directive.expires !== undefined && directive.expires <= now ? 'expired' : 'in_force';
}

/** Takes one in. Of those that are over, the oldest are forgotten first. */
export function setDirective(directives: Directives, directive: Directive, when: number): void {
  directives.set(directive.uid, { directive, ended: undefined });
  if (directives.size <= LIMITS.directives_kept_max) return;
  for (const standing of directives.values()) {
    if (standingAt(standing, when) === 'in_force') continue;
    directives.delete(standing.directive.uid);
    if (directives.size <= LIMITS.directives_kept_max) return;
  }
}

export function endDirective(directives: Directives, uid: string, ended: Ending): void {
  const known = directives.get(uid);
  if (known !== undefined && known.ended === undefined) directives.set(uid, { ...known, ended });
}

/** Marks the last judgement that stands as withdrawn. */
export function undoVerdict(judgements: readonly Judgement[], undone: Ending): readonly Judgement[] {
  const last = lastStanding(judgements);
  return judgements.map((one) => (one === last ? { ...one, undone } : one));
}

export function lastStanding(judgements: readonly Judgement[]): Judgement | undefined {
  return judgements.findLast(({ undone }) => undone === undefined);
}

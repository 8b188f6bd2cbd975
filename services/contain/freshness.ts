import type { Vote } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { StepUp } from '../../schemas/session.ts';
import type { Asker, MachineContext, Refused } from './decision.ts';
import { refused } from './decision.ts';

/**
 * True when somebody who authenticated then counts as freshly authenticated at a time: not longer ago than the limit, and
 * not in the future by more than clocks may differ (OIDC Core 1.0, section 3.1.2.1, `max_age`). Epoch milliseconds.
 */
export function isFresh(authenticated: number, at: number): boolean {
  return at - authenticated <= LIMITS.step_up_ms_max && authenticated - at <= LIMITS.step_up_skew_ms;
}

/** The fresh authentication that a vote of this asker on these terms rests on, or why there is none that counts. */
export function freshnessOf(
  { principal, credential }: Asker,
  of: { readonly containment: string; readonly digest: string },
  { now, stepUpOf }: Pick<MachineContext, 'now' | 'stepUpOf'>,
): NonNullable<Vote['fresh']> | Refused {
  const stepUp: StepUp | undefined = stepUpOf(principal, credential, of);
  if (stepUp === undefined) {
    return refused('fresh_authentication_needed', 'authenticate again for this vote, then give it');
  }
  const { method, authenticated } = stepUp;
  if (isFresh(authenticated, now)) return { method, authenticated };
  return refused(
    'fresh_authentication_needed',
    'the fresh authentication for this vote is too old; authenticate again',
  );
}

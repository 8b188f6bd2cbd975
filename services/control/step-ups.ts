import { LIMITS } from '../../schemas/limits.ts';
import { type PrincipalRef, samePrincipal } from '../../schemas/principal.ts';
import type { StepUp } from '../../schemas/session.ts';
import type { ControlState } from './state.ts';

type Of = { readonly containment: string; readonly digest: string };

/** Folds a fresh authentication in: the last one of a credential for a containment counts. */
export function rememberStepUp(stepUps: Map<string, StepUp>, stepUp: StepUp): void {
  const key = keyOf(stepUp.credential, stepUp.containment);
  stepUps.delete(key);
  stepUps.set(key, stepUp);
  while (stepUps.size > LIMITS.step_ups_max) {
    const [oldest] = stepUps.keys();
    if (oldest !== undefined) stepUps.delete(oldest);
  }
}

/** The fresh authentication for a vote on exactly these terms; undefined when there is none. Its age is for the caller. */
export function stepUpOf(
  state: Pick<ControlState, 'stepUps'>,
  by: PrincipalRef,
  credential: string | undefined,
  of: Of,
): StepUp | undefined {
  if (credential === undefined) return undefined;
  const found = state.stepUps.get(keyOf(credential, of.containment));
  if (found === undefined || found.digest !== of.digest || !samePrincipal(found.principal, by)) return undefined;
  return found;
}

const keyOf = (credential: string, containment: string): string => `${credential}/${containment}`;

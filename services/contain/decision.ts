import { strict as assert } from 'node:assert';
import type { Refusal } from '../../schemas/command.ts';
import type { CancelReason, Containment, ContainmentState, ContainmentTerms } from '../../schemas/containment.ts';
import type { EffectReport } from '../../schemas/effect.ts';
import type { PolicyDocument } from '../../schemas/policy.ts';
import type { Principal, PrincipalRef, Role } from '../../schemas/principal.ts';
import type { StepUp } from '../../schemas/session.ts';
import type { ExecutionResult } from './executor.ts';
import type { ContainmentPolicy } from './policy.ts';

/** Who asks, and with which key. What they are is looked up when it matters, never taken from the command. */
export type Asker = { readonly principal: PrincipalRef; readonly credential: string | undefined };

export type MachineCommand =
  | {
      readonly type: 'propose';
      readonly terms: ContainmentTerms;
      readonly requested_by: Principal;
      /** Absent: that of a recommendation, which is the same in every run. */
      readonly id?: string;
    }
  | {
      readonly type: 'approve' | 'deny';
      readonly by: Asker;
      readonly digest: string;
      readonly comment?: string | undefined;
    }
  /** Another action, target or parameters, on the same snapshot: whoever asks becomes the requester. */
  | { readonly type: 'amend'; readonly by: Asker; readonly digest: string; readonly terms: ContainmentTerms }
  | { readonly type: 'cancel'; readonly by: Asker; readonly reason: CancelReason }
  /** Time has passed. */
  | { readonly type: 'tick' }
  | { readonly type: 'dispatch'; readonly executor: string }
  /** The same dispatch once more, under the same idempotency key. */
  | { readonly type: 'retry' }
  | {
      readonly type: 'report';
      readonly result: ExecutionResult;
      /** True when the executor recognises a repeat: an unclear answer is then worth another attempt. */
      readonly repeatable: boolean;
    }
  /** Somebody has looked at the target. */
  | { readonly type: 'resolve'; readonly by: Asker; readonly took_effect: boolean; readonly comment: string }
  /** What telemetry says of its effect. */
  | { readonly type: 'effect'; readonly report: EffectReport };

/** What a principal is at the moment of asking: roles change, keys are revoked. */
export type Standing = { readonly human: boolean; readonly roles: readonly Role[] };
export type StandingOf = (by: PrincipalRef, credential: string | undefined) => Standing;

export type MachineContext = {
  /** Epoch milliseconds. */
  readonly now: number;
  /** What the configuration asks for: the floor. */
  readonly policy: ContainmentPolicy;
  /** The policy that is in force on top of it. */
  readonly document: PolicyDocument | undefined;
  readonly standingOf: StandingOf;
  /** The last fresh authentication for a vote on exactly these terms. */
  readonly stepUpOf: (
    by: PrincipalRef,
    credential: string | undefined,
    of: { readonly containment: string; readonly digest: string },
  ) => StepUp | undefined;
  /** Names (`principalKey`) of all in whose hands an account was at a time: itself, and who made it or its roles shortly before. */
  readonly handsOf: (by: PrincipalRef, at: number) => ReadonlySet<string>;
  /** Until when somebody who edited the policy stands back; undefined for everybody else. Epoch milliseconds. */
  readonly editorUntil: (by: PrincipalRef) => number | undefined;
};

/** What the shell has to do once the change is durable. */
export type Effect = { readonly kind: 'execute' } | { readonly kind: 'retry_later' };

export type Refused = { readonly kind: 'refused'; readonly code: Refusal; readonly message: string };
export type Decision =
  | { readonly kind: 'changed'; readonly next: Containment; readonly effects: readonly Effect[] }
  | Refused;

export function changed(next: Containment, effects: readonly Effect[] = []): Decision {
  return { kind: 'changed', next, effects };
}

export function refused(code: Refusal, message: string): Refused {
  return { kind: 'refused', code, message };
}

const LATE: Readonly<Record<Exclude<ContainmentState, 'pending'>, readonly [Refusal, string]>> = {
  approved: ['already_approved', 'it is approved; cancel it if it must not run'],
  denied: ['already_denied', 'it was denied, which is final'],
  expired: ['expired', 'its time is over'],
  cancelled: ['already_cancelled', 'it was cancelled'],
  dispatching: ['already_dispatching', 'it is being executed'],
  succeeded: ['already_succeeded', 'it was executed'],
  failed: ['already_failed', 'its execution failed'],
  unknown: ['outcome_unknown', 'it was sent and nobody knows the outcome; look at the target itself'],
};

/** Why something that only makes sense while it is pending comes too late. */
export function notPending(current: Containment): Refused {
  assert(current.state !== 'pending', 'asked only about what left pending');
  return refused(...LATE[current.state]);
}

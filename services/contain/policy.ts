import { strict as assert } from 'node:assert';
import { LIMITS } from '../../schemas/limits.ts';
import { ROLES, type Role } from '../../schemas/principal.ts';

/** How many humans of which role must countersign, and how long each step may take. */
export type ContainmentPolicy = {
  readonly version: string;
  readonly approvals: number;
  readonly roles: readonly Role[];
  readonly approval_expiry_ms: number;
  readonly execution_expiry_ms: number;
  readonly dispatch_deadline_ms: number;
  readonly executor_timeout_ms: number;
  /** How long until what was executed has to hold, and how long it is watched from then on. */
  readonly effect_grace_ms?: number;
  readonly effect_watch_ms?: number;
};

/** At least one human approves, always (promise P5). Policies can only ask for more. */
export const APPROVALS_MIN = 1;

export const BUILT_IN_POLICY: ContainmentPolicy = definePolicy({
  version: 'builtin-1',
  approvals: APPROVALS_MIN,
  roles: ['approver'],
  approval_expiry_ms: LIMITS.approval_expiry_ms,
  execution_expiry_ms: LIMITS.execution_expiry_ms,
  dispatch_deadline_ms: LIMITS.dispatch_deadline_ms,
  executor_timeout_ms: LIMITS.executor_timeout_ms,
});

/** Checks a policy and freezes it. Throws on one that asks for less than the minimum or contradicts itself. */
export function definePolicy(policy: ContainmentPolicy): ContainmentPolicy {
  assert(Number.isSafeInteger(policy.approvals) && policy.approvals >= APPROVALS_MIN, 'a policy needs an approval');
  assert(policy.roles.length > 0, 'a policy names at least one role');
  assert(
    policy.roles.every((role) => ROLES.includes(role)),
    'a policy names roles that exist',
  );
  assert(policy.version.length > 0, 'a policy has a version');
  for (const name of ['approval_expiry_ms', 'execution_expiry_ms', 'dispatch_deadline_ms'] as const) {
    assert(Number.isSafeInteger(policy[name]) && policy[name] > 0, `${name} is a positive number of milliseconds`);
  }
  assert(policy.executor_timeout_ms > 0 && policy.executor_timeout_ms <= policy.dispatch_deadline_ms);
  return Object.freeze({ ...policy, roles: Object.freeze([...policy.roles]) });
}

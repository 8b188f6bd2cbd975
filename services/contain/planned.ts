import type { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type ExecutionRequest, type ExecutorPlan, orderOf, requestFrom } from './executor.ts';
import { idempotencyKey } from './terms.ts';

/** What would be sent for a containment: for people to read before they decide. */
export type Planned = {
  readonly executor: ExecutorPlan;
  readonly direction: ExecutionRequest['direction'];
  /** In words, without secrets. */
  readonly text: string;
};

/**
 * The dry run of a containment in any state, by the executor that its terms name, or for terms that name none by the one
 * that would carry it out now. Undefined when nobody can.
 */
export function plannedFor(
  containment: Containment,
  executors: readonly ExecutorPlan[],
  now: number,
): Planned | undefined {
  const { terms, execution } = containment;
  const named = execution?.executor ?? terms.executor;
  const order = orderOf(terms);
  const executor =
    named === undefined ? executors.find((one) => one.carriesOut(order)) : executors.find(({ name }) => name === named);
  if (executor === undefined) return undefined;
  const text = executor.dryRun(requestFrom(containment, execution ?? dispatchAt(containment, now)));
  return {
    executor,
    direction: order.direction,
    text: text.slice(0, LIMITS.executor_dry_run_chars_max).toWellFormed(),
  };
}

/** As if it were dispatched now. */
function dispatchAt({ id, digest }: Containment, now: number): Parameters<typeof requestFrom>[1] {
  return { idempotency_key: idempotencyKey(id, digest), started: now, deadline: now + LIMITS.dispatch_deadline_ms };
}

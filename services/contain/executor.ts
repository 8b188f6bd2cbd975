import type { ContainmentAction } from '../../schemas/alert.ts';
import type { Containment, ContainmentTerms } from '../../schemas/containment.ts';
import type { IdentityKind } from '../../schemas/event.ts';
import type { PrincipalRef } from '../../schemas/principal.ts';

/** What kind of order it is, which decides who can carry it out. `restore` takes back what an earlier one did. */
export type Order = {
  readonly action: ContainmentAction;
  readonly direction: 'contain' | 'restore';
  readonly identity_kind: IdentityKind;
  readonly tenant: string;
};

/** What an executor is asked to do: built from a containment in `dispatching`, the same in every attempt. */
export type ExecutionRequest = {
  readonly containment: string;
  readonly digest: string;
  readonly idempotency_key: string;
  readonly tenant: string;
  readonly identity: string;
  readonly action: ContainmentAction;
  readonly direction: Order['direction'];
  readonly target: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly alert_uid: string;
  readonly approved_by: readonly { readonly by: PrincipalRef; readonly time: number }[];
  /** When the dispatch was decided, epoch milliseconds. */
  readonly started: number;
  /** Nothing may be sent from here on, epoch milliseconds. */
  readonly deadline: number;
};

/** `failed`: certainly nothing happened or the target refused. `unclear`: it may have happened. */
export type ExecutionResult = {
  readonly kind: 'done' | 'failed' | 'unclear';
  readonly detail: string;
  /** Of an unclear answer: no byte of the order has left in this attempt, so another one is safe with any executor. */
  readonly nothing_sent?: true;
};

/** What looking at the target showed. `not_done` may change: an order that is under way can still arrive. */
export type ProbeResult = { readonly kind: 'done' | 'not_done' | 'unclear'; readonly detail: string };

/** What can be said of an executor without its secrets: every process has it, to show what would be sent. */
export interface ExecutorPlan {
  readonly name: string;
  /** The target acts once per idempotency key, or asking twice is the same as asking once. */
  readonly idempotent: boolean;
  /** What became of an order can be learned: by `probe`, or because a repeat is answered with the outcome of the first. */
  readonly canProbe: boolean;
  /** Whether it can carry out such an order. Of several that can, the first in the configuration does. */
  carriesOut(order: Order): boolean;
  /** What would be sent, in words for a person, without sending it. A pure function that shows no secret. */
  dryRun(request: ExecutionRequest): string;
}

/**
 * One way to carry out a containment. An executor is handed only what has been countersigned; it decides nothing.
 */
export interface Executor extends ExecutorPlan {
  /** Checks the deadline immediately before it sends. Resolves always; an abort of the signal is `unclear`. */
  execute(request: ExecutionRequest, attempt: number, signal: AbortSignal): Promise<ExecutionResult>;
  /** Looks at the target, and changes nothing there. Asked before a repeat and after an unclear answer. */
  probe?(request: ExecutionRequest, signal: AbortSignal): Promise<ProbeResult>;
}

/** Only such an executor may be asked twice about one dispatch (promise P6). */
export function isRepeatable(executor: ExecutorPlan): boolean {
  return executor.idempotent && executor.canProbe;
}

/** What the responder's decisions need to know of an executor: plain facts, no way to send anything. */
export type ExecutorFacts = Pick<ExecutorPlan, 'name' | 'carriesOut'> & { readonly repeatable: boolean };

export function factsOf(executor: ExecutorPlan): ExecutorFacts {
  return {
    name: executor.name,
    carriesOut: (order) => executor.carriesOut(order),
    repeatable: isRepeatable(executor),
  };
}

export function orderOf({
  tenant,
  identity,
  recommendation,
  origin,
}: Omit<ContainmentTerms, 'policy' | 'alert'>): Order {
  return {
    action: recommendation.action,
    direction: origin?.kind === 'rollback' ? 'restore' : 'contain',
    identity_kind: identity.kind,
    tenant,
  };
}

/** Who would carry out such an order; undefined when nobody can. */
export function executorFor(executors: readonly ExecutorFacts[], order: Order): ExecutorFacts | undefined {
  return executors.find((executor) => executor.carriesOut(order));
}

/** What is sent for a containment in `dispatching`. */
export function requestOf(containment: Containment): ExecutionRequest {
  const { id, execution } = containment;
  if (execution === undefined) throw new Error(`containment ${id} was not dispatched`);
  return requestFrom(containment, execution);
}

/** What is decided in the moment of the dispatch. */
export type Dispatch = Pick<ExecutionRequest, 'idempotency_key' | 'started' | 'deadline'>;

export function requestFrom(containment: Containment, dispatch: Dispatch): ExecutionRequest {
  const { terms } = containment;
  return {
    containment: containment.id,
    digest: containment.digest,
    idempotency_key: dispatch.idempotency_key,
    tenant: terms.tenant,
    identity: terms.identity.id,
    action: terms.recommendation.action,
    direction: orderOf(terms).direction,
    target: terms.recommendation.target,
    parameters: terms.recommendation.parameters,
    reason: terms.recommendation.reason,
    alert_uid: terms.alert.uid,
    approved_by: containment.votes
      .filter((vote) => vote.decision === 'approve')
      .map((vote) => ({ by: { issuer: vote.by.issuer, subject: vote.by.subject }, time: vote.time })),
    started: dispatch.started,
    deadline: dispatch.deadline,
  };
}

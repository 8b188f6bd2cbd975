import type { Containment } from '../../schemas/containment.ts';
import type { PrincipalRef } from '../../schemas/principal.ts';

/** What an executor is asked to do: built from a containment in `dispatching`, the same in every attempt. */
export type ExecutionRequest = {
  readonly containment: string;
  readonly digest: string;
  readonly idempotency_key: string;
  readonly tenant: string;
  readonly identity: string;
  readonly action: string;
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
export type ExecutionResult = { readonly kind: 'done' | 'failed' | 'unclear'; readonly detail: string };

/**
 * One way to carry out a containment. An executor is handed only what has been countersigned; it decides nothing.
 */
export interface Executor {
  readonly name: string;
  /** The target acts once per idempotency key, however often it is asked. */
  readonly idempotent: boolean;
  /** Asking again under the same key tells what became of the first time. */
  readonly canProbe: boolean;
  /** What would be sent, in words for a person, without sending it. */
  dryRun(request: ExecutionRequest): string;
  /** Checks the deadline immediately before it sends. Resolves always; an abort of the signal is `unclear`. */
  execute(request: ExecutionRequest, attempt: number, signal: AbortSignal): Promise<ExecutionResult>;
}

/** Only such an executor may be asked twice about one dispatch (promise P6). */
export function isRepeatable(executor: Executor): boolean {
  return executor.idempotent && executor.canProbe;
}

/** What is sent for a containment in `dispatching`. */
export function requestOf(containment: Containment): ExecutionRequest {
  const { terms, execution } = containment;
  if (execution === undefined) throw new Error(`containment ${containment.id} was not dispatched`);
  return {
    containment: containment.id,
    digest: containment.digest,
    idempotency_key: execution.idempotency_key,
    tenant: terms.tenant,
    identity: terms.identity.id,
    action: terms.recommendation.action,
    target: terms.recommendation.target,
    parameters: terms.recommendation.parameters,
    reason: terms.recommendation.reason,
    alert_uid: terms.alert.uid,
    approved_by: containment.votes
      .filter((vote) => vote.decision === 'approve')
      .map((vote) => ({ by: { issuer: vote.by.issuer, subject: vote.by.subject }, time: vote.time })),
    started: execution.started,
    deadline: execution.deadline,
  };
}

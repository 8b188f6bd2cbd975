import type { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { attemptOnce } from './attempt.ts';
import type { ExecutionResult, Executor } from './executor.ts';
import type { ContainmentPolicy } from './policy.ts';

type ExecutionReport = {
  readonly id: string;
  readonly result: ExecutionResult;
  readonly repeatable: boolean;
};

/** Executions under way beside the responder's turns, which only ever see what came of them. */
export type Executions = {
  /** Begins one attempt. Only for what is durably in `dispatching`. */
  start(containment: Containment): void;
  retryLater(containment: Containment): void;
  takeReports(): ExecutionReport[];
  /** Ids whose pause before the next attempt is over. */
  takeRetries(): string[];
  /** When the next pause ends, epoch milliseconds; infinity when none is running. */
  nextRetry(): number;
  /** Resolves when there is a report to take, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  abort(): void;
};

type Seams = {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly policy: ContainmentPolicy;
  readonly executors: readonly Executor[];
};

export function createExecutions({ clock, telemetry, policy, executors }: Seams): Executions {
  const running = new Set<Promise<void>>();
  const aborting = new AbortController();
  const retries = new Map<string, number>();
  let reports: ExecutionReport[] = [];
  let notify = (): void => {};

  /** Dispatches of which nothing has left in any attempt, all of them by this process. */
  const untouched = new Set<string>();

  const attempt = async (by: Executor, containment: Containment): Promise<void> => {
    const { id } = containment;
    const seams = { clock, executor_timeout_ms: policy.executor_timeout_ms, ending: aborting.signal };
    if (containment.execution?.attempts === 1) untouched.add(id);
    const attempted = await attemptOnce(by, containment, seams);
    if (attempted.result.nothing_sent !== true) untouched.delete(id);
    const last = clock.now() + pauseAfter(containment) >= (containment.execution?.deadline ?? 0);
    const result = untouched.has(id) && last ? nothingHappened(attempted.result) : attempted.result;
    if (last) untouched.delete(id);
    telemetry.occurred('executions', { result: result.kind }, { containment: id, detail: result.detail });
    reports.push({ id, result, repeatable: attempted.repeatable || untouched.has(id) });
    notify();
  };

  return {
    start(containment) {
      const executor = executors.find(({ name }) => name === containment.execution?.executor);
      if (executor === undefined) throw new Error(`containment ${containment.id} was dispatched without an executor`);
      const task: Promise<void> = attempt(executor, containment).finally(() => running.delete(task));
      running.add(task);
    },
    retryLater(containment) {
      retries.set(containment.id, containment.updated + pauseAfter(containment));
    },
    takeReports() {
      const taken = reports;
      reports = [];
      return taken;
    },
    takeRetries() {
      const now = clock.now();
      const due = [...retries].filter(([, at]) => now >= at).map(([id]) => id);
      for (const id of due) retries.delete(id);
      return due;
    },
    nextRetry: () => Math.min(Number.POSITIVE_INFINITY, ...retries.values()),
    changed: (signal) =>
      new Promise((resolve) => {
        notify = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (reports.length > 0 || signal.aborted) resolve();
      }),
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
    abort: () => aborting.abort(),
  };
}

/** Milliseconds from an attempt to the next one. */
function pauseAfter({ execution }: Containment): number {
  return LIMITS.dispatch_retry_ms * 2 ** Math.min((execution?.attempts ?? 1) - 1, 16);
}

/** There will be no other attempt, and none of them sent anything: that is certain, and no case for a person. */
function nothingHappened({ detail }: ExecutionResult): ExecutionResult {
  return { kind: 'failed', detail: `nothing was sent before the deadline: ${detail}` };
}

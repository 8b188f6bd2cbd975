import type { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { type ExecutionResult, type Executor, isRepeatable, requestOf } from './executor.ts';
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
  /**
   * Whether this is the responder still, asked of the log. Nothing is sent on the word of a process that was paused and
   * replaced meanwhile. Rejects when the log does not say.
   */
  readonly holdsOffice: (signal: AbortSignal) => Promise<boolean>;
};

export function createExecutions(seams: Seams): Executions {
  const { clock, telemetry, policy, executors } = seams;
  const running = new Set<Promise<void>>();
  const aborting = new AbortController();
  const retries = new Map<string, number>();
  let reports: ExecutionReport[] = [];
  let notify = (): void => {};

  const attempt = async (by: Executor, containment: Containment): Promise<void> => {
    const { id, execution } = containment;
    const attempts = execution?.attempts ?? 1;
    const result = await within(clock, policy.executor_timeout_ms, aborting.signal, async (signal) =>
      (await maySend(seams, signal))
        ? by.execute(requestOf(containment), attempts, signal)
        : { kind: attempts === 1 ? 'failed' : 'unclear', detail: 'another responder has taken over; nothing was sent' },
    );
    telemetry.occurred('executions', { result: result.kind }, { containment: id, detail: result.detail });
    reports.push({ id, result, repeatable: isRepeatable(by) });
    notify();
  };

  return {
    start(containment) {
      const executor = executors.find(({ name }) => name === containment.execution?.executor);
      if (executor === undefined) throw new Error(`containment ${containment.id} was dispatched without an executor`);
      const task: Promise<void> = attempt(executor, containment).finally(() => running.delete(task));
      running.add(task);
    },
    retryLater({ id, execution, updated }) {
      const doubled = LIMITS.dispatch_retry_ms * 2 ** Math.min((execution?.attempts ?? 1) - 1, 16);
      retries.set(id, updated + doubled);
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

/**
 * True when the log said just now that this is the responder. An answer that is not fresh, because the process was paused
 * while it came, is asked for again.
 */
async function maySend({ clock, holdsOffice }: Seams, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const asked = clock.elapsed();
    const holds = await holdsOffice(signal);
    if (!holds || signal.aborted) return false;
    if (clock.elapsed() - asked < LIMITS.dispatch_guard_ms) return true;
  }
}

/** The result of one attempt, or `unclear` when it takes too long: an executor that hangs must not hold the rest up. */
async function within(
  clock: Clock,
  timeout_ms: number,
  ending: AbortSignal,
  work: (signal: AbortSignal) => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  const expiry = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([expiry.signal, ending]);
  const timeout = clock.sleep(timeout_ms, over.signal).then((): ExecutionResult => {
    expiry.abort();
    return { kind: 'unclear', detail: `no answer within ${timeout_ms} ms` };
  });
  const answer = work(signal).catch(
    (error: unknown): ExecutionResult => ({
      kind: 'unclear',
      detail: `the executor failed: ${error instanceof Error ? error.message : String(error)}`,
    }),
  );
  const result = await Promise.race([answer, timeout]);
  over.abort();
  return result;
}

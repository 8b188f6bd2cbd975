import type { Clock } from '../platform/clock.ts';
import { LogUnavailable } from '../platform/event-log.ts';
import { StoreUnavailable } from '../platform/store.ts';
import type { Telemetry } from '../platform/telemetry.ts';

const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 10_000;
/** Without an answer for so long, log or store count as away. */
const HANGING_MS = 5_000;

/** The process is ending, or the partition was taken away; what was not written will be written again from the log. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export type Patience = {
  /** True while log or store do not answer, or are asked again. */
  readonly waiting: boolean;
  /** Repeats until log and store have answered. Throws Stopped once the signal aborts, and what is no passing failure. */
  until<T>(what: string, attempt: () => Promise<T>): Promise<T>;
};

/** A store or log that is away stops the clock, not the process. For one thing after the other, not for many at once. */
export function createPatience(options: {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly signal: AbortSignal;
}): Patience {
  const { clock, telemetry, signal } = options;
  let failing = false;
  let asked_ms: number | undefined;
  return {
    get waiting() {
      return failing || (asked_ms !== undefined && clock.elapsed() - asked_ms >= HANGING_MS);
    },
    async until(what, attempt) {
      for (let pause = RETRY_MS_FIRST; ; pause = Math.min(pause * 2, RETRY_MS_MAX)) {
        if (signal.aborted) throw new Stopped();
        try {
          asked_ms = clock.elapsed();
          const result = await orStopped(attempt(), signal);
          failing = false;
          return result;
        } catch (error) {
          if (!isPassing(error)) throw error;
          failing = true;
          telemetry.occurred('store_retries', { write: what }, { error: error.message, pause_ms: pause });
        } finally {
          asked_ms = undefined;
        }
        await clock.sleep(pause, signal);
      }
    },
  };
}

/** Whether the same is worth asking again. */
export function isPassing(error: unknown): error is StoreUnavailable | LogUnavailable {
  return error instanceof StoreUnavailable || error instanceof LogUnavailable;
}

/** Settles as the work does, or with Stopped when the signal aborts first: who hangs must not hold up who leaves. */
function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Stopped());
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

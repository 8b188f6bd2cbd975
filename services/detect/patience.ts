import type { Clock } from '../platform/clock.ts';
import { LogUnavailable } from '../platform/event-log.ts';
import { StoreUnavailable } from '../platform/store.ts';
import type { Telemetry } from '../platform/telemetry.ts';

const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 10_000;

/** The process is ending; what was not written will be written again from the log. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export type Patience = {
  /** True while log or store do not answer and are asked again. */
  readonly waiting: boolean;
  /** Repeats until log and store have answered. Throws Stopped once the signal aborts, and what is no passing failure. */
  until<T>(what: string, attempt: () => Promise<T>): Promise<T>;
};

/** A store or log that is away stops the clock, not the process. */
export function createPatience(options: {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly signal: AbortSignal;
}): Patience {
  const { clock, telemetry, signal } = options;
  let waiting = false;
  return {
    get waiting() {
      return waiting;
    },
    async until(what, attempt) {
      for (let pause = RETRY_MS_FIRST; ; pause = Math.min(pause * 2, RETRY_MS_MAX)) {
        if (signal.aborted) throw new Stopped();
        try {
          const result = await attempt();
          waiting = false;
          return result;
        } catch (error) {
          if (!(error instanceof StoreUnavailable || error instanceof LogUnavailable)) throw error;
          waiting = true;
          telemetry.occurred('store_retries', { write: what }, { error: error.message, pause_ms: pause });
        }
        await clock.sleep(pause, signal);
      }
    },
  };
}

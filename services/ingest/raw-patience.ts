import type { Clock } from '../platform/clock.ts';
import { LogUnavailable } from '../platform/event-log.ts';

/** The work was called off; what was not written will be read again. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export type PatienceOptions = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly pause_ms: number;
  readonly pause_ms_max: number;
  /** Told before every pause. */
  readonly failed: (error: LogUnavailable, pause_ms: number) => void;
};

export type Patience = {
  /** True while the log does not answer and is asked again. */
  readonly waiting: boolean;
  /**
   * Repeats until the log has answered, with growing pauses and without end. `again` is true from the second attempt on.
   * Throws Stopped once the signal aborts, and whatever is no passing failure.
   */
  until<T>(attempt: (again: boolean) => Promise<T>): Promise<T>;
};

export function createPatience({ clock, signal, pause_ms, pause_ms_max, failed }: PatienceOptions): Patience {
  let failing = 0;
  return {
    get waiting() {
      return failing > 0;
    },
    async until(attempt) {
      let again = false;
      try {
        for (let pause = pause_ms; ; pause = Math.min(pause * 2, pause_ms_max)) {
          if (signal.aborted) throw new Stopped();
          try {
            return await attempt(again);
          } catch (error) {
            if (!(error instanceof LogUnavailable)) throw error;
            failed(error, pause);
          }
          if (!again) failing++;
          again = true;
          await clock.sleep(pause, signal);
        }
      } finally {
        if (again) failing--;
      }
    },
  };
}

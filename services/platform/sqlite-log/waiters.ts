import type { Clock } from '../clock.ts';
import type { Stream } from './schema.ts';

/** How often appends of other processes are looked for while someone waits. */
const POLL_MS = 20;

type Waiter = { readonly offset: number; readonly done: () => void };

export type Waiters = {
  /**
   * Resolves when the stream has grown beyond `offset`, the signal aborts, or the log closes. Called in the same turn in
   * which the stream was seen to end at or before `offset`.
   */
  wait(stream: Stream, offset: number, signal: AbortSignal): Promise<void>;
  notify(ends: ReadonlyMap<Stream, number>): void;
  close(): void;
};

/**
 * Those who wait for records. Own appends are told by `notify`; those of other processes are found by polling, and only
 * while someone waits. `changed` says whether another process has committed since it was last asked.
 */
export function createWaiters(options: {
  readonly clock: Clock;
  readonly changed: () => boolean;
  readonly endOf: (stream: Stream) => number;
  /** A poll that fails for the moment is repeated; the next call of the log reports what is wrong. */
  readonly failed: (error: unknown) => void;
}): Waiters {
  const waiting = new Map<Stream, Set<Waiter>>();
  let polling = false;
  /** True when streams may have grown since they were last looked at. */
  let stale = true;
  let pause = new AbortController();

  const wake = (stream: Stream, end: number): void => {
    for (const waiter of waiting.get(stream) ?? []) if (end > waiter.offset) waiter.done();
  };
  const look = (): void => {
    try {
      if (options.changed()) stale = true;
      if (!stale) return;
      for (const stream of [...waiting.keys()]) wake(stream, options.endOf(stream));
      stale = false;
    } catch (error) {
      options.failed(error);
    }
  };
  const poll = async (): Promise<void> => {
    polling = true;
    stale = true;
    while (waiting.size > 0) {
      look();
      pause = new AbortController();
      if (waiting.size > 0) await options.clock.sleep(POLL_MS, pause.signal);
    }
    polling = false;
  };

  return {
    wait: (stream, offset, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = (): void => {
          signal.removeEventListener('abort', done);
          const set = waiting.get(stream);
          set?.delete(waiter);
          if (set?.size === 0) waiting.delete(stream);
          if (waiting.size === 0) pause.abort();
          resolve();
        };
        const waiter: Waiter = { offset, done };
        signal.addEventListener('abort', done, { once: true });
        const set = waiting.get(stream);
        if (set === undefined) waiting.set(stream, new Set([waiter]));
        else set.add(waiter);
        if (!polling) void poll();
      }),
    notify: (ends) => {
      for (const [stream, end] of ends) wake(stream, end);
    },
    close: () => {
      for (const set of [...waiting.values()]) for (const waiter of [...set]) waiter.done();
    },
  };
}

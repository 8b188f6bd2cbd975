/** A tap on the shoulder that is not lost when nobody is waiting for it. */
export type Wakeup = {
  wake(): void;
  /** Resolves once woken since the last `take`, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
  /** True when woken since the last `take`. */
  take(): boolean;
};

export function createWakeup(): Wakeup {
  let woken = false;
  const waiting = new Set<() => void>();
  return {
    wake: () => {
      woken = true;
      for (const done of [...waiting]) done();
    },
    wait: (signal) =>
      new Promise((resolve) => {
        if (woken || signal.aborted) return resolve();
        const done = (): void => {
          waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      }),
    take: () => {
      const was = woken;
      woken = false;
      return was;
    },
  };
}

/** Lets so many in at a time, in the order in which they came. */
export type Gate = {
  /** Resolves with the way out. Rejects with the signal's reason when it aborts first. */
  enter(signal: AbortSignal): Promise<() => void>;
};

export function createGate(most: number): Gate {
  let inside = 0;
  const queue: (() => void)[] = [];

  const pass = (): (() => void) => {
    inside++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      inside--;
      queue.shift()?.();
    };
  };

  return {
    enter(signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (inside < most) return resolve(pass());
        const abort = (): void => {
          queue.splice(queue.indexOf(admit), 1);
          reject(signal.reason);
        };
        const admit = (): void => {
          signal.removeEventListener('abort', abort);
          resolve(pass());
        };
        queue.push(admit);
        signal.addEventListener('abort', abort, { once: true });
      });
    },
  };
}

import type { Clock } from '../../services/platform/clock.ts';

/** A clock that moves only when told to, and then wakes whoever slept so long. */
export type ManualClock = Clock & {
  advance(ms: number): void;
};

export function manualClock(start = 1_800_000_000_000): ManualClock {
  let now = start;
  const sleepers = new Set<() => void>();
  return {
    now: () => now,
    elapsed: () => now - start,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const until = now + ms;
        const end = (): void => {
          sleepers.delete(look);
          signal?.removeEventListener('abort', end);
          resolve();
        };
        const look = (): void => {
          if (now >= until) end();
        };
        sleepers.add(look);
        signal?.addEventListener('abort', end, { once: true });
        if (signal?.aborted) end();
        else look();
      }),
    advance(ms) {
      now += ms;
      for (const look of [...sleepers]) look();
    },
  };
}

import type { GapPort } from '../../services/platform/gaps.ts';

/** For a stage that should find no gap: one that it reports fails the test. */
export function noGaps(): GapPort {
  return {
    report: async ({ message }) => {
      throw new Error(`a gap where there should be none: ${message}`);
    },
    decision: () => undefined,
    changed: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    closed: async () => {},
    hidden: () => undefined,
    working: async () => {},
  };
}

/**
 * Resolves as soon as one of the waits does or the signal aborts, then ends the others and waits until they have ended.
 * Rejects with the first wait that rejects.
 */
export async function firstOf(
  signal: AbortSignal,
  waits: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const enough = new AbortController();
  const either = AbortSignal.any([signal, enough.signal]);
  const running = waits.map((wait) => wait(either));
  try {
    await Promise.race(running);
  } finally {
    enough.abort();
    await Promise.allSettled(running);
  }
}

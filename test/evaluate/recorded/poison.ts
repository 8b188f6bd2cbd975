/** What the harness knows of a session of a recorded stream. Detectors never see it. */
export type SessionLabel = {
  readonly session: string;
  readonly identity: string;
  readonly kind: string;
  readonly phase: string;
};

/** A baseline session, and the hijacked session of the same identity that takes its place. */
export type Swap = { readonly baseline: string; readonly hijacked: string };

/**
 * Which baseline sessions are hijacked: a share of each identity's, spread evenly over them, taken in turn from the
 * identity's own hijacked test sessions. What is left over from one identity counts for the next, so the share holds
 * over all of those that have any.
 */
export function swapsOf(labels: readonly SessionLabel[], share: number): Swap[] {
  const swaps: Swap[] = [];
  let due = 0;
  for (const [, own] of Map.groupBy(labels, ({ identity }) => identity)) {
    const baseline = own.filter(({ phase }) => phase === 'base');
    const hijacked = own.filter(({ phase, kind }) => phase === 'test' && kind === 'hijack');
    due += share * baseline.length;
    if (hijacked.length === 0) continue;
    const count = Math.min(baseline.length, Math.floor(due));
    due -= count;
    for (let i = 0; i < count; i++) {
      const at = baseline[Math.floor(((i + 0.5) * baseline.length) / count)];
      const from = hijacked[i % hijacked.length];
      if (at !== undefined && from !== undefined) swaps.push({ baseline: at.session, hijacked: from.session });
    }
  }
  return swaps;
}

/** A record of the stream: whatever it holds besides stays as it is. */
export type StreamEvent = { readonly id: string; readonly ts: string; readonly session: string };

/** The stream with the swaps made: a hijack begins when the session that it replaces began, under that session's name. */
export function poisonedStream<E extends StreamEvent>(events: readonly E[], swaps: readonly Swap[]): E[] {
  const replaced = new Map(swaps.map(({ baseline, hijacked }) => [baseline, hijacked]));
  const sessions = Map.groupBy(events, ({ session }) => session);
  const injected = [...replaced].flatMap(([baseline, hijacked], number) => {
    const first = sessions.get(baseline)?.[0];
    const source = sessions.get(hijacked) ?? [];
    const began = source[0];
    if (first === undefined || began === undefined) return [];
    const shift_ms = Date.parse(first.ts) - Date.parse(began.ts);
    return source.map((event) => ({
      ...event,
      id: `${event.id}~poison-${number}`,
      session: baseline,
      ts: new Date(Date.parse(event.ts) + shift_ms).toISOString(),
    }));
  });
  return [...events.filter(({ session }) => !replaced.has(session)), ...injected].sort(
    (a, b) => Date.parse(a.ts) - Date.parse(b.ts),
  );
}

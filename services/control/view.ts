import type { ChainHead } from '../../schemas/audit.ts';
import type { Outcome } from '../../schemas/command.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, TOPICS } from '../platform/event-log.ts';
import { beginChain, headOf } from './chain.ts';
import { applyControl, type ControlState, emptyControlState } from './state.ts';
import { type ControlEntry, firstControlOffset, followEntry, readControl, whileUnavailable } from './writer.ts';

export type CommandAnswer = { readonly digest: string; readonly outcome: Outcome };

/** The control log as one process sees it, a moment behind the log at most. */
export type ControlView = {
  /** Read only: it changes under its readers' hands, between turns of the event loop. */
  readonly state: ControlState;
  /** First offset that is not yet applied. */
  next(): number;
  /** Where the hash chain stands after the records that are applied. */
  head(): ChainHead;
  /** Resolves true once the record at `offset` is applied, false when the signal aborts first or the view stops. */
  waitForOffset(offset: number, signal: AbortSignal): Promise<boolean>;
  /** The answer to a command, as soon as it is known; undefined when the signal aborts first or the view stops. */
  waitForCommand(id: string, signal: AbortSignal): Promise<CommandAnswer | undefined>;
  /** Called with every record after it was applied; returns the way to stop that. A listener must not throw. */
  listen(listener: (entry: ControlEntry) => void): () => void;
  /** Resolves when the view stopped: closed, or unable to read a record (it then knows less than it should). */
  readonly stopped: Promise<{ readonly kind: 'closed' } | { readonly kind: 'failed'; readonly error: unknown }>;
  close(): Promise<void>;
};

/**
 * Folds the control log from its beginning and follows it. Resolves once everything that was there at the call is
 * applied.
 */
export async function openControlView(log: EventLog, clock: Clock): Promise<ControlView> {
  const state = emptyControlState();
  const chain = beginChain();
  const closing = new AbortController();
  const listeners = new Set<(entry: ControlEntry) => void>();
  /** What to call when the view stops, for those who wait. */
  const waiting = new Set<() => void>();
  const { end } = await log.bounds(TOPICS.control, 0);
  let next = await firstControlOffset(log);
  let over = false;

  /** True when it came further. */
  const step = async (): Promise<boolean> => {
    const from = next;
    const read = await readControl(log, from);
    for (const entry of read.entries) {
      followEntry(chain, entry);
      applyControl(state, entry.record);
      next = entry.offset + 1;
      for (const listener of listeners) listener(entry);
    }
    next = read.next;
    return next > from;
  };

  const follow = async (): Promise<void> => {
    const wait = (): Promise<void> => log.waitBeyond(TOPICS.control, 0, next, closing.signal);
    while (!closing.signal.aborted) {
      await whileUnavailable(clock, closing.signal, async () => (await step()) || wait());
    }
  };

  while (next < end && (await step()));
  const stopped = follow()
    .then(
      () => ({ kind: 'closed' }) as const,
      (error: unknown) =>
        closing.signal.aborted ? ({ kind: 'closed' } as const) : ({ kind: 'failed', error } as const),
    )
    .finally(() => {
      over = true;
      for (const end of waiting) end();
    });

  const until = createWaits({ listeners, waiting, isOver: () => over });

  return {
    state,
    next: () => next,
    head: () => headOf(chain),
    waitForOffset: async (offset, signal) => (await until(() => (next > offset ? true : undefined), signal)) === true,
    waitForCommand: (id, signal) => until(() => state.outcomes.get(id), signal),
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stopped,
    async close() {
      closing.abort();
      await stopped;
    },
  };
}

type Waiting = {
  readonly listeners: Set<(entry: ControlEntry) => void>;
  readonly waiting: Set<() => void>;
  readonly isOver: () => boolean;
};

/** Resolves with what `look` finds, now or after any later record; undefined when the signal or the view ends first. */
function createWaits({ listeners, waiting, isOver }: Waiting) {
  return <T>(look: () => T | undefined, signal: AbortSignal): Promise<T | undefined> => {
    const found = look();
    if (found !== undefined || signal.aborted || isOver()) return Promise.resolve(found);
    return new Promise((resolve) => {
      const end = (value: T | undefined): void => {
        listeners.delete(listener);
        waiting.delete(abort);
        signal.removeEventListener('abort', abort);
        resolve(value);
      };
      const abort = (): void => end(undefined);
      const listener = (): void => {
        const value = look();
        if (value !== undefined) end(value);
      };
      listeners.add(listener);
      signal.addEventListener('abort', abort, { once: true });
      waiting.add(abort);
    });
  };
}

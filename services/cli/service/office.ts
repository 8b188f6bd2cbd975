import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EventLog, Topic } from '../../platform/event-log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { isPassing, joinGroup, pauseAfter } from './membership.ts';

/**
 * Work that one process of the cluster does at a time: whoever is assigned the only partition of a topic holds the
 * office. Two may do it for a moment (one was cut off and does not know), so the work itself writes under a fence.
 */
export type OfficeOptions = {
  readonly name: OfficeName;
  readonly log: Pick<EventLog, 'subscribe'>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Has one partition. */
  readonly topic: Topic;
  /** Goes on until the signal aborts, then ends in good order and resolves. Begun again when it ends by itself. */
  readonly work: (signal: AbortSignal) => Promise<void>;
};

export type OfficeName = 'deliver' | 'contain' | 'time' | 'stories';

export type Office = {
  readonly name: OfficeName;
  /** Whether it is this process's now. */
  readonly held: boolean;
  /** What made the work end lately; undefined once it has gone on for a while, or in another process. */
  readonly trouble: string | undefined;
  readonly joined: Promise<void>;
  /** Rejects when the work ended by a defect again and again. */
  readonly failed: Promise<never>;
  /** Lets the work end, then gives the office up. */
  stop(): Promise<void>;
};

/** Work that goes on for so long is sound again. */
const SOUND_MS = LIMITS.restart_ms_max;
/** A defect that comes back as often is none that passes: the process ends, and whoever watches over it sees that. */
const DEFECTS_MAX = 6;

export function holdOffice(options: OfficeOptions): Office {
  const { name, log, clock, telemetry, topic, work } = options;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let term: { readonly over: AbortController; readonly done: Promise<void> } | undefined;
  let trouble: string | undefined;
  let began = 0;

  const serve = async (signal: AbortSignal): Promise<void> => {
    for (let failures = 0; !signal.aborted; failures++) {
      began = clock.elapsed();
      const error = await work(signal).then(
        () => new Error('it ended without being asked to'),
        (cause: unknown) => cause,
      );
      if (signal.aborted) return;
      if (clock.elapsed() - began >= SOUND_MS) failures = 0;
      trouble = String(error);
      telemetry.occurred('parts_ended', { part: name }, { message: trouble });
      if (!isPassing(error) && failures + 1 >= DEFECTS_MAX) return failed.reject(error);
      await clock.sleep(pauseAfter(failures), signal);
    }
  };
  const membership = joinGroup({
    log,
    clock,
    telemetry,
    topic,
    group: name,
    listener: {
      assigned: async () => {
        trouble = undefined;
        const over = new AbortController();
        term = { over, done: serve(over.signal) };
      },
      revoked: async () => {
        term?.over.abort();
        await term?.done;
        term = undefined;
      },
    },
  });
  membership.failed.catch((error: unknown) => failed.reject(error));
  return {
    name,
    get held() {
      return term !== undefined;
    },
    get trouble() {
      return term !== undefined && clock.elapsed() - began < SOUND_MS ? trouble : undefined;
    },
    joined: membership.joined,
    failed: failed.promise,
    stop: () => membership.stop(),
  };
}

/**
 * Several works as one: when one of them ends by itself the others are ended too, and it rejects with what ended the
 * first.
 */
export async function together(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const end = new AbortController();
  const either = AbortSignal.any([signal, end.signal]);
  const failures: unknown[] = [];
  const ended = works.map(async (work) => {
    try {
      await work(either);
      if (!either.aborted) failures.push(new Error('a part ended without being asked to'));
    } catch (error) {
      failures.push(error);
    }
    end.abort();
  });
  await Promise.all(ended);
  if (failures.length > 0) throw failures[0];
}

import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import {
  type AssignmentListener,
  type EventLog,
  LogUnavailable,
  type Subscription,
  type Topic,
} from '../../platform/event-log.ts';
import { StoreUnavailable } from '../../platform/store.ts';
import type { Telemetry } from '../../platform/telemetry.ts';

export type MembershipOptions = {
  readonly log: Pick<EventLog, 'subscribe'>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly topic: Topic;
  /** Processes of one group share the partitions of the topic. */
  readonly group: string;
  /** Rejecting with what passes (log or store are away) makes the process join anew; anything else is a defect. */
  readonly listener: AssignmentListener;
};

/** A place in a group, for as long as the process wants it: when it is lost, it is sought again. */
export type Membership = {
  /** Partitions that are this process's, and were taken up. */
  readonly held: ReadonlySet<number>;
  /** Resolves once joining has begun; on the embedded log everything is assigned by then. Never rejects. */
  readonly joined: Promise<void>;
  /** Rejects on a defect; stays pending otherwise. */
  readonly failed: Promise<never>;
  /** For displays of the group's lag: failing changes nothing. */
  show(progress: Parameters<Subscription['show']>[0]): Promise<void>;
  /** Hands over what is held, then leaves the group. */
  stop(): Promise<void>;
};

/** A membership that lasted so long was a good one: the next failure is a first one. */
const LASTED_MS = LIMITS.restart_ms_max;

export function joinGroup(options: MembershipOptions): Membership {
  const { log, clock, topic, group, telemetry } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const { listener, held, releaseAll } = holding(options, signal);
  const joined = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let current: Subscription | undefined;

  /** One subscription, from joining to its end; resolves with what ended it. */
  const belong = async (): Promise<unknown> => {
    const subscription = await log.subscribe(topic, group, listener);
    current = subscription;
    joined.resolve();
    const ended = await Promise.race([subscription.failed, aborted(signal)]);
    current = undefined;
    await releaseAll(signal.aborted ? 'handed_over' : 'lost');
    await subscription.close();
    return ended;
  };
  const run = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; failures++) {
      const began = clock.elapsed();
      const error = await belong().catch((cause: unknown) => cause);
      if (signal.aborted) break;
      if (!isPassing(error)) throw error;
      telemetry.occurred('group_rejoins', { group }, { error: String(error) });
      if (clock.elapsed() - began >= LASTED_MS) failures = 0;
      await clock.sleep(pauseAfter(failures), signal);
    }
    await releaseAll('handed_over');
  };
  const running = run()
    .catch((error: unknown) => failed.reject(error))
    .finally(() => joined.resolve());
  return {
    held,
    joined: joined.promise,
    failed: failed.promise,
    show: async (progress) => {
      await current?.show(progress).catch(() => undefined);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Log or store are away: trying again may help. */
export function isPassing(error: unknown): boolean {
  return error instanceof LogUnavailable || error instanceof StoreUnavailable;
}

/** The pause after so many failures in a row (0 is the first), doubling up to the longest. */
export function pauseAfter(failures: number): number {
  return Math.min(LIMITS.restart_ms_max, LIMITS.restart_ms * 2 ** Math.min(failures, 20));
}

/** Tells the listener of partitions, one call at a time for each, and knows which ones are held. */
function holding({ listener, group, telemetry }: MembershipOptions, signal: AbortSignal) {
  const held = new Set<number>();
  const last = new Map<number, Promise<unknown>>();
  const inOrder = (partition: number, work: () => Promise<void>): Promise<void> => {
    const before = last.get(partition) ?? Promise.resolve();
    const next = before.then(work);
    last.set(
      partition,
      next.catch(() => undefined),
    );
    return next;
  };
  const assigned = (partition: number): Promise<void> =>
    inOrder(partition, async () => {
      if (signal.aborted || held.has(partition)) return;
      telemetry.occurred('partitions_assigned', { group }, { partition });
      await listener.assigned(partition);
      held.add(partition);
    });
  const revoked: AssignmentListener['revoked'] = (partition, how) =>
    inOrder(partition, async () => {
      if (!held.delete(partition)) return;
      telemetry.occurred('partitions_revoked', { group, how }, { partition });
      await listener.revoked(partition, how);
    });
  const releaseAll = async (how: 'handed_over' | 'lost'): Promise<void> => {
    await Promise.all([...last.keys()].map((partition) => revoked(partition, how)));
  };
  return { held, listener: { assigned, revoked }, releaseAll };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

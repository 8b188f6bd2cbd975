import type { Alert } from '../../schemas/alert.ts';
import type { Clock } from '../../services/platform/clock.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { newDisk, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';

export const START_MS = Date.UTC(2026, 2, 2);

export type ManualClock = Clock & {
  /** Lets time pass; sleepers wake in the order in which they are due. */
  advance(ms: number): Promise<void>;
  /** Milliseconds until each sleeper wakes, soonest first. */
  due(): number[];
};

/** A clock that stands still until a test moves it. */
export function manualClock(start_ms = START_MS): ManualClock {
  let now = start_ms;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  return {
    now: () => now,
    elapsed: () => now - start_ms,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
    due: () => [...sleepers].map(({ at }) => at - now).sort((a, b) => a - b),
    advance: async (ms) => {
      const until = now + ms;
      for (;;) {
        const [next] = [...sleepers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = Math.max(now, next.at);
        next.wake();
        await settled();
      }
      now = until;
      await settled();
    },
  };
}

/** A clock on which every sleep is over at once, and time moves by as much. */
export function hastyClock(start_ms = START_MS): Clock & { readonly slept: number[] } {
  let now = start_ms;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    elapsed: () => now - start_ms,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
}

/** Resolves after everything that was ready to run has run: a full turn of the event loop, twice. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export function constantRandom(value = 0.5): () => number {
  return () => value;
}

/** A fresh simulated log on a disk of its own. */
export function simulated(options: { partitions?: number; clock?: Clock } = {}): {
  disk: SimulatedDisk;
  log: EventLog;
} {
  const disk = newDisk({ partitions: options.partitions ?? 2, random: constantRandom() });
  return { disk, log: openSimulatedLog({ disk, clock: options.clock ?? hastyClock() }) };
}

export function alertBytes(alert: Alert): Buffer {
  return Buffer.from(JSON.stringify(alert));
}

/** Appends alerts to `agent.alerts` as detect does. */
export async function writeAlerts(log: EventLog, partition: number, alerts: readonly Alert[]): Promise<void> {
  const records = alerts.map((alert) => ({
    topic: TOPICS.alerts,
    partition,
    key: alert.identity.id,
    value: alertBytes(alert),
  }));
  await log.transact({ records });
}

/** Appends alerts straight to the feed, for tests of what reads it. */
export async function writeFeed(log: EventLog, alerts: readonly Alert[]): Promise<void> {
  const records = alerts.map((alert) => ({
    topic: TOPICS.feed,
    partition: 0,
    key: `${alert.uid}:${alert.revision}`,
    value: alertBytes(alert),
  }));
  await log.transact({ records });
}

export async function feedKeys(log: EventLog): Promise<string[]> {
  const { start } = await log.bounds(TOPICS.feed, 0);
  const { records } = await log.read(TOPICS.feed, 0, start, { records: 100_000, bytes: 1 << 30 });
  return records.map((record) => record.key);
}

/** Revision `revision` of an alert with this uid; the rest is plain. */
export function revisionOf(uid: string, revision: number, changes: Partial<Alert> = {}): Alert {
  return plainAlert({ uid, revision, ...changes });
}

import { openGaps } from '../../control/gap-states.ts';
import { systemClock } from '../../platform/clock.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import { type DataDir, dataDirAt, dataDirHolder } from '../../platform/data-dir.ts';
import { type EventLog, TOPICS } from '../../platform/event-log.ts';
import { openSqliteLog } from '../../platform/sqlite-log/sqlite-log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { openControl } from '../service/control.ts';
import { copyDeadLetters, DEAD_COPIED } from '../service/copies.ts';
import { type Detection, startDetection } from '../service/detection.ts';
import { type Foundation, openFoundation, openGround } from '../service/foundation.ts';

/** The log that a recording goes into, and whoever runs detect on it. */
export type ReplayTarget = {
  readonly log: EventLog;
  /** Aborts, with the reason as a sentence, when nobody scores any more: then waiting for detect would never end. */
  readonly lost: AbortSignal;
  /** Empty where the store is another process's. */
  totals(): Promise<Record<string, number>>;
  close(): Promise<void>;
};

const LOOK_MS = 1000;

/**
 * The log of the data directory: with detect beside it, or, where a service holds the directory, with detect over there.
 * Where the log is Kafka, detect is over there in any case.
 */
export async function openReplayTarget(loaded: LoadedConfig, telemetry: Telemetry): Promise<ReplayTarget> {
  if (loaded.config.log.kafka !== undefined) return beforeCluster(loaded, telemetry);
  const dir = dataDirAt(loaded.config.data_dir);
  if (dataDirHolder(dir) !== undefined) return besideService(dir, telemetry);
  const foundation = await openFoundation(loaded, telemetry);
  try {
    return alone(foundation, await startDetection(foundation));
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

function besideService(dir: DataDir, telemetry: Telemetry): ReplayTarget {
  const log = openSqliteLog({ path: dir.log, clock: systemClock, telemetry });
  const watch = watching(() =>
    dataDirHolder(dir) === undefined
      ? 'the service that scores the events has ended: start it, or run this again'
      : undefined,
  );
  return {
    log,
    lost: watch.lost,
    totals: async () => ({}),
    async close() {
      watch.end();
      await log.close();
    },
  };
}

/** Under a name and a lock of its own, since a service may run on the data directory itself. */
async function beforeCluster(loaded: LoadedConfig, telemetry: Telemetry): Promise<ReplayTarget> {
  const { replay } = dataDirAt(loaded.config.data_dir);
  const ground = await openGround({ ...loaded, config: { ...loaded.config, data_dir: replay } }, telemetry);
  const control = await openControl(ground.log).catch(async (error: unknown) => {
    await ground.close();
    throw error;
  });
  const watch = watching(() => {
    const gap = openGaps(control.view.state).find(({ gap: { stage } }) => stage === 'detect')?.gap;
    return gap === undefined ? undefined : `partition ${gap.partition} is stopped: ${gap.message}`;
  });
  return {
    log: ground.log,
    lost: watch.lost,
    totals: async () => ({}),
    async close() {
      watch.end();
      await control.close();
      await ground.close();
    },
  };
}

function alone(foundation: Foundation, detection: Detection): ReplayTarget {
  let ended: string | undefined;
  detection.ended.catch((error: unknown) => {
    ended = `detect ended: ${String(error)}`;
  });
  const watch = watching(() => {
    const stopped = detection.runner.status().find(({ gap }) => gap !== undefined);
    return stopped === undefined ? ended : `partition ${stopped.partition} is stopped: ${stopped.gap?.message}`;
  });
  const { log, store } = foundation;
  const copying = new AbortController();
  const copies = copyDeadLetters({ log, store, telemetry: foundation.telemetry }, copying.signal);
  return {
    log,
    lost: watch.lost,
    async totals() {
      await allCopied(log, watch.lost);
      return { ...(await store.totals()) };
    },
    async close() {
      watch.end();
      copying.abort();
      await copies.catch(() => undefined);
      await detection.stop();
      await foundation.close();
    },
  };
}

/** Waits until the store holds every dead letter of the log, as long as there is a reason to hope. */
async function allCopied(log: EventLog, lost: AbortSignal): Promise<void> {
  const { end } = await log.bounds(TOPICS.dead, 0);
  while (!lost.aborted && Number((await log.position(DEAD_COPIED)) ?? 0) < end) await systemClock.sleep(20, lost);
}

/** Looks now and then whether there is a reason to give up. */
function watching(look: () => string | undefined): { readonly lost: AbortSignal; end(): void } {
  const lost = new AbortController();
  const over = new AbortController();
  const run = async (): Promise<void> => {
    while (!over.signal.aborted && !lost.signal.aborted) {
      const reason = look();
      if (reason !== undefined) lost.abort(reason);
      await systemClock.sleep(LOOK_MS, over.signal);
    }
  };
  void run();
  return { lost: lost.signal, end: () => over.abort() };
}

import { randomBytes } from 'node:crypto';
import { readFileSync, statfsSync } from 'node:fs';
import { LIMITS } from '../../../schemas/limits.ts';
import { type OpenStore, openStore } from '../../platform/clickhouse/client.ts';
import type { ClickHouse } from '../../platform/clickhouse/connection.ts';
import { systemClock } from '../../platform/clock.ts';
import type { FrozenConfig, LoadedConfig } from '../../platform/config.ts';
import { type DataDir, type DataDirLock, dataDirAt, instanceOf, takeDataDir } from '../../platform/data-dir.ts';
import { type EventLog, LogUnavailable } from '../../platform/event-log.ts';
import { openSqliteLog, type SqliteLog } from '../../platform/sqlite-log/sqlite-log.ts';
import { type Store, StoreUnavailable } from '../../platform/store.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { EXIT, Problem } from '../problem.ts';
import { kafkaSettings } from './kafka-settings.ts';

/** The data directory, taken by this process, with the log open: what every process of the service needs. */
export type Ground = {
  readonly config: FrozenConfig;
  readonly secrets: LoadedConfig['secrets'];
  readonly dir: DataDir;
  readonly telemetry: Telemetry;
  readonly log: EventLog;
  /** The same log where it is a file in the data directory, with what only such a log can do. */
  readonly embedded: SqliteLog | undefined;
  close(): Promise<void>;
};

/** The ground with the store on it: what a process needs that detects, delivers or answers. */
export type Foundation = Ground & { readonly store: Store; readonly db: ClickHouse };

/** Throws a Problem when the directory is in use, unusable, or of another version, or when the log does not answer. */
export async function openGround(loaded: LoadedConfig, telemetry: Telemetry): Promise<Ground> {
  const { config, secrets } = loaded;
  const { dir, lock } = hold(config.data_dir);
  try {
    const opened = await openLog(loaded, dir, telemetry);
    return {
      config,
      secrets,
      dir,
      telemetry,
      ...opened,
      async close() {
        await opened.log.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw asProblem(error);
  }
}

/** As `openGround`, with the store. */
export async function openFoundation(loaded: LoadedConfig, telemetry: Telemetry): Promise<Foundation> {
  const ground = await openGround(loaded, telemetry);
  try {
    const { store, db } = await openStoreOf(loaded, ground.dir, telemetry);
    return {
      ...ground,
      store,
      db,
      async close() {
        await store.close();
        await ground.close();
      },
    };
  } catch (error) {
    await ground.close();
    throw asProblem(error);
  }
}

/** The store of the configuration; one that does not answer yet is waited for, as long as a start may take. */
export function openStoreOf(
  loaded: LoadedConfig,
  dir: DataDir,
  telemetry: Telemetry,
  patience_ms: number = LIMITS.start_patience_ms,
): Promise<OpenStore> {
  const waiting = {
    patience_ms,
    telemetry,
    part: 'store' as const,
    isPassing: (error: unknown) => error instanceof StoreUnavailable,
  };
  return patiently(waiting, () => openStore(storeOptions(loaded, dir), { telemetry }));
}

/** Takes the data directory for this process. Throws a Problem. */
function hold(root: string): { readonly dir: DataDir; readonly lock: DataDirLock } {
  const dir = dataDirAt(root);
  const taken = takeDataDir(dir);
  if (taken.ok) return { dir, lock: taken.lock };
  const exit = taken.problem.code === 'data_dir_in_use' ? EXIT.unreachable : EXIT.failed;
  throw new Problem(taken.problem.code, taken.problem.message, exit);
}

async function openLog(
  { config, secrets }: LoadedConfig,
  dir: DataDir,
  telemetry: Telemetry,
): Promise<Pick<Ground, 'log' | 'embedded'>> {
  const { partitions, size_bytes_max, kafka } = config.log;
  const clock = systemClock;
  if (kafka === undefined) {
    const bound = size_bytes_max === undefined ? {} : { size_bytes_max };
    const log = openSqliteLog({ path: dir.log, partitions, clock, telemetry, ...bound });
    return { log, embedded: log };
  }
  const settings = kafkaSettings(config, kafka, secrets, instanceOf(dir, newInstance));
  const waiting = {
    patience_ms: LIMITS.start_patience_ms,
    telemetry,
    part: 'log' as const,
    isPassing: (error: unknown) => error instanceof LogUnavailable,
  };
  // Nobody pays for a Kafka client who has no Kafka.
  const { openKafkaLog } = await import('../../platform/kafka/kafka-log.ts');
  return { log: await patiently(waiting, () => openKafkaLog({ settings, clock, telemetry })), embedded: undefined };
}

const newInstance = (): string => randomBytes(8).toString('hex');

type Waiting = {
  readonly telemetry: Telemetry;
  readonly part: 'log' | 'store';
  readonly isPassing: (error: unknown) => boolean;
  readonly patience_ms: number;
};

/** Tries again with growing pauses: processes of a cluster start in any order. */
async function patiently<T>({ telemetry, part, isPassing, patience_ms }: Waiting, open: () => Promise<T>): Promise<T> {
  const began = systemClock.elapsed();
  for (let pause_ms: number = LIMITS.restart_ms; ; pause_ms = Math.min(2 * pause_ms, LIMITS.restart_ms_max)) {
    try {
      return await open();
    } catch (error) {
      if (!isPassing(error)) throw error;
      const { message } = error as Error;
      telemetry.occurred('start_waits', { part }, { error: message });
      if (systemClock.elapsed() - began + pause_ms > patience_ms) {
        throw new Problem(`${part}_unreachable`, `${message}: start it, or correct its address`, EXIT.unreachable);
      }
    }
    await systemClock.sleep(pause_ms);
  }
}

function storeOptions({ config, secrets }: LoadedConfig, dir: DataDir): Parameters<typeof openStore>[0] {
  const { url, username, database, replicated, retention_days, ca_file } = config.store;
  const days = {
    events: retention_days,
    findings: retention_days,
    alerts: retention_days,
    dead_letters: retention_days,
  };
  if (url === undefined) return { kind: 'embedded', path: dir.store, retention_days: days };
  return {
    kind: 'server',
    url,
    database,
    replicated,
    retention_days: days,
    ...(ca_file === undefined ? {} : { tls: { ca_cert: readAuthorities(ca_file) } }),
    ...(username === undefined ? {} : { username }),
    ...(secrets.store_password === undefined ? {} : { password: secrets.store_password }),
  };
}

function readAuthorities(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const message = `store.ca_file: cannot read ${file}: ${(error as Error).message}`;
    throw new Problem('config_invalid', message, EXIT.usage);
  }
}

/** Errors of log and store that a person must act on carry a code and say what to do. */
function asProblem(error: unknown): unknown {
  if (error instanceof Problem) return error;
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  return new Problem(error.code, error.message);
}

/** Free bytes on the disk of a directory. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

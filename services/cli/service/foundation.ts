import { statfsSync } from 'node:fs';
import { openStore } from '../../platform/clickhouse/client.ts';
import type { ClickHouse } from '../../platform/clickhouse/connection.ts';
import { systemClock } from '../../platform/clock.ts';
import type { FrozenConfig, LoadedConfig } from '../../platform/config.ts';
import { type DataDir, dataDirAt, takeDataDir } from '../../platform/data-dir.ts';
import { openSqliteLog, type SqliteLog } from '../../platform/sqlite-log/sqlite-log.ts';
import type { Store } from '../../platform/store.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { EXIT, Problem } from '../problem.ts';

/** The data directory, taken by this process, with log and store open: what every way to run the embedded service needs. */
export type Foundation = {
  readonly config: FrozenConfig;
  readonly secrets: LoadedConfig['secrets'];
  readonly dir: DataDir;
  readonly telemetry: Telemetry;
  readonly log: SqliteLog;
  readonly store: Store;
  readonly db: ClickHouse;
  close(): Promise<void>;
};

/** Throws a Problem when the directory is in use, unusable, or of another version. */
export async function openFoundation(loaded: LoadedConfig, telemetry: Telemetry): Promise<Foundation> {
  const { config, secrets } = loaded;
  const dir = dataDirAt(config.data_dir);
  const taken = takeDataDir(dir);
  if (!taken.ok) {
    const exit = taken.problem.code === 'data_dir_in_use' ? EXIT.unreachable : EXIT.failed;
    throw new Problem(taken.problem.code, taken.problem.message, exit);
  }
  let log: SqliteLog | undefined;
  try {
    const { partitions, size_bytes_max } = config.log;
    log = openSqliteLog({
      path: dir.log,
      partitions,
      clock: systemClock,
      telemetry,
      ...(size_bytes_max === undefined ? {} : { size_bytes_max }),
    });
    const { store, db } = await openStore(storeOptions(loaded, dir), { telemetry });
    const opened = log;
    return {
      config,
      secrets,
      dir,
      telemetry,
      log,
      store,
      db,
      async close() {
        await store.close();
        await opened.close();
        taken.lock.release();
      },
    };
  } catch (error) {
    await log?.close();
    taken.lock.release();
    throw asProblem(error);
  }
}

function storeOptions({ config, secrets }: LoadedConfig, dir: DataDir): Parameters<typeof openStore>[0] {
  const { url, username, database, replicated, retention_days } = config.store;
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
    ...(username === undefined ? {} : { username }),
    ...(secrets.store_password === undefined ? {} : { password: secrets.store_password }),
  };
}

/** Errors of log and store that a person must act on carry a code and say what to do. */
function asProblem(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  return new Problem(error.code, error.message);
}

/** Free bytes on the disk of a directory. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

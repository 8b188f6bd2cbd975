import type { Store } from '../store.ts';
import type { Telemetry } from '../telemetry.ts';
import type { ClickHouse } from './connection.ts';
import { createDetectStore } from './detect-store.ts';
import { openEmbedded } from './embedded.ts';
import { createInserter } from './insert.ts';
import { migrate } from './migrate.ts';
import { createReadStore } from './queries/read-store.ts';
import { applyRetention, type RetentionDays } from './retention.ts';
import { openServer, type ServerOptions } from './server.ts';
import { CONTROL_COPIES, DEAD_LETTERS } from './tables/state.ts';
import { timed } from './timed.ts';

export type StoreOptions = (
  | { readonly kind: 'embedded'; readonly path: string }
  | ({ readonly kind: 'server' } & ServerOptions)
) & {
  /** Days after which rows are dropped, counted from when the store took them. Kept for ever where absent. */
  readonly retention_days?: RetentionDays;
};

export type OpenStore = {
  readonly store: Store;
  /** Statements of one's own, for doctor and tests. Values are bound, never pasted. */
  readonly db: ClickHouse;
};

/**
 * Opens the store and brings its tables up to date.
 * @throws StoreUnusable when a person must act, StoreUnavailable when trying again may help.
 */
export async function openStore(options: StoreOptions, deps: { readonly telemetry: Telemetry }): Promise<OpenStore> {
  const connection = options.kind === 'embedded' ? openEmbedded(options) : await openServer(options);
  const db = timed(connection, deps.telemetry);
  try {
    await migrate(db);
    await applyRetention(db, options.retention_days ?? {});
  } catch (error) {
    await db.close();
    throw error;
  }
  const replicated = options.kind === 'server' && options.replicated === true;
  return { db, store: assemble(db, replicated) };
}

function assemble(db: ClickHouse, replicated: boolean): Store {
  const insert = createInserter(db);
  return {
    ...createDetectStore(db, insert, { replicated }),
    ...createReadStore(db),
    writeDeadLetters: (rows) => insert(DEAD_LETTERS, rows),
    writeControlCopies: (rows) => insert(CONTROL_COPIES, rows),
    async ping() {
      await db.read('SELECT 1 FORMAT TSV');
    },
    close: () => db.close(),
  };
}

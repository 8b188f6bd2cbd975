import { mkdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { type ClickHouse, collect, columnList, INSERT_SETTINGS, type InsertTarget, type Params } from './connection.ts';
import { classified, StoreUnusable } from './errors.ts';
import { createLane } from './lane.ts';

/**
 * ClickHouse in this process (chDB) over a directory that it alone uses. chDB takes one statement at a time per
 * connection, so one connection writes, another reads, and each has its queue.
 */
export function openEmbedded(options: { readonly path: string }): ClickHouse {
  const path = resolve(options.path);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const writer = connect(path);
  const reader = connect(path);
  const spool = join(path, 'spool');
  rmSync(spool, { recursive: true, force: true });
  mkdirSync(spool, { mode: 0o700 });
  const writing = createLane();
  const reading = createLane();
  let inserts = 0;

  return {
    kind: 'embedded',
    command: (sql, params) =>
      writing(() => classified('run a statement', async () => void (await writer.command(statement(sql, params))))),
    read: (sql, params, options) =>
      reading(
        () => classified('read', async () => collect((await reader.exec(statement(sql, params))).stream)),
        options,
      ),
    insert: (into, body) =>
      writing(() => {
        inserts += 1;
        const file = join(spool, `${inserts}.rowbinary`);
        return classified(`write ${into.name}`, () => insertFile(writer, into, file, body));
      }),
    async close() {
      await Promise.all([writing(async () => writer.close()), reading(async () => reader.close())]);
      await rm(spool, { recursive: true, force: true });
    },
  };
}

/**
 * RowBinary cannot be passed to chDB inline, so it goes through a file in the data directory. The wire type is String
 * where the column is LowCardinality(String): the conversion after parsing is twice as fast as parsing into it.
 */
async function insertFile(client: ClickHouseClient, into: InsertTarget, file: string, body: Buffer): Promise<void> {
  const structure = into.columns
    .map(([name, type]) => `\`${name}\` ${type.replaceAll('LowCardinality(String)', 'String')}`)
    .join(', ');
  try {
    await writeFile(file, body, { mode: 0o600 });
    await client.command({
      query:
        `INSERT INTO ${into.name} (${columnList(into)}) SETTINGS ${INSERT_SETTINGS} ` +
        `SELECT * FROM file(${quoted(file)}, 'RowBinary', ${quoted(structure)})`,
    });
  } finally {
    await rm(file, { force: true });
  }
}

type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;

function connect(path: string): ClickHouseClient {
  try {
    // chDB is built against its own copy of the contract: the same shape, but the compiler takes them for two.
    const connection = createChdbConnection({ path }) as unknown as Connection;
    return createClient({ connection });
  } catch (cause) {
    throw new StoreUnusable(
      'store_cannot_open',
      `cannot open the store at ${path}: another process may be using it, or it is not readable and writable here. ` +
        'Stop the other process, or choose another data directory.',
      { cause },
    );
  }
}

function statement(
  query: string,
  params: Params | undefined,
): { query: string; query_params?: Record<string, unknown> } {
  return params === undefined ? { query } : { query, query_params: { ...params } };
}

/** The path of the data directory is the operator's, the rest ours: quoting is for spaces and apostrophes. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

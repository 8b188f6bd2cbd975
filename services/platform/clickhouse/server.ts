import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import {
  type ClickHouse,
  collect,
  columnList,
  INSERT_SETTINGS,
  type InsertTarget,
  type Params,
  QUORUM_INSERT_SETTINGS,
} from './connection.ts';
import { classified, StoreUnusable } from './errors.ts';

export type ServerOptions = {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Made when it does not exist. */
  readonly database?: string;
  readonly tls?: { readonly ca_cert: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  /** The tables are replicated: inserts wait for a quorum, reads that decide are sequentially consistent. */
  readonly replicated?: boolean;
  readonly request_timeout_ms?: number;
  readonly connections_max?: number;
  /** Gzip of request bodies: worth it across a slow network only. */
  readonly compress_requests?: boolean;
};

const DATABASE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** ClickHouse over HTTP. The server queues and parallelises by itself. */
export async function openServer(options: ServerOptions): Promise<ClickHouse> {
  const database = options.database ?? 'countersign';
  if (!DATABASE_NAME.test(database)) {
    throw new StoreUnusable(
      'store_database_name',
      `the database name ${JSON.stringify(database)} is not usable: letters, digits and _ only, no digit first`,
    );
  }
  await createDatabase(options, database);
  const client = connect(options, database);
  const settings = options.replicated === true ? `${INSERT_SETTINGS}, ${QUORUM_INSERT_SETTINGS}` : INSERT_SETTINGS;
  return {
    kind: 'server',
    command: (sql, params) =>
      classified('run a statement', async () => void (await client.command(statement(sql, params)))),
    read: (sql, params) => classified('read', async () => collect((await client.exec(statement(sql, params))).stream)),
    insert: (into, body) =>
      classified(`write ${into.name}`, async () => {
        const sent = await client.exec({ query: insertStatement(into, settings), values: bodyStream(body) });
        await collect(sent.stream);
      }),
    close: () => client.close(),
  };
}

function insertStatement(into: InsertTarget, settings: string): string {
  return `INSERT INTO ${into.name} (${columnList(into)}) SETTINGS ${settings} FORMAT RowBinary`;
}

/** One chunk, without a copy. */
function bodyStream(body: Buffer): Readable {
  return Readable.from([body], { objectMode: false });
}

async function createDatabase(options: ServerOptions, database: string): Promise<void> {
  const client = connect(options, undefined);
  try {
    await classified('create the database', () =>
      client.command({
        query: 'CREATE DATABASE IF NOT EXISTS {database:Identifier}',
        query_params: { database },
      }),
    );
  } finally {
    await client.close();
  }
}

function connect(options: ServerOptions, database: string | undefined): ReturnType<typeof createClient> {
  const { tls } = options;
  return createClient({
    url: options.url,
    application: 'countersign',
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(database === undefined ? {} : { database }),
    ...(tls === undefined ? {} : { tls: tlsOf(tls) }),
    request_timeout: options.request_timeout_ms ?? 60_000,
    max_open_connections: options.connections_max ?? 10,
    compression: { request: options.compress_requests ?? false, response: true },
    // The server answers only once it knows how the statement ended, so a failure is a status and not half a body.
    clickhouse_settings: { wait_end_of_query: 1 },
    log: { level: ClickHouseLogLevel.OFF },
  });
}

function tlsOf(
  tls: NonNullable<ServerOptions['tls']>,
): { ca_cert: Buffer } | { ca_cert: Buffer; cert: Buffer; key: Buffer } {
  return tls.cert !== undefined && tls.key !== undefined
    ? { ca_cert: tls.ca_cert, cert: tls.cert, key: tls.key }
    : { ca_cert: tls.ca_cert };
}

function statement(
  query: string,
  params: Params | undefined,
): { query: string; query_params?: Record<string, unknown> } {
  return params === undefined ? { query } : { query, query_params: { ...params } };
}

import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { TOPICS, type Topic, type TopicInfo } from '../event-log.ts';
import { LogUnusable, translateError } from './errors.ts';
import { ALL_TOPICS, partitionsOf } from './topics.ts';

/** "CSLG": marks the file as ours in SQLite's header, so that a foreign database is refused and left as it is. */
const APPLICATION_ID = 0x43534c47;
/** Which topics came with which version stands in `ADDED`. */
const SCHEMA_VERSION = 4;
/** Topics that files of an earlier version lack. */
const ADDED: readonly (readonly [since: number, topic: Topic])[] = [
  [2, TOPICS.raw],
  [3, TOPICS.spans],
  [4, TOPICS.findings],
];
/** Batches are large: fewer, larger pages append and read about twice as fast as SQLite's default of 4 KiB. */
const PAGE_BYTES = 16_384;
const WAL_BYTES = 16 * 1024 * 1024;
/** Opening may wait for another process that makes the file or recovers it; later calls never block for long. */
const OPEN_BUSY_MS = 5_000;
const CALL_BUSY_MS = 10;

/** One partition of one topic, which has a table of its own: every table grows at its end only. */
export type Stream = { readonly id: number; readonly topic: Topic; readonly partition: number };

export type OpenedFile = {
  readonly db: DatabaseSync;
  readonly topics: ReadonlyMap<Topic, TopicInfo & { readonly streams: readonly Stream[] }>;
};

/**
 * Opens or creates the log file. `partitions` may be left out for a log that exists.
 * `size_bytes_max` bounds the file: beyond it writes fail as on a full disk.
 * Throws LogUnusable or LogUnavailable.
 */
export function openFile(
  path: string,
  options: {
    readonly partitions: number | undefined;
    readonly partitions_new: number;
    readonly size_bytes_max: number | undefined;
  },
): OpenedFile {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: OPEN_BUSY_MS });
    prepareFile(db, path, options.partitions ?? options.partitions_new);
    if (options.size_bytes_max !== undefined) {
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.size_bytes_max / PAGE_BYTES))}`);
    }
    const topics = loadTopics(db, path, options.partitions);
    db.exec(`PRAGMA busy_timeout = ${CALL_BUSY_MS}`);
    return { db, topics };
  } catch (error) {
    db?.close();
    throw translateError(error, path);
  }
}

function prepareFile(db: DatabaseSync, path: string, partitions: number): void {
  if (integer(db, 'PRAGMA application_id') !== APPLICATION_ID) {
    refuseForeign(db, path);
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  }
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = 1;
    PRAGMA checkpoint_fullfsync = 1;
    PRAGMA wal_autocheckpoint = ${WAL_BYTES / PAGE_BYTES};
    PRAGMA journal_size_limit = ${4 * WAL_BYTES};
  `);
  db.exec('BEGIN IMMEDIATE');
  try {
    // Decided under the write lock: of two processes that open a new file at once, one creates it.
    if (integer(db, 'PRAGMA application_id') !== APPLICATION_ID) {
      refuseForeign(db, path);
      create(db, partitions);
    }
    upgrade(db);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
  const version = integer(db, 'PRAGMA user_version');
  if (version !== SCHEMA_VERSION) {
    throw new LogUnusable(
      'log_schema_version',
      `${path} has log schema ${version}, this program reads ${SCHEMA_VERSION}: run the version that wrote it`,
    );
  }
}

function refuseForeign(db: DatabaseSync, path: string): void {
  if (integer(db, 'SELECT count(*) FROM sqlite_schema') === 0) return;
  throw new LogUnusable(
    'log_foreign',
    `${path} is a database of another program: choose another data directory, or move the file away`,
  );
}

function create(db: DatabaseSync, partitions: number): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1024) {
    throw new RangeError(`a log has 1 to 1024 partitions, not ${partitions}`);
  }
  db.exec(`
    CREATE TABLE topics (topic TEXT PRIMARY KEY, partitions INTEGER NOT NULL, generation TEXT NOT NULL) STRICT;
    CREATE TABLE streams (
      id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
      start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL, append_ms INTEGER NOT NULL,
      UNIQUE (topic, partition)
    ) STRICT;
    CREATE TABLE positions (name TEXT PRIMARY KEY, position TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `);
  addTopics(db, ALL_TOPICS, partitions);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
}

function addTopics(db: DatabaseSync, topics: readonly Topic[], partitions: number): void {
  const addTopic = db.prepare('INSERT INTO topics VALUES (?, ?, ?)');
  const addStream = db.prepare('INSERT INTO streams VALUES (?, ?, ?, 0, 0, 0)');
  let id = integer(db, 'SELECT count(*) FROM streams');
  for (const topic of topics) {
    addTopic.run(topic, partitionsOf(topic, partitions), randomBytes(8).toString('hex'));
    for (let partition = 0; partition < partitionsOf(topic, partitions); partition++) {
      addStream.run(id, topic, partition);
      db.exec(`CREATE TABLE stream_${id} (
        last_offset INTEGER PRIMARY KEY, count INTEGER NOT NULL, append_ms INTEGER NOT NULL,
        crc INTEGER NOT NULL, body BLOB NOT NULL
      ) STRICT`);
      id++;
    }
  }
}

/** Brings a file of an earlier version up to this one. The caller holds the write lock. */
function upgrade(db: DatabaseSync): void {
  const version = integer(db, 'PRAGMA user_version');
  const added = ADDED.filter(([since]) => version < since).map(([, topic]) => topic);
  if (added.length === 0) return;
  addTopics(db, added, integer(db, `SELECT partitions FROM topics WHERE topic = '${TOPICS.events}'`));
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}

function loadTopics(db: DatabaseSync, path: string, wanted: number | undefined): OpenedFile['topics'] {
  const streams = db.prepare('SELECT id, topic, partition FROM streams ORDER BY id').all() as Stream[];
  const rows = db.prepare('SELECT topic, partitions, generation FROM topics').all() as (TopicInfo & { topic: Topic })[];
  const topics = new Map(
    rows.map(({ topic, partitions, generation }) => [
      topic,
      { partitions, generation, streams: streams.filter((stream) => stream.topic === topic) },
    ]),
  );
  for (const topic of ALL_TOPICS) {
    const found = topics.get(topic);
    if (found === undefined || found.streams.length !== found.partitions) {
      throw new LogUnusable('log_damaged', `${path} lacks topic ${topic}: restore it from a backup`);
    }
    const expected = wanted === undefined ? found.partitions : partitionsOf(topic, wanted);
    if (found.partitions !== expected) {
      throw new LogUnusable(
        'log_partitions_differ',
        `${path} was made with ${found.partitions} partitions, the configuration asks for ${wanted}: ` +
          `set log.partitions to ${found.partitions}, or start with a new data directory`,
      );
    }
  }
  return topics;
}

function integer(db: DatabaseSync, sql: string): number {
  const row = db.prepare(sql).get();
  return row === undefined ? 0 : Number(Object.values(row)[0]);
}

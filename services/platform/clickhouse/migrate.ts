import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { type ClickHouse, jsonRows } from './connection.ts';
import { StoreUnusable } from './errors.ts';

export type Migration = {
  readonly version: number;
  readonly name: string;
  /** SHA-256 of the file, hex. */
  readonly checksum: string;
  readonly statements: readonly string[];
};

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;
const MIGRATIONS_TABLE = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version UInt32, name String, checksum String, applied DateTime DEFAULT now()
  ) ENGINE = ReplacingMergeTree ORDER BY version
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`;

/** The migrations of this program, in order. Their numbers run from 1 without a gap. */
export function loadMigrations(directory: URL = new URL('./migrations/', import.meta.url)): Migration[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort();
  return files.map((file, index) => {
    const match = FILE_NAME.exec(file);
    if (match === null) throw new Error(`${file} is not named like 0001_what_it_does.sql`);
    const version = Number(match[1]);
    if (version !== index + 1) throw new Error(`${file} stands where migration ${index + 1} is expected`);
    const sql = readFileSync(new URL(file, directory), 'utf8');
    return { version, name: match[2] as string, checksum: sha256(sql), statements: split(sql) };
  });
}

/**
 * Brings the database to this program's version. Every statement may be repeated, so a crash between a migration and its
 * record, or two processes at once, do no harm. Resolves to the versions that were applied now.
 * @throws StoreUnusable when a recorded migration is not this program's, or the database is newer than it.
 */
export async function migrate(db: ClickHouse, migrations: readonly Migration[] = loadMigrations()): Promise<number[]> {
  await db.command(MIGRATIONS_TABLE);
  const recorded = await readRecorded(db);
  refuseNewer(recorded, migrations.length);
  const applied: number[] = [];
  for (const migration of migrations) {
    const record = recorded.get(migration.version);
    if (record !== undefined) {
      refuseChanged(migration, record.checksum);
      continue;
    }
    for (const statement of migration.statements) await db.command(statement);
    await recordMigration(db, migration);
    applied.push(migration.version);
  }
  return applied;
}

const Recorded = z.object({ version: z.int(), name: z.string(), checksum: z.string() });
type Recorded = z.infer<typeof Recorded>;

async function readRecorded(db: ClickHouse): Promise<Map<number, Recorded>> {
  const answer = await db.read(
    'SELECT version, name, checksum FROM schema_migrations ORDER BY version, applied LIMIT 1 BY version FORMAT JSONEachRow',
  );
  return new Map(
    jsonRows(answer)
      .map((row) => Recorded.parse(row))
      .map((row) => [row.version, row]),
  );
}

async function recordMigration(db: ClickHouse, migration: Migration): Promise<void> {
  await db.command(
    'INSERT INTO schema_migrations (version, name, checksum) SETTINGS async_insert = 0, insert_deduplicate = 0 ' +
      'SELECT {version:UInt32}, {name:String}, {checksum:String}',
    { version: migration.version, name: migration.name, checksum: migration.checksum },
  );
}

function refuseNewer(recorded: ReadonlyMap<number, Recorded>, newest: number): void {
  const highest = Math.max(0, ...recorded.keys());
  if (highest <= newest) return;
  const name = recorded.get(highest)?.name ?? '';
  throw new StoreUnusable(
    'store_newer',
    `the store is at migration ${highest} (${name}), this program knows ${newest}: a newer Countersign has used it. ` +
      'Run that version or a later one.',
  );
}

function refuseChanged(migration: Migration, recorded: string): void {
  if (recorded === migration.checksum) return;
  throw new StoreUnusable(
    'store_migration_changed',
    `migration ${migration.version} (${migration.name}) was applied to the store as ${recorded.slice(0, 12)} and is ` +
      `${migration.checksum.slice(0, 12)} in this program: an applied migration is never edited. ` +
      'Restore the file, or add a new migration.',
  );
}

function split(sql: string): string[] {
  return sql
    .replace(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement.length > 0);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

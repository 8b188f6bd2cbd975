import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import type { ClickHouse } from '../../services/platform/clickhouse/connection.ts';
import { openEmbedded } from '../../services/platform/clickhouse/embedded.ts';
import { StoreUnusable } from '../../services/platform/clickhouse/errors.ts';
import { loadMigrations, migrate } from '../../services/platform/clickhouse/migrate.ts';
import { applyRetention } from '../../services/platform/clickhouse/retention.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { canonical, outputs, scored } from '../support/store-fixtures.ts';

const unusable = (code: string) => (error: unknown) => error instanceof StoreUnusable && error.code === code;

describe('migrations', { concurrency: 1 }, () => {
  let directory: string;
  let db: ClickHouse;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-migrate-'));
    db = openEmbedded({ path: join(directory, 'store') });
  });
  after(async () => {
    await db.close();
    await rm(directory, { recursive: true, force: true });
  });

  const migrations = async (name: string, files: Record<string, string>): Promise<URL> => {
    const path = join(directory, name);
    await mkdir(path);
    for (const [file, sql] of Object.entries(files)) await writeFile(join(path, file), sql);
    return pathToFileURL(`${path}/`);
  };
  const tablesOf = async (): Promise<string[]> =>
    (await db.read('SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name FORMAT TSV'))
      .toString()
      .split('\n');

  test('are applied in order and recorded, and a repeat does nothing', async () => {
    const loaded = loadMigrations();
    assert.ok(loaded.length > 0);
    assert.deepEqual(
      await migrate(db, loaded),
      loaded.map((migration) => migration.version),
    );
    assert.deepEqual(await migrate(db, loaded), []);
    const tables = await tablesOf();
    for (const table of ['events', 'findings', 'alerts', 'dead_letters', 'state_blobs', 'manifests', 'priors']) {
      assert.ok(tables.includes(table), table);
    }
  });

  test('may be cut off between a migration and its record', async () => {
    await db.command('TRUNCATE TABLE schema_migrations');
    const loaded = loadMigrations();
    assert.equal((await migrate(db, loaded)).length, loaded.length);
    assert.deepEqual(await migrate(db, loaded), []);
  });

  test('that changed after they were applied are refused, and nothing is applied', async () => {
    const [first, ...rest] = loadMigrations();
    const edited = { ...first!, checksum: '0'.repeat(64) };
    const added = { ...first!, version: 99, statements: ['CREATE TABLE never (a UInt8) ENGINE = Memory'] };
    await assert.rejects(migrate(db, [edited, ...rest, added]), unusable('store_migration_changed'));
    assert.ok(!(await tablesOf()).includes('never'));
  });

  test('of a newer program are refused', async () => {
    const more = { version: loadMigrations().length + 1, name: 'later', checksum: 'x', statements: ['SELECT 1'] };
    assert.deepEqual(await migrate(db, [...loadMigrations(), more]), [more.version]);
    await assert.rejects(migrate(db, loadMigrations()), unusable('store_newer'));
    await db.command(`DELETE FROM schema_migrations WHERE version = {version:UInt32}`, { version: more.version });
    assert.deepEqual(await migrate(db, loadMigrations()), []);
  });

  test('files are split into statements; a gap and an odd name are refused', async () => {
    const url = await migrations('good', {
      '0001_one.sql': '-- a comment; with a semicolon\nCREATE TABLE one (a UInt8)\nENGINE = Memory;\n\nSELECT 1;\n',
      '0002_two.sql': 'SELECT 2',
      'README.md': 'not a migration',
    });
    assert.deepEqual(
      loadMigrations(url).map(({ version, name, statements }) => ({ version, name, statements })),
      [
        { version: 1, name: 'one', statements: ['CREATE TABLE one (a UInt8)\nENGINE = Memory', 'SELECT 1'] },
        { version: 2, name: 'two', statements: ['SELECT 2'] },
      ],
    );
    const gap = await migrations('gap', { '0001_one.sql': 'SELECT 1', '0003_three.sql': 'SELECT 3' });
    assert.throws(() => loadMigrations(gap), /0003_three\.sql/);
    const odd = await migrations('odd', { 'one.sql': 'SELECT 1' });
    assert.throws(() => loadMigrations(odd), /one\.sql/);
  });

  test('retention is set, changed and removed, and drops nothing that is young', async () => {
    const ttlOf = async (table: string): Promise<string> => {
      const sql = 'SELECT engine_full FROM system.tables WHERE name = {table:String} FORMAT TSVRaw';
      return /TTL \S+ \+ \S+/.exec((await db.read(sql, { table })).toString())?.[0] ?? 'none';
    };
    await applyRetention(db, { events: 30, dead_letters: 7 });
    assert.equal(await ttlOf('events'), 'TTL stored + toIntervalDay(30)');
    assert.equal(await ttlOf('dead_letters'), 'TTL stored + toIntervalDay(7)');
    assert.equal(await ttlOf('alerts'), 'none');
    await applyRetention(db, { events: 31 });
    assert.equal(await ttlOf('events'), 'TTL stored + toIntervalDay(31)');
    assert.equal(await ttlOf('dead_letters'), 'none');
    for (const events of [0, -1, 1.5, Number.NaN]) await assert.rejects(applyRetention(db, { events }), RangeError);
    await applyRetention(db, {});
    assert.equal(await ttlOf('events'), 'none');
  });

  test('retention counts from when the store took a row, not from the clock of a recording', async () => {
    await db.close();
    const path = join(directory, 'store');
    const options = { kind: 'embedded', path, retention_days: { events: 1 } } as const;
    const { store, db: again } = await openStore(options, { telemetry: silentTelemetry() });
    const old = canonical('default', 'old', { time: Date.UTC(2001, 1, 1) });
    await store.writeOutputs(outputs({ events: [scored(old)] }));
    await again.command('OPTIMIZE TABLE events FINAL');
    assert.equal((await store.totals()).events, 1);
    await store.close();
    db = openEmbedded({ path });
  });

  test('a directory that another store of this process does not share cannot be opened', async () => {
    await assert.rejects(
      openStore({ kind: 'embedded', path: join(directory, 'second') }, { telemetry: silentTelemetry() }),
      unusable('store_cannot_open'),
    );
  });
});

test('a database name that would need quoting is refused before anything is sent', async () => {
  const options = { kind: 'server', url: 'http://127.0.0.1:1', database: 'a; DROP' } as const;
  await assert.rejects(openStore(options, { telemetry: silentTelemetry() }), unusable('store_database_name'));
});

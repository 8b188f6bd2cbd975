import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import { jsonRows } from '../../services/platform/clickhouse/connection.ts';
import { StoreUnavailable } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { canonical, outputs, scored } from '../support/store-fixtures.ts';
import { storeSuite } from '../support/store-suite.ts';

storeSuite('store on chDB in process', async () => {
  // A space and an apostrophe, as some people's home directories have.
  const path = await mkdtemp(join(tmpdir(), "countersign store's-"));
  const opened = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
  return {
    ...opened,
    async close() {
      await opened.store.close();
      await rm(path, { recursive: true, force: true });
    },
  };
});

test('what a statement sets ends with it', async () => {
  const path = await mkdtemp(join(tmpdir(), 'countersign-settings-'));
  const { store, db } = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
  const settings = `
    SELECT name, value FROM system.settings
    WHERE name IN ('async_insert', 'insert_deduplicate', 'optimize_on_insert', 'max_execution_time')
    ORDER BY name FORMAT JSONEachRow`;
  const read = async (): Promise<unknown[]> => jsonRows(await db.read(settings));
  const before = await read();
  assert.equal(before.length, 4);
  await store.writeOutputs(outputs({ events: [scored(canonical('default', 'one'))] }));
  await store.totals();
  assert.deepEqual(await read(), before);
  await store.close();
  await rm(path, { recursive: true, force: true });
});

test('a closed store is unavailable, and closing waits for what was begun', async () => {
  const path = await mkdtemp(join(tmpdir(), 'countersign-close-'));
  const { store } = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
  const begun = store.writeOutputs(outputs({ events: [scored(canonical('default', 'last'))] }));
  await Promise.all([begun, store.close()]);
  await assert.rejects(store.ping(), StoreUnavailable);
  const again = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
  assert.equal((await again.store.totals()).events, 1);
  await again.store.close();
  await rm(path, { recursive: true, force: true });
});

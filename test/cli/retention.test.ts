import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { trimOnce } from '../../services/cli/service/retention.ts';
import { spanTickRecord } from '../../services/ingest/record.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { settableClock } from '../log/support.ts';

const DAY_MS = 86_400_000;

test('what waits to be settled is kept for as long as it is remembered, however old it is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-retention-'));
  const clock = settableClock(1_800_000_000_000);
  const log = openSqliteLog({ path: join(directory, 'log.db'), clock, telemetry: silentTelemetry(), partitions: 1 });
  try {
    for (let at = 0; at < 10; at++) await log.transact({ records: [spanTickRecord(0, undefined)] });
    const { generation } = await log.describe(TOPICS.spans);
    const trimmedTo = async (position: object | undefined): Promise<number> => {
      const name = `ingest.${TOPICS.spans}.0`;
      const positions = position === undefined ? [] : [{ name, position: JSON.stringify({ generation, ...position }) }];
      await log.transact({ records: [], positions });
      await trimOnce({ log, retention_days: 7 }, { status: () => [] }, clock.now());
      return (await log.bounds(TOPICS.spans, 0)).start;
    };
    const live = { recorded: false, from: 6, come: 1, passed: 1, live: 1, now: 1 };
    clock.set(clock.now() + 30 * DAY_MS);
    assert.equal(await trimmedTo(undefined), 0);
    assert.equal(await trimmedTo({ next: 8, memory: [live, { ...live, recorded: true, from: 4 }] }), 4);
    assert.equal(await trimmedTo({ next: 9, memory: [live] }), 6);
    assert.equal(await trimmedTo({ next: 9 }), 9);
  } finally {
    await log.close();
    await rm(directory, { recursive: true });
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DetectRecord } from '../../schemas/record.ts';
import { copyDeadLetters, DEAD_COPIED } from '../../services/cli/service/copies.ts';
import { createMinute } from '../../services/cli/service/time-role.ts';
import { waitingPriors } from '../../services/detect/priors.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type StoredDeadLetter, StoreRefused } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { HOUR_MS, NOON_MS } from './support.ts';

function logOf(partitions: number) {
  return openSimulatedLog({ disk: newDisk({ partitions, random: () => 0.5 }), clock: manualClock() });
}

test('every minute has its tick; live events alone ask for a prior, one at a time', async () => {
  const log = logOf(2);
  let live = 100;
  const minute = createMinute({ log, accepted: async () => live, newId: () => 'id' });
  await minute(NOON_MS);
  assert.deepEqual(await waitingPriors(log), [], 'what was there before this process is not counted again');
  live += 50;
  await minute(NOON_MS + 60_000);
  assert.deepEqual(await waitingPriors(log), [`live-${NOON_MS + 60_000}-id`]);
  live += 1_000;
  await minute(NOON_MS + 30 * HOUR_MS);
  assert.equal((await waitingPriors(log)).length, 1, 'the one before it waits still');
  for (const partition of [0, 1]) {
    const { records } = await log.read(TOPICS.events, partition, 0, { records: 100, bytes: 1e9 });
    assert.deepEqual(
      records.map(({ value }) => (JSON.parse(value.toString()) as DetectRecord).type),
      ['tick', 'tick', 'cut', 'tick'],
    );
    const waiting = await log.read(TOPICS.spans, partition, 0, { records: 100, bytes: 1e9 });
    assert.deepEqual(
      waiting.records.map(({ value }) => value.toString()),
      Array(3).fill('{"type":"tick"}'),
    );
  }
});

test('a dead letter that the store refuses does not keep the others from being copied', async () => {
  const log = logOf(1);
  for (let n = 0; n < 5; n++) {
    const letter = { reason: 'not_json', message: 'm', origin: 'o', position: `${n}`, length: 0, bytes: '', time: 1 };
    await log.transact({ records: [{ topic: TOPICS.dead, key: 'k', value: Buffer.from(JSON.stringify(letter)) }] });
  }
  const copied: string[] = [];
  const writeDeadLetters = async (rows: readonly StoredDeadLetter[]): Promise<void> => {
    if (rows.some(({ letter }) => letter.position === '3')) throw new StoreRefused('no');
    copied.push(...rows.map(({ letter }) => letter.position));
  };
  const store = { writeDeadLetters, writeControlCopies: async () => {} };
  const over = new AbortController();
  const copying = copyDeadLetters({ log, store, telemetry: silentTelemetry() }, over.signal);
  while ((await log.position(DEAD_COPIED)) !== '5') await new Promise(setImmediate);
  over.abort();
  await copying;
  assert.deepEqual(copied, ['0', '1', '2', '4']);
});

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import type { Store } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { BATCH_ROWS, BLOBS, checkpointOf, type Step } from '../support/store-crash.ts';
import { placed } from '../support/store-fixtures.ts';

const ROUNDS = 8;

/** Lets a process write from checkpoint `first` on and kills it as soon as it has acknowledged so many steps. */
async function writeAndKill(path: string, first: number, steps: number): Promise<Step[]> {
  const program = new URL('../support/store-crash-child.ts', import.meta.url);
  const child = fork(program, [path, String(first)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  const acknowledged: Step[] = [];
  child.on('message', (step: Step) => {
    acknowledged.push(step);
    if (acknowledged.length === steps) child.kill('SIGKILL');
  });
  const [, signal] = await ended;
  assert.equal(signal, 'SIGKILL');
  return acknowledged;
}

async function eventsOf(store: Store, batch: number): Promise<number> {
  return (await store.readIdentity('default', `agent-${batch}`))?.events ?? 0;
}

/** What the newest manifest covers must be there whole, and so must all that was acknowledged after it. */
async function check(store: Store, acknowledged: readonly Step[]): Promise<number> {
  const covered = ((await store.readManifest(TOPICS.events, 0))?.next_offset ?? 0) / BATCH_ROWS;
  const last = acknowledged.at(-1);
  const manifests = acknowledged.filter((step) => step.step === 'manifest');
  assert.ok(covered >= (manifests.at(-1)?.batch ?? -1) + 1, 'an acknowledged manifest is gone');
  for (let batch = 0; batch < covered; batch++) assert.equal(await eventsOf(store, batch), BATCH_ROWS);
  for (const { batch } of acknowledged) assert.equal(await eventsOf(store, batch), BATCH_ROWS);
  const versions = new Set(acknowledged.filter((step) => step.step === 'blobs').map(({ batch }) => batch));
  const least = Math.max(covered - 1, ...versions);
  const keys = Array.from({ length: BLOBS }, (_, i) => `blob-${i}`);
  const blobs = await store.readBlobs(TOPICS.events, 0, keys);
  for (const blob of blobs.values()) {
    assert.ok(blob.version >= (least + 1) * BATCH_ROWS - 1, 'an acknowledged blob is gone');
    assert.deepEqual(Buffer.from(blob.bytes), Buffer.alloc(2_000, blob.version % 251));
  }
  if (least >= 0) assert.equal(blobs.size, BLOBS);
  return (last?.batch ?? covered) + 1;
}

test(`a process killed ${ROUNDS} times amid its writes has kept all it acknowledged`, async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'countersign-crash-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const random = xoroshiro128plus(20_260_615);
  let next = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = await writeAndKill(path, next, uniformInt(random, 1, 14));
    const { store } = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
    next = await check(store, acknowledged);
    // What was cut off is written again, as the worker would from the log, and counts once.
    for (let batch = Math.max(0, next - 2); batch < next + 1; batch++) {
      const { outputs, blobs, manifest } = checkpointOf(batch);
      await store.writeOutputs(outputs);
      await store.writeBlobs(placed(TOPICS.events, 0, blobs));
      await store.writeManifests([manifest]);
      assert.equal(await eventsOf(store, batch), BATCH_ROWS);
    }
    next += 1;
    assert.equal((await store.totals()).events, next * BATCH_ROWS);
    await store.close();
  }
});

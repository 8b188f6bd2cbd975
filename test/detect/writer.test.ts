import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { Manifest, Outputs, ScoredEvent, StateBlob } from '../../schemas/outputs.ts';
import { emptyOutputs } from '../../services/detect/handover.ts';
import { Stopped } from '../../services/detect/patience.ts';
import { Pieces, waitingBlob } from '../../services/detect/pieces.ts';
import { type Batch, committedName, Writer, type WriteStep } from '../../services/detect/writer.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type DetectStore, StoreRefused, StoreUnavailable } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore, type StoreFaults } from '../support/simulated-store.ts';
import { eventOf, NOON_MS } from './support.ts';

const NO_FAULTS: StoreFaults = { plan: () => 'none', random: () => 0, died: () => {} };

function writerOn(faults: Partial<StoreFaults>, wrap: (store: DetectStore) => DetectStore = (store) => store) {
  const clock = manualClock();
  const disk = newDisk({ partitions: 1, random: () => 0.5 });
  const log = openSimulatedLog({ disk, clock });
  const held = newStoreDisk();
  const stopping = new AbortController();
  const telemetry = silentTelemetry();
  const steps: WriteStep[] = [];
  const writer = new Writer({
    log,
    store: wrap(openSimulatedStore(held, { ...NO_FAULTS, ...faults }, [])),
    clock,
    telemetry,
    signal: stopping.signal,
    onStep: (step) => void steps.push(step),
  });
  const letters = async (): Promise<DeadLetter[]> =>
    (await log.read(TOPICS.dead, 0, 0, { records: 100, bytes: 1e9 })).records.map(
      ({ value }) => JSON.parse(value.toString()) as DeadLetter,
    );
  return { clock, log, held, stopping, telemetry, steps, writer, letters };
}

const row = (offset: number): ScoredEvent => ({
  event: eventOf(`e${offset}`),
  partition: 0,
  offset,
  log_time: NOON_MS + offset,
  bits: 0,
  parts: [],
  flags: 0,
});
const rows = (count: number): Outputs => ({
  ...emptyOutputs(),
  events: Array.from({ length: count }, (_, i) => row(i)),
});
const batchOf = (parts: Partial<Batch>): Batch => ({ outputs: emptyOutputs(), cuts: [], ...parts });
const blobOf = (key: string): StateBlob => ({ key, version: 9, due: undefined, bytes: Buffer.from(`state of ${key}`) });
const manifest: Manifest = {
  topic: TOPICS.events,
  partition: 0,
  generation: 'g',
  partitions: 1,
  next_offset: 10,
  offset_base: 0,
  watermark_live: NOON_MS,
  watermark_recorded: 0,
  dedup_from: 0,
  prior_version: '',
  groups: [],
  rules_version: 1,
  counters: {},
};

function piecesOf(groups: readonly StateBlob[], identities: readonly StateBlob[]): NonNullable<Batch['checkpoints']> {
  const pieceOf = (blobs: readonly StateBlob[]): Pieces => {
    const pieces = new Pieces(1e9);
    if (blobs.length > 0) void pieces.put(blobs.map((blob) => waitingBlob(blob, manifest)));
    pieces.end();
    return pieces;
  };
  return { groups: pieceOf(groups), identities: pieceOf(identities), manifests: [manifest] };
}

/** Lets pending promises settle and wakes what sleeps, until the write is over. */
async function settle(write: Promise<void>, clock: { advance(ms: number): void }): Promise<void> {
  let over = false;
  const ended = write.finally(() => {
    over = true;
  });
  ended.catch(() => undefined);
  while (!over) {
    clock.advance(20_000);
    await new Promise(setImmediate);
  }
  return ended;
}

describe('the writer', () => {
  test('dead-letters the rows that the store refuses, and only those', async () => {
    const bad = new Set([3, 4, 12]);
    const on = writerOn({ refuses: (one) => bad.has((one as ScoredEvent).offset) });
    await on.writer.write(batchOf({ outputs: rows(20) }));
    assert.equal(on.held.events.size, 17);
    const letters = await on.letters();
    assert.deepEqual(
      letters.map(({ reason, position }) => [reason, position]),
      [3, 4, 12].map((offset) => ['store_refused', `${TOPICS.events}/0/${offset}`]),
    );
    const [first] = letters;
    assert.deepEqual(
      JSON.parse(Buffer.from(first?.bytes ?? '', 'base64').toString()),
      JSON.parse(JSON.stringify(row(3).event)),
    );
    assert.deepEqual(await on.log.counters(), new Map([['detect.refused.events', 3]]));
  });

  test('dead-letters the state that the store refuses, and goes on to the manifest', async () => {
    const on = writerOn({}, (store) => ({
      ...store,
      writeBlobs: async (blobs) => {
        if (blobs.some(({ blob }) => blob.key === 'bad')) throw new StoreRefused('no');
        return store.writeBlobs(blobs);
      },
    }));
    const identities = ['a', 'bad', 'b', 'c', 'd'].map(blobOf);
    await on.writer.write(batchOf({ checkpoints: piecesOf([], identities) }));
    assert.deepEqual([...on.held.blobs.values()].map(({ key }) => key).sort(), ['a', 'b', 'c', 'd']);
    assert.equal(on.held.manifests.get(0)?.next_offset, 10);
    assert.deepEqual(
      (await on.letters()).map(({ position, length }) => [position, length]),
      [[`${TOPICS.events}/0/9`, 'state of bad'.length]],
    );
  });

  test('dead-letters refused state under its own partition, where one write holds that of several', async () => {
    const wide = { ...manifest, partition: 3, watermark_live: NOON_MS + 7 };
    const writes: number[] = [];
    const on = writerOn({}, (store) => ({
      ...store,
      writeBlobs: async (blobs) => {
        writes.push(blobs.length);
        if (blobs.some(({ partition, blob }) => partition === 3 && blob.key === 'b')) throw new StoreRefused('no');
        return store.writeBlobs(blobs);
      },
    }));
    const identities = new Pieces(1e9);
    const placed = [manifest, wide].flatMap((one) => ['a', 'b'].map((key) => waitingBlob(blobOf(key), one)));
    void identities.put(placed);
    identities.end();
    await on.writer.write(batchOf({ checkpoints: { ...piecesOf([], []), identities, manifests: [manifest, wide] } }));
    assert.deepEqual(writes, [4, 2, 2, 1, 1]);
    assert.deepEqual([...on.held.blobs.keys()].sort(), [
      `${TOPICS.events}/0/a`,
      `${TOPICS.events}/0/b`,
      `${TOPICS.events}/3/a`,
    ]);
    assert.deepEqual([...on.held.manifests.keys()], [0, 3]);
    assert.deepEqual(
      (await on.letters()).map(({ position, time }) => [position, time]),
      [[`${TOPICS.events}/3/9`, NOON_MS + 7]],
    );
  });

  test('repeats until the store is back, step by step and in order', async () => {
    let failures = 0;
    const on = writerOn({ plan: () => (failures++ % 3 < 2 ? 'fail_after' : 'none') });
    const checkpoints = piecesOf([blobOf('group')], [blobOf('a')]);
    await settle(on.writer.write(batchOf({ outputs: rows(3), checkpoints })), on.clock);
    assert.deepEqual(on.steps, ['rows', 'alerts', 'cuts', 'groups', 'identities', 'manifests', 'commit', 'done']);
    assert.deepEqual([on.held.events.size, on.held.blobs.size, on.held.conflicts.length], [3, 2, 0]);
    assert.equal(await on.log.position(committedName(0)), '10');
    assert.equal(on.writer.stalled, false);
    assert.match(await on.telemetry.registry.metrics(), /countersign_store_retries_total\{write="rows"\} 2/);
  });

  test('says that it is stalled, and gives up when the process ends', async () => {
    const on = writerOn({ plan: () => 'fail_before' });
    const write = on.writer.write(batchOf({ outputs: rows(1) }));
    write.catch(() => undefined);
    while (!on.writer.stalled) await new Promise(setImmediate);
    on.stopping.abort();
    await assert.rejects(write, Stopped);
  });

  test('passes on what is neither passing nor a refusal', async () => {
    const on = writerOn({}, (store) => ({ ...store, writeOutputs: () => Promise.reject(new TypeError('a defect')) }));
    await assert.rejects(on.writer.write(batchOf({ outputs: rows(2) })), TypeError);
  });
});

test('a refusal that comes after failures is narrowed down all the same', async () => {
  let calls = 0;
  const on = writerOn({}, (store) => ({
    ...store,
    writeOutputs: async (outputs) => {
      if (calls++ % 2 === 0) throw new StoreUnavailable('away');
      if (outputs.events.some(({ offset }) => offset === 1)) throw new StoreRefused('no');
      return store.writeOutputs(outputs);
    },
  }));
  await settle(on.writer.write(batchOf({ outputs: rows(4) })), on.clock);
  assert.deepEqual([...on.held.events.keys()].sort(), ['0/0', '0/2', '0/3']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model } from '../../detectors/contract.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type Piece, Pieces } from '../../services/detect/pieces.ts';
import { fakeModel } from '../support/fake-model.ts';
import { passing, sceneOf, until } from './scene.ts';
import { eventOf, NOON_MS, orderedModel } from './support.ts';

const pieceOf = (...sizes: number[]): Piece =>
  sizes.map((size, i) => ({
    topic: 'topic',
    partition: i,
    blob: { key: `${i}`, version: 0, due: undefined, bytes: Buffer.alloc(size) },
    log_ms: 0,
  }));
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};

test('who puts more than there is room for waits until something was taken', async () => {
  const pieces = new Pieces(100);
  let put = 0;
  const putting = (async () => {
    for (let i = 0; i < 10; i++) {
      await pieces.put(pieceOf(30, 30));
      put += 1;
    }
    pieces.end();
  })();
  await turns();
  assert.equal(put, 1, 'the second fills it');
  const taken: Piece[] = [];
  for await (const piece of pieces) {
    taken.push(piece);
    await turns();
    assert.ok(put <= taken.length + 1, `${put} are put, ${taken.length} taken`);
  }
  await putting;
  assert.equal(taken.length, 10);
});

test('who puts where nobody takes any more is not held up', async () => {
  const pieces = new Pieces(100);
  const putting = pieces.put(pieceOf(500));
  await turns();
  pieces.end();
  await putting;
  await pieces.put(pieceOf(500));
});

/** A model whose states are large, and that counts how many of them were encoded. */
function heavyModel(words: number): { readonly model: Model; encoded: () => number } {
  const model = { ...orderedModel(fakeModel()), words };
  let encoded = 0;
  const encodeSession: Model['encodeSession'] = (session) => {
    encoded += 1;
    return model.encodeSession(session);
  };
  return { model: { ...model, encodeSession }, encoded: () => encoded };
}

const MANY = 6_000;
const HEAVY = 2_000;
const WORDS = 16 * 1024;

test('a checkpoint of much state waits for the store with little of it encoded', async () => {
  const on = sceneOf();
  const { model, encoded } = heavyModel(WORDS);
  let away = false;
  const { held } = on;
  const machine = on.machine({ model, checkpoint_ms: 1e9, flush_ms: 1e9 });
  machine.fault = (operation) => (away && operation === 'blobs' ? 'fail_before' : 'none');
  await machine.runner.assign(0);
  for (let n = 0; n < HEAVY; n++) await on.append({ type: 'event', event: eventOf(`e${n}`, { identity: `i${n}` }) });
  while (await machine.runner.turn());
  away = true;
  const before = encoded();
  const writing = machine.runner.checkpoint();
  await until(on.clock, () => machine.runner.stalled);
  await turns();
  const bytes = (encoded() - before) * WORDS * 4;
  const bound = LIMITS.checkpoint_waiting_bytes_max + 4 * LIMITS.checkpoint_piece_bytes;
  assert.ok(bytes <= bound, `${bytes} bytes were encoded while nothing was taken`);
  assert.ok(encoded() - before < HEAVY);
  assert.equal(held.manifests.get(0)?.next_offset, 0);
  away = false;
  await passing(on.clock, writing);
  assert.equal(held.manifests.get(0)?.next_offset, HEAVY);
  assert.equal([...held.blobs.keys()].filter((key) => key.includes('default')).length, HEAVY);
});

test('state of a partition that is lost while it is being encoded never counts as complete', async () => {
  const on = sceneOf();
  const { model, encoded } = heavyModel(WORDS);
  const machine = on.machine({ model, checkpoint_ms: 1e9, flush_ms: 1e9 });
  let away = false;
  machine.fault = (operation) => (away && operation === 'blobs' ? 'fail_before' : 'none');
  await machine.runner.assign(0);
  for (let n = 0; n < HEAVY; n++) await on.append({ type: 'event', event: eventOf(`e${n}`, { identity: `i${n}` }) });
  while (await machine.runner.turn());
  away = true;
  const writing = machine.runner.checkpoint();
  await until(on.clock, () => machine.runner.stalled);
  await turns();
  await machine.runner.unassign(0, 'lost');
  away = false;
  await passing(on.clock, writing);
  assert.ok(encoded() < HEAVY);
  assert.equal(on.held.manifests.get(0)?.next_offset, 0);
});

test('of a partition that is lost before its groups were handed over no identity is written', async () => {
  const on = sceneOf();
  const plain = orderedModel(fakeModel());
  let lose: (() => void) | undefined;
  const encodeGroup: Model['encodeGroup'] = (group) => {
    lose?.();
    return plain.encodeGroup(group);
  };
  const machine = on.machine({ model: { ...plain, encodeGroup }, checkpoint_ms: 1e9, flush_ms: 1e9 });
  await machine.runner.assign(0);
  for (const [n, group] of ['g1', 'g2', 'g3'].entries()) {
    await on.append({ type: 'event', event: eventOf(`e${n}`, { identity: `i${n}`, group }), at: NOON_MS });
  }
  await on.append({ type: 'tick', at: NOON_MS + LIMITS.session_idle_ms });
  while (await machine.runner.turn());
  lose = () => void machine.runner.unassign(0, 'lost');
  await passing(on.clock, machine.runner.checkpoint());
  const written = [...on.held.blobs.keys()];
  assert.equal(
    written.filter((key) => key.includes('i0') || key.includes('i1') || key.includes('i2')).length,
    0,
    String(written),
  );
});

test('a tick at which very many fall due reads their state in bounded batches and lets others run', async () => {
  const on = sceneOf();
  const model = orderedModel(fakeModel());
  const first = on.machine({ model });
  await first.runner.assign(0);
  for (let n = 0; n < MANY; n++)
    await on.append({ type: 'event', event: eventOf(`e${n}`, { identity: `i${n}` }), at: NOON_MS });
  await first.runner.drain();
  await on.append({ type: 'tick', at: NOON_MS + LIMITS.session_idle_ms });
  await first.runner.unassign(0, 'handed_over');
  const asked: number[] = [];
  const store: typeof first.store = {
    ...first.store,
    readBlobs: (topic, partition, keys) => {
      asked.push(keys.length);
      return first.store.readBlobs(topic, partition, keys);
    },
  };
  const second = on.machine({ model, store });
  await second.runner.assign(0);
  let others = 0;
  let over = false;
  const counting = (async () => {
    while (!over) {
      others += 1;
      await new Promise(setImmediate);
    }
  })();
  await second.runner.turn();
  over = true;
  await counting;
  assert.ok(Math.max(...asked) <= LIMITS.load_blobs_max, `${asked} keys at once`);
  assert.ok(asked.reduce((a, b) => a + b, 0) >= MANY);
  assert.ok(others > MANY / 512, `others ran ${others} times`);
  await second.runner.drain();
  assert.deepEqual([on.held.conflicts, on.held.manifests.get(0)?.counters.tick], [[], 1]);
});

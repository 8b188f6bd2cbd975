import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model } from '../../detectors/contract.ts';
import { createModel } from '../../detectors/model.ts';
import { StateSlab } from '../../detectors/state.ts';
import { decodeIdentity, encodeIdentity } from '../../services/detect/blob.ts';
import { fakeModel } from '../support/fake-model.ts';
import { eventOf, type Lane, laneOf, MINUTE_MS, NOON_MS, orderedModel } from './support.ts';

/** An identity with everything in flight: open sessions, an open alert, a held session. */
function busy(model: Model): Lane {
  const lane = laneOf(orderedModel(model));
  lane.tell({ type: 'event', event: eventOf('!alarm', { session: 'held' }) }, NOON_MS);
  lane.tell({ type: 'tick' }, NOON_MS + 40 * MINUTE_MS);
  const later = NOON_MS + 41 * MINUTE_MS;
  lane.tell({ type: 'event', event: eventOf('e1', { session: 'one', time: later }) }, later);
  lane.tell({ type: 'event', event: eventOf('e2', { session: 'two \u00fc', time: later }) }, later);
  lane.tell({ type: 'event', event: eventOf('e3', { session: '', time: later }) }, later);
  return lane;
}

for (const [name, make] of [
  ['the fake model', fakeModel],
  ['the ensemble', createModel],
] as const) {
  test(`a stored identity is the one that was stored: ${name}`, () => {
    const model = make();
    const lane = busy(model);
    lane.evict(0);
    const [blob] = [...lane.blobs.values()].filter(({ key }) => key === 'default\u0000agent');
    assert.ok(blob !== undefined);
    const slab = new StateSlab(model.words);
    const state = decodeIdentity(blob.key, blob.version, blob.bytes, model, slab);
    assert.deepEqual(
      [state.sessions.map(({ id }) => id), state.alerts.length, state.held.length],
      [['one', 'two \u00fc', ''], 1, 1],
    );
    assert.equal(state.due, blob.due, 'the deadline in the store is the one of the state');
    assert.equal(state.applied, blob.version);
    assert.deepEqual(Buffer.from(encodeIdentity(state, model, slab)), Buffer.from(blob.bytes));
  });
}

test('words of an older layout are upgraded when they are loaded', () => {
  const model = fakeModel();
  const lane = busy(model);
  lane.evict(0);
  const blob = lane.blobs.get('default\u0000agent');
  assert.ok(blob !== undefined);
  const newer: Model = {
    ...model,
    layout_version: 2,
    words: model.words + 1,
    upgrade: (words, from) => Uint32Array.from([...words, from * 100]),
  };
  const slab = new StateSlab(newer.words);
  const { slot } = decodeIdentity(blob.key, blob.version, blob.bytes, newer, slab);
  assert.equal(slot.u32[slot.at + model.words], 100);
});

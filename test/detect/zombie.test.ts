import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import type { StateBlob } from '../../schemas/outputs.ts';
import type { Decoded } from '../../services/detect/decode.ts';
import { fakeModel } from '../support/fake-model.ts';
import { eventOf, laneOf, NOON_MS } from './support.ts';

const AFTER_MS = NOON_MS + LIMITS.session_idle_ms;

/** Two identities of one group; the first session of each has ended when its second event comes. */
const RECORDS: readonly Decoded[] = [
  { id: 'a1', identity: 'a', at: NOON_MS },
  { id: 'b1', identity: 'b', at: NOON_MS },
  { id: 'a2', identity: 'a', at: AFTER_MS },
  { id: 'b2', identity: 'b', at: AFTER_MS },
  { id: 'a3', identity: 'a', at: AFTER_MS + LIMITS.session_idle_ms },
].map(({ id, identity, at }, offset) => ({
  offset,
  log_ms: at,
  recorded: false,
  record: { type: 'event', event: eventOf(id, { identity, group: 'g', session: id, time: at }) },
}));

/** Applies records with the blobs as they are in the store at that moment. */
function apply(
  lane: ReturnType<typeof laneOf>,
  records: readonly Decoded[],
  store: ReadonlyMap<string, StateBlob>,
): void {
  const { worker } = lane;
  const read = (keys: readonly string[]): Map<string, StateBlob> =>
    new Map(keys.flatMap((key) => (store.has(key) ? [[key, store.get(key) as StateBlob] as const] : [])));
  for (const record of records) {
    const { blobs } = worker.needs([record]);
    const behind = worker.load(blobs, read(blobs));
    if (behind.length > 0) worker.catchUp(read(behind));
    worker.apply(record);
    worker.takeOutputs();
  }
}

const bytesOf = (blobs: readonly StateBlob[]): string[] =>
  blobs.map(({ key, bytes }) => `${key} ${Buffer.from(bytes).toString('latin1')}`).sort();

test('groups that another process moved on after they were read are read again with the first identity ahead', () => {
  const straight = laneOf(fakeModel());
  apply(straight, RECORDS, new Map());
  const whole = straight.worker.checkpoint();

  const store = new Map<string, StateBlob>();
  const heir = laneOf(fakeModel());
  // The heir has read the group and applied the first record when the one before it writes all it knew.
  apply(heir, RECORDS.slice(0, 1), store);
  const zombie = laneOf(fakeModel());
  apply(zombie, RECORDS.slice(0, 4), new Map());
  const late = zombie.worker.checkpoint();
  for (const blob of [...late.groups, ...late.identities]) store.set(blob.key, blob);
  apply(heir, RECORDS.slice(1), store);

  const { groups, identities } = heir.worker.checkpoint();
  assert.deepEqual(bytesOf(groups), bytesOf(whole.groups), 'the group learned every session once');
  const stored = new Map([...late.identities, ...identities].map((blob) => [blob.key, blob]));
  assert.deepEqual(bytesOf([...stored.values()]), bytesOf(whole.identities));
});

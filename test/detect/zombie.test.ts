import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import type { StateBlob } from '../../schemas/outputs.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { Decoded } from '../../services/detect/decode.ts';
import { identityKey } from '../../services/platform/partitioner.ts';
import { fakeModel } from '../support/fake-model.ts';
import { eventOf, HOUR_MS, laneOf, NOON_MS } from './support.ts';

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

test('a tick passes by who is ahead of it, and nobody else; the next one finds both', () => {
  const LATER_MS = NOON_MS + 10 * HOUR_MS;
  const event = (id: string, identity: string, at: number): DetectRecord => {
    return { type: 'event', event: eventOf(id, { identity, group: 'g', time: at }) };
  };
  const records: readonly Decoded[] = [
    { recorded: false, log_ms: NOON_MS, record: event('a1', 'a', NOON_MS) },
    { recorded: true, log_ms: NOON_MS + HOUR_MS, record: event('b1', 'b', NOON_MS) },
    { recorded: true, log_ms: LATER_MS, record: { type: 'tick' } as const },
    // From here on it is recorded time that ends its session, and that has passed already.
    { recorded: true, log_ms: NOON_MS + 1_000, record: event('a2', 'a', NOON_MS) },
    { recorded: true, log_ms: NOON_MS + HOUR_MS, record: event('b2', 'b', NOON_MS) },
    { recorded: true, log_ms: LATER_MS, record: { type: 'tick' } as const },
  ].map((record, offset) => ({ ...record, offset }));
  const straight = laneOf(fakeModel());
  apply(straight, records, new Map());
  const whole = straight.worker.checkpoint();

  const store = new Map<string, StateBlob>();
  const owner = laneOf(fakeModel());
  apply(owner, records.slice(0, 2), store);
  const durable = owner.worker.checkpoint();
  apply(owner, records.slice(2, 4), store);
  const late = owner.worker.checkpoint();
  // It dies before the last of the blobs is written, and the heir begins at the tick.
  const arrived = late.identities.filter(({ key }) => key === identityKey('default', 'a'));
  for (const blob of [...durable.identities, ...late.groups, ...arrived]) store.set(blob.key, blob);
  const heir = laneOf(fakeModel(), durable.manifest);
  heir.worker.arm([...store.values()].flatMap(({ key, due }) => (due === undefined ? [] : [{ key, due }])));
  apply(heir, records.slice(2), store);
  const { identities } = heir.worker.checkpoint();
  assert.equal(arrived.length, 1);
  assert.deepEqual(bytesOf(identities), bytesOf(whole.identities));
});

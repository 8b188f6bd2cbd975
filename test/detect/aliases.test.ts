import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AliasRecord } from '../../schemas/record.ts';
import { decodeRecord, isPoison } from '../../services/detect/decode.ts';
import { fakeModel } from '../support/fake-model.ts';
import { eventOf, laneOf, MINUTE_MS, NOON_MS, orderedModel } from './support.ts';

const alias: AliasRecord = {
  type: 'alias',
  tenant: 'default',
  identity: 'unresolved:till',
  resolved: 'agent-1',
  trace_id: 't-1',
  events: ['0af7651916cd43dd8448eb211c80319c'],
  count: 3,
};

test('an alias is handed out as a row, and teaches nothing', () => {
  const told = [false, true].map((with_alias) => {
    const lane = laneOf(orderedModel(fakeModel()));
    lane.tell({ type: 'event', event: eventOf('e1', { identity: 'unresolved:till' }) }, NOON_MS);
    const outputs = with_alias ? lane.tell(alias, NOON_MS + 1) : lane.tell({ type: 'tick' }, NOON_MS + 1);
    const after = lane.tell({ type: 'tick' }, NOON_MS + 90 * MINUTE_MS);
    lane.evict(100);
    const blobs = [...lane.blobs].map(([key, { bytes, due }]) => [key, Buffer.from(bytes).toString('hex'), due]);
    return { blobs, after, aliases: outputs.aliases, counted: lane.worker.counters.alias };
  });
  const { type: _, ...row } = alias;
  assert.deepEqual(told[1]?.aliases, [{ alias: row, partition: 0, offset: 1, log_time: NOON_MS + 1 }]);
  assert.equal(told[1]?.counted, 1);
  assert.deepEqual(told[1]?.blobs, told[0]?.blobs);
  assert.deepEqual(told[1]?.after, told[0]?.after);
});

test('a record that only looks like an alias is poison', () => {
  const decoded = (value: unknown) => {
    const raw = { offset: 7, append_ms: NOON_MS, key: 'k', value: Buffer.from(JSON.stringify(value)) };
    return decodeRecord(raw, 'agent.audit.events', 0).record;
  };
  assert.equal(isPoison(decoded(alias)), false);
  for (const broken of [
    { ...alias, events: ['no key'] },
    { ...alias, count: 0 },
    { ...alias, resolved: 7 },
    { type: 'alias' },
    { ...alias, events: Array(65).fill(alias.events[0]) },
  ]) {
    assert.equal(isPoison(decoded(broken)), true, JSON.stringify(broken));
  }
});

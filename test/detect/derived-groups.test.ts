import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Group } from '../../detectors/group.ts';
import { createModel } from '../../detectors/model.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { isGroupBlob } from '../../services/detect/groups.ts';
import { event } from '../detectors/fleet.ts';
import { type Lane, laneOf, NOON_MS } from './support.ts';

const TOOLS = [
  ['read_ticket', 'answer_ticket'],
  ['read_invoice', 'match_order'],
] as const;
const SESSIONS = 14;

/** Two teams of three that declare nothing, session by session. */
function* records(): Generator<{ record: DetectRecord; at: number }> {
  let at = NOON_MS;
  for (let session = 0; session < SESSIONS; session++) {
    at += LIMITS.session_idle_ms + 1;
    for (let n = 0; n < 6; n++) {
      for (const tool of TOOLS[(n % 2) as 0 | 1]) {
        const key = at.toString(16).padStart(32, '0');
        const one = event({ identity: `agent-${n}`, tool, time: at, resources: [`r-${session}`] });
        yield { record: { type: 'event', event: { ...one, key, id: key } }, at: ++at };
      }
    }
  }
}

function groupBlobs(lane: Lane): Map<string, Uint8Array> {
  lane.evict(100);
  return new Map([...lane.blobs].filter(([key]) => isGroupBlob(key)).map(([key, { bytes }]) => [key, bytes]));
}

test('a partition that is taken over in the middle divides its groups as one that was not', () => {
  const straight = laneOf(createModel());
  for (const { record, at } of records()) straight.tell(record, at);
  for (const cut of [40, 97, 111]) {
    let lane = laneOf(createModel());
    let told = 0;
    for (const { record, at } of records()) {
      lane.tell(record, at);
      if (++told !== cut) continue;
      lane.evict(0);
      const { manifest } = lane.worker.checkpoint();
      const next = laneOf(createModel(), manifest);
      for (const [key, blob] of lane.blobs) next.blobs.set(key, blob);
      lane = next;
    }
    assert.deepEqual(groupBlobs(lane), groupBlobs(straight), `taken over after ${cut} records`);
  }
  const [bytes] = groupBlobs(straight).values();
  const group = createModel().decodeGroup(bytes!) as Group;
  assert.equal(group.parts.size, 2, 'a part for each team, once its members had taught eight sessions');
});

test('after a crash, identities that are behind their group learn again and teach nothing twice', () => {
  const lane = laneOf(createModel());
  for (const { record, at } of records()) lane.tell(record, at);
  const groups = groupBlobs(lane);
  const again = laneOf(createModel());
  for (const [key, blob] of lane.blobs) if (isGroupBlob(key)) again.blobs.set(key, blob);
  for (const { record, at } of records()) again.tell(record, at);
  assert.deepEqual(groupBlobs(again), groups);
  const states = (of: Lane): Map<string, Uint8Array> => new Map([...of.blobs].map(([key, { bytes }]) => [key, bytes]));
  assert.deepEqual(states(again), states(lane));
});

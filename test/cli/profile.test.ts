import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../detectors/model.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { createProfileReader } from '../../services/cli/service/profile.ts';
import { buildPriorFrom } from '../../services/detect/priors.ts';
import type { DetectStore } from '../../services/platform/store.ts';
import { laneOf, NOON_MS } from '../detect/support.ts';
import { event } from '../detectors/fleet.ts';

/** Ten sessions each of agents that declare nothing and use like tools. */
function taughtLane(agents: number) {
  const model = createModel();
  const lane = laneOf(model);
  let now = NOON_MS;
  const tell = (identity: string): void => {
    now += LIMITS.session_idle_ms + 1;
    for (const [n, tool] of ['read_ticket', 'answer_ticket', 'read_ticket'].entries()) {
      const key = (now + n).toString(16).padStart(32, '0');
      lane.tell({ type: 'event', event: { ...event({ identity, tool, time: now }), key, id: key } }, now);
    }
  };
  for (let i = 0; i < 10; i++) for (let n = 0; n < agents; n++) tell(`agent-${n}`);
  return { model, lane, tell, later: () => now };
}

test('a profile says whom its identity is compared with, by the prior that its partition adopted', async () => {
  const { model, lane, later } = taughtLane(6);
  lane.tell({ type: 'cut', version: 'v1' }, later());
  const prior = buildPriorFrom(
    model,
    lane.worker.takeCuts().map(({ bytes }) => bytes),
    100,
  );
  lane.worker.addPrior('v1', prior);
  lane.tell({ type: 'prior', version: 'v1' }, later());
  lane.evict(100);
  const { manifest } = lane.worker.checkpoint();
  const store: Pick<DetectStore, 'readManifest' | 'readBlobs' | 'readPrior'> = {
    readManifest: async () => manifest,
    readBlobs: async (_topic, _partition, keys) =>
      new Map(keys.flatMap((key) => (lane.blobs.has(key) ? [[key, lane.blobs.get(key)!]] : []))),
    readPrior: async (version) => (version === 'v1' ? prior : undefined),
  };
  const read = createProfileReader(store, 1);
  const profile = await read('default', 'agent-3');
  assert.equal(profile?.sessions, 9);
  assert.equal(profile.peers?.origin, 'kind', 'eight sessions of each teach all of its kind');
  assert.equal(profile.peers.members, 6);
  assert.equal(profile.peers.yardstick, 'peer_group');
  assert.equal(await read('default', 'nobody'), undefined);
});

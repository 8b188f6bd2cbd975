import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupState } from '../../detectors/contract.ts';
import { createModel } from '../../detectors/model.ts';
import { StateSlab } from '../../detectors/state.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { decodeCut, GroupTable, groupBlobKey } from '../../services/detect/groups.ts';
import { buildPriorInThread } from '../../services/detect/prior-thread.ts';
import {
  awaitPrior,
  buildPriorFrom,
  createPriorBuilder,
  requestPrior,
  runPriorBuilder,
  waitingPriors,
} from '../../services/detect/priors.ts';
import { cutName } from '../../services/detect/writer.ts';
import { type EventLog, PositionConflict, TOPICS } from '../../services/platform/event-log.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore } from '../support/simulated-store.ts';

const PARTITIONS = 3;

function scene() {
  const clock = manualClock();
  const disk = newDisk({ partitions: PARTITIONS, random: () => 0.5 });
  const log = openSimulatedLog({ disk, clock });
  const held = newStoreDisk();
  const store = openSimulatedStore(held, { plan: () => 'none', random: () => 0, died: () => {} }, []);
  const built: string[] = [];
  const build = async (cuts: readonly Uint8Array[]): Promise<Uint8Array> => {
    built.push(cuts.map((bytes) => Buffer.from(bytes).toString()).join());
    return Buffer.from('prior');
  };
  /** What detect does when the cut comes by. */
  const cutAll = async (version: string): Promise<void> => {
    for (let p = 0; p < PARTITIONS; p++) await store.writePrior(cutName(version, p), Buffer.from(`${version}/${p}`));
  };
  return { clock, log, store, built, builder: () => createPriorBuilder({ log, store, clock, build }), build, cutAll };
}

async function recordsOf(log: EventLog, partition: number): Promise<string[]> {
  const { records } = await log.read(TOPICS.events, partition, 0, { records: 1_000, bytes: 1e9 });
  return records.map(({ value }) => {
    const record = JSON.parse(value.toString()) as DetectRecord;
    return 'version' in record ? `${record.type} ${record.version}` : record.type;
  });
}

test('every request is built and announced, oldest first, also when a newer one overtakes it', async () => {
  const on = scene();
  await requestPrior(on.log, { version: 'replay' });
  await requestPrior(on.log, { version: 'live' });
  await on.cutAll('live');
  const builder = on.builder();
  assert.equal(await builder.step(), 'cuts_missing', 'the older one has no cuts yet');
  await on.cutAll('replay');
  assert.equal(await builder.step(), 'announced');
  const over = new AbortController();
  assert.equal(await awaitPrior(on.log, on.clock, 'replay', over.signal), true);
  assert.deepEqual(await waitingPriors(on.log), ['live']);
  assert.equal(await builder.step(), 'announced');
  assert.equal(await builder.step(), 'idle');
  for (let p = 0; p < PARTITIONS; p++) {
    assert.deepEqual(await recordsOf(on.log, p), ['cut replay', 'cut live', 'prior replay', 'prior live']);
  }
  assert.deepEqual(on.built, ['replay/0,replay/1,replay/2', 'live/0,live/1,live/2']);
});

test('two builders and many requests at once announce each version once', async () => {
  const on = scene();
  const versions = Array.from({ length: 8 }, (_, n) => `v${n}`);
  await Promise.all(versions.map((version) => requestPrior(on.log, { version })));
  for (const version of versions) await on.cutAll(version);
  const over = new AbortController();
  const builders = [1, 2].map(() =>
    runPriorBuilder({ log: on.log, store: on.store, clock: on.clock, build: on.build }, over.signal),
  );
  const waited = Promise.all(versions.map((version) => awaitPrior(on.log, on.clock, version, over.signal)));
  let done = false;
  void waited.then(() => {
    done = true;
  });
  while (!done) {
    on.clock.advance(1_000);
    await new Promise(setImmediate);
  }
  over.abort();
  await Promise.all(builders);
  const announced = (await recordsOf(on.log, 1)).filter((record) => record.startsWith('prior'));
  assert.deepEqual(
    announced.toSorted(),
    versions.map((version) => `prior ${version}`),
  );
});

test('a builder that lost the race for an announcement takes the next look at what is left', async () => {
  const on = scene();
  await requestPrior(on.log, { version: 'a' });
  await on.cutAll('a');
  const [slow, fast] = [on.builder(), on.builder()];
  const results = await Promise.allSettled([slow.step(), fast.step()]);
  const lost = results.filter((result) => result.status === 'rejected');
  assert.ok(lost.every(({ reason }) => reason instanceof PositionConflict));
  assert.equal(results.length - lost.length, 1);
  assert.equal(await slow.step(), 'idle');
});

test('a version that waits is not asked for twice, and too many are refused', async () => {
  const on = scene();
  for (let n = 0; n < LIMITS.priors_waiting_max; n++) {
    assert.equal(await requestPrior(on.log, { version: `v${n}` }), true);
  }
  assert.equal(await requestPrior(on.log, { version: 'v0' }, [{ name: 'mine', position: '1' }]), true);
  assert.equal(await on.log.position('mine'), undefined);
  assert.equal(await requestPrior(on.log, { version: 'one too many' }, [{ name: 'mine', position: '1' }]), false);
  assert.equal((await recordsOf(on.log, 0)).length, LIMITS.priors_waiting_max);
});

test('waiting for a prior ends when the signal aborts', async () => {
  const on = scene();
  await requestPrior(on.log, { version: 'a' });
  const over = new AbortController();
  const waited = awaitPrior(on.log, on.clock, 'a', over.signal);
  over.abort();
  assert.equal(await waited, false);
});

test('the thread builds the same bytes as the caller would', async () => {
  const model = createModel();
  const cuts = [0, 1].map((partition) => {
    const table = new GroupTable(model, []);
    for (const name of ['default\u0000a', 'default\u0000b']) {
      table.loadBlob(groupBlobKey(name), undefined);
      table.register(name);
      teach(model, table.get(name).state, partition);
    }
    const steps = table.encodeCut();
    for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
  });
  assert.equal(decodeCut(cuts[0] as Uint8Array, model).size, 2);
  const [here, there] = [buildPriorFrom(model, cuts, 20), await buildPriorInThread(cuts, 20)];
  assert.ok(here.length > 1_000);
  assert.deepEqual(Buffer.from(there), Buffer.from(here));
  await assert.rejects(buildPriorInThread([Buffer.from('no cut at all')], 20));
});

/** One session of one call. */
function teach(model: ReturnType<typeof createModel>, group: GroupState, seed: number): void {
  const slab = new StateSlab(model.words);
  const state = slab.take();
  model.initial(state);
  const session = model.newSession();
  const time = 1_800_000_000_000 + seed;
  const event = {
    key: '0'.repeat(32),
    id: 'e',
    origin: 'o',
    tenant: 'default',
    time,
    identity: { id: 'i', kind: 'agent' as const },
    action: { operation: 'read' as const },
    tool: { name: `tool-${seed}` },
    resources: [],
    volume: { bytes_out: 10 + seed },
    outcome: { status: 'ok' as const },
  };
  const input = { event, log_ms: time, in_window: true, state, session, prior: model.emptyPrior() };
  model.observe(input, model.score(input));
  model.learn(state, session, group);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayIntoLog } from '../../services/cli/recorded/replay-into-log.ts';
import { buildPriorFrom, createPriorBuilder, waitingPriors } from '../../services/detect/priors.ts';
import { cutName } from '../../services/detect/writer.ts';
import type { ReplayStep } from '../../services/ingest/replay.ts';
import { NO_SUMS } from '../../services/ingest/tally.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { fakeModel } from '../support/fake-model.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore } from '../support/simulated-store.ts';
import { eventOf, NOON_MS } from './support.ts';

const records = (id: string): ReplayStep => {
  const event = eventOf(id);
  const decided = [{ kind: 'accepted' as const, event, json: JSON.stringify(event), format: 'canonical' as const }];
  return { kind: 'records', decided, at: [NOON_MS], bytes: 1, bytes_read: 1 };
};

async function* steps(): AsyncGenerator<ReplayStep> {
  yield records('first');
  yield { kind: 'cut', at: NOON_MS };
  yield records('second');
}

test('a replay that is run again waits for the prior that the one before it had asked for', async () => {
  const log = openSimulatedLog({ disk: newDisk({ partitions: 1, random: () => 0.5 }), clock: manualClock() });
  const ingest = {
    append: async (batch: readonly unknown[]) => {
      await log.transact({
        records: batch.map(() => ({ topic: TOPICS.events, partition: 0, key: 'k', value: EVENT })),
      });
      // Each step stands for as many events as a cut needs.
      return { ...NO_SUMS, accepted: 50 * batch.length };
    },
  };
  const run = (signal: AbortSignal) => replayIntoLog({ log, ingest, clock: systemClock, signal }, steps(), () => {});
  const typesOf = async (): Promise<string[]> => {
    const { records: all } = await log.read(TOPICS.events, 0, 0, { records: 100, bytes: 1e9 });
    return all.map(({ value }) => (JSON.parse(value.toString()) as { type: string }).type);
  };

  const killed = new AbortController();
  const first = run(killed.signal);
  while ((await waitingPriors(log)).length === 0) await new Promise(setImmediate);
  killed.abort();
  await first;
  assert.deepEqual(await typesOf(), ['event', 'cut']);

  const second = run(new AbortController().signal);
  while ((await typesOf()).length < 3) await new Promise(setImmediate);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.deepEqual(await typesOf(), ['event', 'cut', 'event'], 'no second cut, and nothing beyond it');

  const store = openSimulatedStore(newStoreDisk(), { plan: () => 'none', random: () => 0, died: () => {} }, []);
  const [version = ''] = await waitingPriors(log);
  await store.writePrior(cutName(version, 0), NO_GROUPS);
  const build = async (cuts: readonly Uint8Array[]) => buildPriorFrom(fakeModel(), cuts, 20);
  await createPriorBuilder({ log, store, clock: systemClock, build }).step();
  await second;
  assert.deepEqual(await typesOf(), ['event', 'cut', 'event', 'prior', 'event']);
});

const EVENT = Buffer.from('{"type":"event"}');
/** A cut of a partition without groups. */
const NO_GROUPS = Buffer.from([2, 0, 0, 0, 0x5b, 0x5d]);

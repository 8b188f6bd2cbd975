import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { DetectRecord } from '../../schemas/record.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { type Fault, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';
import { allRecords, diskOf, jumpingClock, produce, runnerOn, seeded, sourcesOf, until } from './raw-support.ts';
import { assertHeldSums, identities, isSettled, OTLP, request, subscribeAll } from './settle-runner-support.ts';
import { rule } from './settle-support.ts';
import { MINUTE_MS, MONDAY_MS } from './support.ts';

const sources = sourcesOf({ ...OTLP, recorded: true });
const TRACES = 40;

/** Six hours: a tool span every ten minutes, its root four seconds later in another partition, or half an hour later, or never. */
function recording(order: () => number): SimulatedDisk {
  const disk = diskOf(3);
  const partitions: string[][] = [[], [], []];
  for (let trace = 0; trace < TRACES; trace++) {
    const at = trace * 600;
    partitions[trace % 2]?.push(request({ trace, span: 1, parent: 0, tool: `t${trace}`, at }));
    if (trace % 8 !== 7) partitions[2]?.push(request({ trace, span: 0, agent: 'agent-1', at: at + 4 }));
    if (trace === TRACES - 1) partitions[2]?.push(request({ trace, span: 0, agent: 'late', at: at + 1_800 }));
  }
  // As many producers write: each in its own order, one far ahead of another.
  while (partitions.some((left) => left.length > 0)) {
    const partition = Math.floor(order() * 3);
    produce(disk, partitions[partition]?.splice(0, 1 + Math.floor(order() * 12)) ?? [], { partition });
  }
  return disk;
}

const expected = Object.fromEntries(
  Array.from({ length: TRACES }, (_, trace) => [`t${trace}`, trace % 8 === 7 ? 'unresolved:till' : 'agent-1']).sort(
    ([a = ''], [b = '']) => (a < b ? -1 : 1),
  ),
);

async function workOff(disk: SimulatedDisk, faults?: () => Fault): Promise<boolean> {
  let dead = false;
  const clock = jumpingClock();
  const crashed = (): void => {
    dead = true;
  };
  const log = openSimulatedLog({ disk, clock, crashed, ...(faults === undefined ? {} : { faults }) });
  const { runner } = runnerOn(log, { clock, sources, settle: rule(), limits: { raw_batch_records_max: 9 } });
  await subscribeAll(log, runner);
  await until('settled to the end', () => dead || (isSettled(disk) && isOver(disk)));
  if (!dead) await runner.stop();
  return !dead;
}

const END_MS = MONDAY_MS + (TRACES - 1) * 10 * MINUTE_MS;
const lastTick = Math.floor(END_MS / LIMITS.replay_tick_ms) * LIMITS.replay_tick_ms;

const recordsOf = (disk: SimulatedDisk) =>
  (disk.topics.get(TOPICS.events)?.partitions ?? []).map(({ records }) =>
    records.map(({ value }) => DetectRecord.parse(JSON.parse(value.toString()))),
  );

const isOver = (disk: SimulatedDisk): boolean =>
  recordsOf(disk).every((records) => records.some((one) => one.type === 'tick' && (one.at ?? 0) >= lastTick));

describe('a recording on a raw topic', () => {
  test('is settled by its own clock, however far one partition is ahead, and to its end', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const disk = recording(seeded(seed));
      await workOff(disk);
      assert.deepEqual(identities(disk), expected, `seed ${seed}`);
      assert.equal(assertHeldSums(disk), 0);
      const aliases = recordsOf(disk)
        .flat()
        .flatMap((one) => (one.type === 'alias' ? [one.resolved] : []));
      assert.deepEqual(aliases, ['late']);
      const spans = allRecords(disk, TOPICS.spans).map(({ value }) => JSON.parse(value.toString()));
      assert.ok(spans.every(({ at, source }) => at > 0 && source === TOPICS.raw));
    }
  });

  test('has no event behind a tick that is younger, also when it waited', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const disk = recording(seeded(seed));
      await workOff(disk);
      for (const records of recordsOf(disk)) {
        let ticked = 0;
        for (const record of records) {
          if (record.type === 'tick') ticked = Math.max(ticked, record.at ?? 0);
          else assert.ok((record.at ?? 0) >= ticked, `seed ${seed}: ${record.type} at ${record.at} behind ${ticked}`);
        }
      }
    }
  });

  test('is settled exactly once over a crash at any step', async () => {
    let crashes = 0;
    for (let at = 0; ; at += 3) {
      const disk = recording(seeded(1));
      let operations = 0;
      const crash = at % 2 === 0 ? 'before' : 'after';
      if (await workOff(disk, () => (operations++ === at ? { crash } : {}))) break;
      crashes++;
      await workOff(disk);
      assert.deepEqual(identities(disk), expected, `${crash} operation ${at}`);
      assert.equal(assertHeldSums(disk), 0);
    }
    assert.ok(crashes > 20, `${crashes}`);
  });
});

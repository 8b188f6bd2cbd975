import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { OPEN_STATES } from '../../schemas/containment.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { Responder } from '../../services/contain/responder.ts';
import { verifyExport } from '../../services/control/audit-verify.ts';
import { type ControlEntry, readControl } from '../../services/control/writer.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { auditingWith, exportOf, newSigner } from '../audit/support.ts';
import { manualClock } from '../support/manual-clock.ts';
import {
  type Fault,
  type FaultPlan,
  newDisk,
  openSimulatedLog,
  randomFaults,
  type SimulatedDisk,
} from '../support/simulated-log.ts';
import { bootstrapPeople, feed, openDesk, recordingExecutor, respond } from './harness.ts';
import { alertOf } from './samples.ts';

const PARTITIONS = 2;
const { signer } = newSigner();
const audit = auditingWith(signer, { records: 3 });

/** A log with people in it, an observer that never fails, and responders that die and come back. */
async function stage(repeatable: boolean) {
  const disk = newDisk({ partitions: PARTITIONS, random: () => 0.5 });
  const clock = manualClock();
  const log = openSimulatedLog({ disk, clock });
  await bootstrapPeople(log, clock);
  const desk = await openDesk(log, clock, Number.MAX_SAFE_INTEGER);
  const executor = recordingExecutor(undefined, repeatable);
  const responders: Responder[] = [];
  const start = (faults?: FaultPlan): void => {
    const handle = openSimulatedLog({ disk, clock, ...(faults && { faults }), crashed: () => queueMicrotask(start) });
    responders.push(respond(handle, clock, { executor, audit, instance: `responder-${responders.length}` }));
  };
  /** Lets turns and time pass until it holds, or says that it never does. */
  const pass = async (what: string, holds: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 4000; turn++) {
      if (holds()) return;
      await nextTurn();
      if (turn % 10 === 9) clock.advance(500);
    }
    assert.fail(`never: ${what}`);
  };
  const stop = async (): Promise<void> => {
    let over = false;
    responders
      .at(-1)
      ?.stop()
      .then(() => {
        over = true;
      });
    await pass('an orderly end', () => over);
    await desk.view.close();
  };
  return { disk, log, desk, executor, responders, start, pass, stop };
}

type Stage = Awaited<ReturnType<typeof stage>>;

/** One alert, countersigned and executed, and then judged. */
async function story({ log, desk, pass }: Stage): Promise<void> {
  await feed(log, alertOf(), alertOf({ revision: 2 }));
  await pass('a proposal', () => desk.view.state.containments.size === 1);
  const { id, digest } = desk.only();
  let approved = false;
  desk.ask('ben', { type: 'approve', containment: id, digest }, 'approve-once').then(() => {
    approved = true;
  });
  await pass('an answer', () => approved);
  const open: readonly string[] = OPEN_STATES;
  await pass('an end', () => !open.includes(desk.only().state));
  const alert = { alert_uid: 'a'.repeat(32), tenant: 'default', identity: 'agent-7' } as const;
  let judged = false;
  desk.ask('admin', { type: 'verdict', ...alert, verdict: 'true_positive' }, 'verdict-once').then(() => {
    judged = true;
  });
  await pass('a verdict', () => judged);
}

async function controlLog({ log }: Stage): Promise<ControlEntry[]> {
  const entries: ControlEntry[] = [];
  for (let next = 0; ; ) {
    const read = await readControl(log, next);
    if (read.next === next) return entries;
    entries.push(...read.entries);
    next = read.next;
  }
}

/** How many records of each type the partitions were sent. */
function sentTo(disk: SimulatedDisk, topic: typeof TOPICS.events): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { records } of disk.topics.get(topic)?.partitions ?? []) {
    for (const { value } of records) {
      const { type } = JSON.parse(value.toString()) as DetectRecord;
      counts[type] = (counts[type] ?? 0) + 1;
    }
  }
  return counts;
}

/** Whatever happened on the way, the log tells one story, and its chain and checkpoints verify. */
async function checkLog(on: Stage): Promise<void> {
  const entries = await controlLog(on);
  const report = await verifyExport({ lines: await exportOf(on.log), from: 1, checkpoints: [], keys: [signer.key] });
  assert.deepEqual(report.problems, []);
  assert.ok(report.inside > 1, 'signed on the way');
  const changes = entries.flatMap(({ record }) => (record.kind === 'containment_changed' ? [record] : []));
  assert.equal(changes.filter(({ from }) => from === undefined).length, 1, 'proposed once');
  assert.equal(
    changes.filter(({ from, containment }) => from === 'pending' && containment.state === 'approved').length,
    1,
  );
  const dispatches = changes.filter(
    ({ from, containment }) => from === 'approved' && containment.state === 'dispatching',
  );
  assert.equal(dispatches.length, 1, 'dispatched once');
  for (const command of ['approve-once', 'verdict-once']) {
    const outcomes = entries.filter(({ record }) => record.kind === 'command_outcome' && record.command === command);
    assert.equal(outcomes.length, 1, `${command} has one outcome`);
  }
  const sent = { verdict: 1, effect_watch: 1 };
  assert.deepEqual(sentTo(on.disk, TOPICS.events), sent, 'verdict and watch stand in the log of events once');
  const keys = new Set(on.executor.requests.map((request) => request.idempotency_key));
  assert.ok(keys.size <= 1, 'one key, however many attempts');
}

/** Crashes at the nth operation of the first responder. */
function crashAt(operation: number, moment: 'before' | 'after'): { plan: FaultPlan; happened: () => boolean } {
  let count = 0;
  let over = false;
  const plan = (): Fault => (++count === operation && !over ? { crash: moment } : {});
  const happened = (): boolean => {
    // What is asked after the story only cleans up.
    over = true;
    return count >= operation;
  };
  return { plan, happened };
}

describe('a crash at any step', () => {
  for (const repeatable of [true, false]) {
    for (const moment of ['before', 'after'] as const) {
      test(`${moment} the operation, executor ${repeatable ? 'repeatable' : 'not repeatable'}`, async () => {
        let operation = 0;
        for (let crashed = true; crashed; ) {
          operation += 1;
          const on = await stage(repeatable);
          const crash = crashAt(operation, moment);
          on.start(crash.plan);
          await story(on);
          await checkLog(on);
          const { state } = on.desk.only();
          if (repeatable) assert.equal(state, 'succeeded', `operation ${operation}`);
          else assert.ok(state === 'succeeded' || state === 'unknown', state);
          if (!repeatable) assert.ok(on.executor.requests.length <= 1, 'never sent twice');
          crashed = crash.happened();
          await on.stop();
        }
        assert.ok(operation > 20, `the sweep crashed at ${operation - 1} operations`);
      });
    }
  }
});

describe('a log that fails, delays and skips', () => {
  const seeds =
    process.env.SEED === undefined ? Array.from({ length: 60 }, (_, seed) => seed) : [Number(process.env.SEED)];
  for (const seed of seeds) {
    test(`seed ${seed} (alone: SEED=${seed})`, async () => {
      const source = xoroshiro128plus(seed);
      const random = (): number => (source.next() >>> 0) / 2 ** 32;
      const on = await stage(true);
      const faulty = randomFaults(random, { fail: 0.3, delay: 0.2, delay_ms_max: 400, skip: 0.2 });
      on.start(faulty);
      await story(on);
      await checkLog(on);
      assert.equal(on.desk.only().state, 'succeeded');
      assert.equal(on.responders.length, 1, 'no failure of the log ends a responder');
      await on.stop();
    });
  }
});

import assert from 'node:assert/strict';
import type { Model } from '../../detectors/contract.ts';
import type { Gap, GapResume } from '../../schemas/gap.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { type DetectOptions, DetectRunner } from '../../services/detect/runner.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import type { GapPort } from '../../services/platform/gaps.ts';
import type { DetectStore } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { fakeModel } from '../support/fake-model.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore, type StoreDisk, type StoreFault } from '../support/simulated-store.ts';
import { describeNothing, eventOf, recordKey } from './support.ts';

/** Gaps, and what a test decides about them; shared by all processes, as the control log is. */
export type DecidedGaps = GapPort & {
  readonly reported: Map<string, Gap>;
  readonly closes: { readonly id: string; readonly resumed_at: number | undefined }[];
  decide(resume: GapResume, id?: string): void;
};

export function decidedGaps(): DecidedGaps {
  const decisions = new Map<string, GapResume>();
  const reported = new Map<string, Gap>();
  const closes: { id: string; resumed_at: number | undefined }[] = [];
  const waiting = new Set<() => void>();
  return {
    reported,
    closes,
    decide(resume, id = [...reported.keys()].at(-1)) {
      assert.ok(id !== undefined, 'no gap was reported');
      decisions.set(id, resume);
      for (const wake of [...waiting]) wake();
    },
    report: async (gap) => void reported.set(gap.id, gap),
    decision: (id) => decisions.get(id),
    changed: (signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        if (signal.aborted) wake();
        else signal.addEventListener('abort', wake, { once: true });
      }),
    closed: async (id, resumed_at) => void closes.push({ id, resumed_at }),
    hidden: () => undefined,
    working: async () => {},
  };
}

export type MachineOptions = Partial<DetectOptions> & {
  readonly model?: Model;
  /** Rows that its store refuses for good. */
  readonly refuses?: (row: unknown) => boolean;
};

export type Machine = {
  readonly runner: DetectRunner;
  readonly store: DetectStore;
  /** What befalls the operations of its store from now on. */
  fault: (operation: string) => StoreFault;
};

/** A log and a store, and any number of processes that detect on them. */
export type Scene = {
  readonly clock: ManualClock;
  readonly disk: SimulatedDisk;
  readonly held: StoreDisk;
  readonly gaps: DecidedGaps;
  /** Writes that land after their process died. */
  readonly limbo: (() => void)[];
  machine(options?: MachineOptions): Machine;
  append(record: DetectRecord, partition?: number): Promise<void>;
  /** Events `p<partition>e<from>` up to below `to`. */
  events(from: number, to: number, partition?: number): Promise<void>;
};

export function sceneOf(options: { readonly partitions?: number } = {}): Scene {
  const clock = manualClock();
  const disk = newDisk({ partitions: options.partitions ?? 1, random: () => 0.5 });
  const log = openSimulatedLog({ disk, clock });
  const held = newStoreDisk();
  const gaps = decidedGaps();
  const limbo: (() => void)[] = [];
  const append = async (record: DetectRecord, partition = 0): Promise<void> => {
    const value = Buffer.from(JSON.stringify(record));
    await log.transact({ records: [{ topic: TOPICS.events, partition, key: recordKey(record), value }] });
  };
  return {
    clock,
    disk,
    held,
    gaps,
    limbo,
    append,
    machine({ model = fakeModel(), refuses = () => false, ...knobs } = {}) {
      const machine: { fault: Machine['fault'] } = { fault: () => 'none' };
      const faults = {
        plan: (operation: string) => machine.fault(operation),
        random: () => 0,
        died: () => {},
        refuses,
      };
      const store = openSimulatedStore(held, faults, limbo);
      const worker = { model, describe: describeNothing };
      const on = { log: openSimulatedLog({ disk, clock }), store, clock, telemetry: silentTelemetry() };
      const runner = new DetectRunner({ ...on, worker, gaps, ...knobs });
      return Object.assign(machine, { runner, store });
    },
    async events(from, to, partition = 0) {
      for (let n = from; n < to; n++) await append({ type: 'event', event: eventOf(`p${partition}e${n}`) }, partition);
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets promises settle until the condition holds; time passes meanwhile. */
export async function until(clock: { advance(ms: number): void }, holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < 20_000, 'the condition never held');
    clock.advance(50);
    await turn();
  }
}

/** Resolves as the promise does; time passes meanwhile. */
export async function passing<T>(clock: { advance(ms: number): void }, work: Promise<T>): Promise<T> {
  let over = false;
  work.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  await until(clock, () => over);
  return work;
}

/** The partition's topic as if it had been deleted and made anew: empty, offsets from 0, another generation. */
export function remakeTopic(disk: SimulatedDisk, generation: string): void {
  const topic = disk.topics.get(TOPICS.events);
  assert.ok(topic !== undefined);
  const partitions = topic.partitions.map((p) => ({ ...p, start: 0, end: 0, records: [] }));
  (disk.topics as Map<string, typeof topic>).set(TOPICS.events, { generation, partitions });
}

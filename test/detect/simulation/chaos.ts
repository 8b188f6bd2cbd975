import { isDeepStrictEqual } from 'node:util';
import type { Alert } from '../../../schemas/alert.ts';
import type { EffectReport } from '../../../schemas/effect.ts';
import type { DetectRunner } from '../../../services/detect/runner.ts';
import type { WriteStep } from '../../../services/detect/writer.ts';
import { TOPICS } from '../../../services/platform/event-log.ts';
import { openSimulatedLog, randomFaults, type SimulatedDisk, trimSimulated } from '../../support/simulated-log.ts';
import { blobText, newStoreDisk, openSimulatedStore, type StoreDisk } from '../../support/simulated-store.ts';
import { copyOfLog, newRunner, type Random, randomOf, virtualClock, type World } from './world.ts';

/**
 * Runs the world's log again through processes that die at any step, on a store and a log that fail, with other batch
 * sizes each time, and with zombies: processes that were given up for dead and still write.
 */
export type Outcome = { readonly log: SimulatedDisk; readonly store: StoreDisk; readonly deaths: number };

type Process = { readonly runner: DetectRunner; readonly died: Promise<'died'>; readonly alive: () => boolean };

const LIVES_MAX = 60;
const TURNS_MAX = 4_000;

export async function runChaos(world: World, seed: number): Promise<Outcome> {
  const random = randomOf(seed ^ 0x0c4a05);
  const log = copyOfLog(world.log);
  const store = newStoreDisk();
  // Priors are made by a worker of its own; their bytes are given, the cuts below them are compared.
  for (const [name, bytes] of world.reference.priors) if (!name.startsWith('cut/')) store.priors.set(name, bytes);
  const limbo: (() => void)[] = [];
  const clock = virtualClock(Date.UTC(2027, 0, 1));
  let deaths = 0;
  let zombie: Process | undefined;
  for (let life = 0; ; life++) {
    const calm = life >= LIVES_MAX;
    const process = start(world, random, { log, store, limbo, clock, calm });
    const end = await live(process, world, random, calm, log, limbo, zombie);
    if (end === 'finished') break;
    deaths++;
    zombie = process.alive() ? process : undefined;
  }
  for (const late of limbo.splice(0)) late();
  return { log, store, deaths };
}

function start(
  world: World,
  random: Random,
  on: {
    log: SimulatedDisk;
    store: StoreDisk;
    limbo: (() => void)[];
    clock: ReturnType<typeof virtualClock>;
    calm: boolean;
  },
): Process {
  let alive = true;
  let tell: (word: 'died') => void = () => {};
  const died = new Promise<'died'>((resolve) => {
    tell = resolve;
  });
  const die = (): void => {
    alive = false;
    tell('died');
  };
  const rates = { fail: 0.03, delay: 0, delay_ms_max: 1, skip: 0 };
  const log = openSimulatedLog({
    disk: on.log,
    clock: on.clock,
    crashed: die,
    ...(on.calm ? {} : { faults: randomFaults(random, rates) }),
  });
  const store = openSimulatedStore(
    on.store,
    {
      random,
      died: die,
      plan: (operation) => {
        if (on.calm) return 'none';
        const dice = random();
        if (dice < 0.03) return operation === 'outputs' || operation === 'blobs' ? 'fail_partly' : 'fail_before';
        if (dice < 0.05) return 'fail_after';
        if (dice < 0.08) return 'die_partly';
        return dice < 0.1 ? 'die_late' : 'none';
      },
    },
    on.limbo,
  );
  const onStep = (_step: WriteStep): Promise<void> | void => {
    if (on.calm || !random.chance(0.02)) return undefined;
    die();
    return new Promise<never>(() => {});
  };
  const knobs = {
    flush_rows_max: 1 + random.int(20),
    flush_ms: random.int(50),
    checkpoint_ms: 1 + random.int(200),
    checkpoint_records_max: 1 + random.int(60),
    fetch_records_max: 1 + random.int(40),
    resident_identities_max: random.chance(0.5) ? 1 + random.int(3) : 1000,
    onStep,
  };
  return { runner: newRunner(world, log, store, on.clock, knobs), died, alive: () => alive };
}

async function live(
  process: Process,
  world: World,
  random: Random,
  calm: boolean,
  disk: SimulatedDisk,
  limbo: (() => void)[],
  zombie: Process | undefined,
): Promise<'finished' | 'died'> {
  const work = async (): Promise<'finished' | 'died'> => {
    for (let p = 0; p < world.partitions; p++) await process.runner.assign(p);
    const gap = process.runner.status().find((status) => status.state === 'gap');
    if (gap !== undefined) throw new Error(`false gap: ${gap.gap?.message}`);
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      if (limbo.length > 0 && random.chance(0.2)) limbo.splice(random.int(limbo.length), 1)[0]?.();
      const progress = await process.runner.turn();
      if (random.chance(0.1)) forgetLog(disk, process);
      if (zombie?.alive() === true && random.chance(0.3)) {
        await Promise.race([zombie.runner.turn().catch(() => undefined), zombie.died]);
      }
      if (!calm && random.chance(0.01)) return 'died';
      if (!progress) {
        await process.runner.checkpoint();
        return 'finished';
      }
    }
    throw new Error('the run does not end');
  };
  return Promise.race([work(), process.died]);
}

/** Retention at its worst: nothing is kept that detect has made durable. A zombie may find its place gone. */
function forgetLog(disk: SimulatedDisk, process: Process): void {
  for (const { partition, durable_offset } of process.runner.status()) {
    trimSimulated(disk, TOPICS.events, partition, durable_offset);
  }
}

/** What differs from the uninterrupted run, as sentences; none when all promises held. */
export function differences(world: World, outcome: Outcome): string[] {
  const { reference } = world;
  const { store, log } = outcome;
  const found = [...reference.conflicts, ...store.conflicts];
  const eventRows = (disk: StoreDisk): Map<string, string> =>
    new Map([...disk.events].map(([k, row]) => [k, row.json]));
  const blobs = (disk: StoreDisk): Map<string, string> => new Map([...disk.blobs].map(([k, b]) => [k, blobText(b)]));
  const cuts = (disk: StoreDisk): Map<string, string> =>
    new Map([...disk.priors].map(([k, bytes]) => [k, Buffer.from(bytes).toString('latin1')]));
  compare('event row', eventRows(reference), eventRows(store), found);
  compare('finding', reference.findings, store.findings, found);
  compare('alert', reference.alerts, store.alerts, found);
  compare('poison', reference.poison, store.poison, found);
  compare('blob', blobs(reference), blobs(store), found);
  compare('prior', cuts(reference), cuts(store), found);
  compare('alert record', alertRecords(world.log), alertRecords(log), found);
  compare('effect report', effectReports(world.log), effectReports(log), found);
  for (const [partition, manifest] of reference.manifests) {
    const other = store.manifests.get(partition);
    if (!isDeepStrictEqual(manifest, other)) {
      found.push(`manifest ${partition}: ${JSON.stringify(manifest)} is ${JSON.stringify(other)}`);
    }
    const { event = 0, accepted = 0, duplicate = 0 } = manifest.counters;
    if (event !== accepted + duplicate) found.push(`sums of partition ${partition}: ${event} is not the sum`);
    const rows = [...store.events.values()].filter((row) => row.partition === partition).length;
    if (rows !== accepted) found.push(`partition ${partition}: ${accepted} accepted, ${rows} rows`);
  }
  return found;
}

/** (uid, revision) -> bytes. A crash may repeat a record, never change it. */
function alertRecords(disk: SimulatedDisk): Map<string, string> {
  const records = new Map<string, string>();
  for (const partition of disk.topics.get(TOPICS.alerts)?.partitions ?? []) {
    for (const { value } of partition.records) {
      const text = value.toString();
      const { uid, revision } = JSON.parse(text) as Alert;
      const key = `${uid}#${revision}`;
      if (records.has(key) && records.get(key) !== text) records.set(key, `changed: ${text}`);
      else records.set(key, text);
    }
  }
  return records;
}

/** Command id -> bytes. A crash may repeat a report, never change it. */
function effectReports(disk: SimulatedDisk): Map<string, string> {
  const reports = new Map<string, string>();
  for (const { records } of disk.topics.get(TOPICS.commands)?.partitions ?? []) {
    for (const { key, value } of records) {
      const before = reports.get(key) ?? value.toString();
      reports.set(key, before === value.toString() ? before : `changed: ${value}`);
    }
  }
  return reports;
}

/** How often each finding about an effect was reported. */
export function effectsFound(disk: SimulatedDisk): { failed: number; verified: number; untested: number } {
  const counts = { failed: 0, verified: 0, untested: 0 };
  for (const text of effectReports(disk).values()) {
    counts[(JSON.parse(text) as { report: EffectReport }).report.finding] += 1;
  }
  return counts;
}

function compare(
  what: string,
  expected: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
  found: string[],
): void {
  for (const [key, value] of expected) {
    const other = actual.get(key);
    if (other === undefined) found.push(`${what} ${key} is missing`);
    else if (other !== value) found.push(`${what} ${key} differs:\n  ${value}\n  ${other}`);
  }
  for (const key of actual.keys()) if (!expected.has(key)) found.push(`${what} ${key} should not be there`);
}

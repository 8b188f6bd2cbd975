import type { Alert } from '../../../schemas/alert.ts';
import type { HandedRecord } from '../../../schemas/handed.ts';
import { undecidedGaps } from '../../../services/detect/gap.ts';
import { runStories, STORIES_COMMITTED } from '../../../services/detect/stories/run.ts';
import { takeUpStories } from '../../../services/detect/stories/take-up.ts';
import { FINDINGS_PARTITION, type NewRecord, TOPICS } from '../../../services/platform/event-log.ts';
import { silentTelemetry } from '../../../services/platform/telemetry.ts';
import { handed, randomRecords } from '../../support/handed.ts';
import { newDisk, openSimulatedLog, randomFaults, type SimulatedDisk } from '../../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore, type StoreDisk } from '../../support/simulated-store.ts';
import { type Random, randomOf, type VirtualClock, virtualClock } from '../simulation/world.ts';

/** The worker of stories on a log and a store that fail, in processes that die at any step and write on when they are dead. */
export type Outcome = { readonly log: SimulatedDisk; readonly store: StoreDisk; readonly deaths: number };

const FAR_MS = Date.UTC(2027, 0, 1);
const LIVES_MAX = 40;
const FACTS = { partitions: 3, random: () => 0.25 };

/** A log with what partition workers hand on, repeats included, and now and then something foreign. */
export async function storyLog(seed: number): Promise<SimulatedDisk> {
  const random = randomOf(seed);
  const disk = newDisk(FACTS);
  const skip = random.chance(0.5) ? 0.3 : 0;
  const faults = randomFaults(random, { fail: 0, delay: 0, delay_ms_max: 1, skip });
  const log = openSimulatedLog({ disk, clock: virtualClock(FAR_MS), faults });
  const records = randomRecords(random, 1_500 + random.int(2_500));
  for (let at = 0; at < records.length; ) {
    const some = records.slice(at, at + 1 + random.int(8));
    await log.transact({ records: some.map(recordOf) });
    if (random.chance(0.05))
      await log.transact({ records: [{ ...recordOf(some[0] as HandedRecord), value: FOREIGN }] });
    at += some.length;
  }
  return disk;
}

const FOREIGN = Buffer.from('{"type":"finding","tenant":7}');

export function recordOf(record: HandedRecord): NewRecord {
  const key = record.type === 'finding' ? record.id : record.type;
  return { topic: TOPICS.findings, partition: FINDINGS_PARTITION, key, value: Buffer.from(JSON.stringify(record)) };
}

/** What was handed on, and nothing that was made of it. */
function copyOf(disk: SimulatedDisk): SimulatedDisk {
  const topics = [...disk.topics].map(([name, { generation, partitions }]) => {
    return [name, { generation, partitions: partitions.map((p) => ({ ...p, records: [...p.records] })) }] as const;
  });
  return { topics: new Map(topics), positions: new Map(), counters: new Map(), onGrowth: new Set() };
}

export async function uninterrupted(disk: SimulatedDisk): Promise<Outcome> {
  const on = { log: copyOf(disk), store: newStoreDisk(), limbo: [], clock: virtualClock(FAR_MS) };
  await liveOnce(on, randomOf(0), true);
  return { log: on.log, store: on.store, deaths: 0 };
}

export async function interrupted(disk: SimulatedDisk, seed: number): Promise<Outcome> {
  const random = randomOf(seed ^ 0x57a1);
  const on = { log: copyOf(disk), store: newStoreDisk(), limbo: [] as (() => void)[], clock: virtualClock(FAR_MS) };
  let deaths = 0;
  while ((await liveOnce(on, random, deaths >= LIVES_MAX)) === 'died') {
    deaths++;
    if (random.chance(0.5)) on.limbo.splice(random.int(on.limbo.length + 1), 1)[0]?.();
  }
  for (const late of on.limbo.splice(0)) late();
  return { log: on.log, store: on.store, deaths };
}

type Ground = {
  readonly log: SimulatedDisk;
  readonly store: StoreDisk;
  readonly limbo: (() => void)[];
  readonly clock: VirtualClock;
};

/** One process, until it has come to the end of the log or has died. */
async function liveOnce(on: Ground, random: Random, calm: boolean): Promise<'finished' | 'died'> {
  const death = Promise.withResolvers<'died'>();
  const over = new AbortController();
  const die = (): void => death.resolve('died');
  const rates = { fail: calm ? 0 : 0.03, delay: 0, delay_ms_max: 1, skip: 0 };
  const faults = randomFaults(random, rates);
  const log = openSimulatedLog({
    disk: on.log,
    clock: on.clock,
    crashed: die,
    faults: (operation) => {
      if (calm) return {};
      return {
        ...faults(operation),
        ...(random.chance(0.01) ? { crash: random.chance(0.5) ? 'before' : 'after' } : {}),
      };
    },
  });
  const store = openSimulatedStore(
    on.store,
    { random, died: die, plan: () => (calm ? 'none' : faultOf(random)) },
    on.limbo,
  );
  const onStep = (): Promise<void> | void => {
    if (calm || !random.chance(0.03)) return undefined;
    die();
    return new Promise<never>(() => {});
  };
  const options = { log, store, clock: on.clock, telemetry: silentTelemetry(), gaps: undecidedGaps(), onStep };
  const running = runStories(
    { ...options, checkpoint_ms: 1 + random.int(20), fetch_records_max: 1 + random.int(12) },
    over.signal,
  );
  const arrived = (async (): Promise<'finished'> => {
    const { end } = await openSimulatedLog({ disk: on.log, clock: on.clock }).bounds(
      TOPICS.findings,
      FINDINGS_PARTITION,
    );
    while (Number(on.log.positions.get(STORIES_COMMITTED) ?? -1) < end) await new Promise(setImmediate);
    over.abort();
    await running;
    return 'finished';
  })();
  return Promise.race([death.promise, arrived, running.then(() => arrived)]);
}

function faultOf(random: Random): 'none' | 'fail_before' | 'fail_partly' | 'fail_after' | 'die_partly' | 'die_late' {
  const dice = random();
  if (dice < 0.02) return 'fail_before';
  if (dice < 0.04) return 'fail_partly';
  if (dice < 0.06) return 'fail_after';
  if (dice < 0.09) return 'die_partly';
  return dice < 0.12 ? 'die_late' : 'none';
}

/**
 * Everything that outlives the process and that somebody sees, and what a process would make of the same further records
 * if it went on from what is stored.
 */
export async function traceOf({ log, store }: Outcome): Promise<Map<string, string>> {
  const trace = new Map<string, string>();
  for (const [key, text] of store.alerts) trace.set(`alert row ${key}`, text);
  for (const [key, text] of store.findings) trace.set(`finding row ${key}`, text);
  for (const { records } of log.topics.get(TOPICS.alerts)?.partitions ?? []) {
    for (const { value } of records) {
      const { uid, revision } = JSON.parse(value.toString()) as Alert;
      const key = `alert record ${uid} ${revision}`;
      const text = value.toString();
      trace.set(key, trace.has(key) && trace.get(key) !== text ? `changed: ${text}` : text);
    }
  }
  const calm = openSimulatedStore(store, { random: () => 0, died: () => {}, plan: () => 'none' }, []);
  const handle = openSimulatedLog({ disk: log, clock: virtualClock(FAR_MS) });
  const taken = await takeUpStories({ log: handle, store: calm });
  if (taken.kind === 'gap') throw new Error(`false gap: ${taken.gap.message}`);
  const { worker } = taken;
  const { records, next } = await handle.read(TOPICS.findings, FINDINGS_PARTITION, worker.next, {
    records: 1e6,
    bytes: 1e9,
  });
  for (const record of records) worker.apply(record);
  worker.skipTo(next);
  worker.takeOutputs();
  for (let n = 0; n < 40; n++) {
    const at = FAR_MS + n * 60_000;
    for (const tenant of ['default', 'other']) {
      const who = { who: `late-${n % 5}`, group: `late-${n % 5}`, about: [['resource', `late-${n >> 3}`]] as const };
      for (const recorded of [false, true]) {
        worker.applyRecord(handed({ n: 2e6 + 2 * n + Number(recorded), at, tenant, recorded, ...who }), worker.next);
      }
    }
  }
  trace.set('further outputs', JSON.stringify(worker.takeOutputs()));
  const { blobs, manifest } = worker.snapshot();
  for (const { key, bytes } of blobs) trace.set(`state of ${key}`, Buffer.from(bytes).toString());
  trace.set('manifest', JSON.stringify(manifest));
  return trace;
}

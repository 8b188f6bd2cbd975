import { createModel } from '../../detectors/model.ts';
import { describeAlert } from '../../detectors/recommend.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { undecidedGaps } from '../../services/detect/gap.ts';
import { DetectRunner } from '../../services/detect/runner.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, type NewRecord, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { randomOf } from '../detect/simulation/world.ts';
import { dumpStore, loadDump, priorsOf, saveDump } from './dump.ts';
import { type LogPlace, openLogAt, openStoreAt, type StorePlace } from './places.ts';
import { createTraps, type Trap, trappedLog, trappedStore } from './traps.ts';

/**
 * Detect alone, over a log that nobody writes to: some partitions from wherever the store stands to the end of the log,
 * then, where asked for, a dump of the store. Alert records go nowhere: their rows say the same.
 */
export type DetectArguments = {
  readonly log: LogPlace;
  readonly store: StorePlace;
  /** All of them where absent. */
  readonly partitions?: readonly number[];
  /** A dump whose priors are given: who builds them is another worker. */
  readonly priors?: string;
  readonly knobs?: Readonly<Record<string, number>>;
  readonly trap?: Trap;
  readonly dump?: string;
  /** Only dumps. */
  readonly idle?: boolean;
};

// The harness is gone, whatever became of it.
process.on('disconnect', () => process.exit(3));
const given = JSON.parse(process.argv[2] as string) as DetectArguments;
const opened = await openStoreAt(given.store);
if (given.idle !== true) await detect();
if (given.dump !== undefined) saveDump(given.dump, await dumpStore(opened.db));
await opened.store.close();
process.exit(0);

async function detect(): Promise<void> {
  const log = await openLogAt(given.log);
  const traps = createTraps({ die: () => process.kill(process.pid, 'SIGKILL'), random: randomOf(1) });
  if (given.trap !== undefined) traps.set(given.trap);
  if (given.priors !== undefined) {
    for (const [version, bytes] of priorsOf(loadDump(given.priors))) {
      if (!version.startsWith('cut/')) await opened.store.writePrior(version, bytes);
    }
  }
  const runner = new DetectRunner({
    log: trappedLog(withoutWrites(log), traps),
    store: trappedStore(opened.store, traps),
    clock: systemClock,
    telemetry: silentTelemetry(),
    gaps: undecidedGaps(),
    worker: { model: createModel(), describe: describeAlert, lateness_ms: LIMITS.lateness_ms },
    ...given.knobs,
  });
  const { partitions } = await log.describe(TOPICS.events);
  for (const partition of given.partitions ?? Array.from({ length: partitions }, (_, p) => p)) {
    await runner.assign(partition);
  }
  await runner.drain();
  for (const { partition, gap } of runner.status()) {
    if (gap !== undefined) throw new Error(`partition ${partition} is stopped: ${gap.message}`);
  }
  await log.close();
}

/** What is compared was written by others: this run leaves no trace in the log. */
function withoutWrites(log: EventLog): EventLog {
  const nowhere = (records: readonly NewRecord[]) => records.map(() => ({ partition: 0, offset: 0 }));
  return { ...log, transact: async ({ records }) => ({ offsets: nowhere(records) }) };
}

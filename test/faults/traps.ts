import { type EventLog, LogUnavailable } from '../../services/platform/event-log.ts';
import { type Store, StoreUnavailable } from '../../services/platform/store.ts';
import { LOG_STEPS, type Phase, type Step, stepOfBlobs, stepOfWrite } from './steps.ts';

/** Ends this process as `kill -9` does, the n-th time that a step is reached. */
export type Trap = { readonly step: Step; readonly phase: Phase; readonly nth: number; readonly delay_ms: number };

/** Calls of one seam that fail until it is healed: before anything was done, or after all was done. */
export type Outage = { readonly seam: 'log' | 'store'; readonly phase: 'begun' | 'done'; readonly chance: number };

export type Traps = {
  /** Steps reached so far, as `step.phase`. */
  readonly reached: ReadonlySet<string>;
  set(trap: Trap): void;
  break(outage: Outage): void;
  heal(): void;
  /** Runs the work as a step. */
  at<T>(step: Step, work: () => Promise<T>): Promise<T>;
};

export type TrapDoors = { die(): void; random(): number };

export function createTraps({ die, random }: TrapDoors): Traps {
  const reached = new Set<string>();
  let trap: Trap | undefined;
  let left = 0;
  let outage: Outage | undefined;
  const isLog = (step: Step): boolean => (LOG_STEPS as readonly string[]).includes(step);

  const reach = (step: Step, phase: Phase): void => {
    reached.add(`${step}.${phase}`);
    if (trap?.step === step && trap.phase === phase && --left === 0) {
      if (phase === 'sent') setTimeout(die, trap.delay_ms);
      else die();
    }
    if (outage?.phase !== phase || outage.seam !== (isLog(step) ? 'log' : 'store') || random() >= outage.chance) return;
    if (outage.seam === 'log') throw new LogUnavailable('io', `injected at ${step}.${phase}`);
    throw new StoreUnavailable(`injected at ${step}.${phase}`);
  };

  return {
    reached,
    set(next) {
      trap = next;
      left = next.nth;
    },
    break(next) {
      outage = next;
    },
    heal() {
      outage = undefined;
    },
    async at(step, work) {
      reach(step, 'begun');
      const running = work();
      reach(step, 'sent');
      const result = await running;
      reach(step, 'done');
      return result;
    },
  };
}

/** The log with traps at every write. */
export function trappedLog<L extends EventLog>(log: L, traps: Traps): L {
  return { ...log, transact: (write) => traps.at(stepOfWrite(write), () => log.transact(write)) };
}

/** The store with traps at everything that detect and the copies do. */
export function trappedStore<S extends Store>(store: S, traps: Traps): S {
  return {
    ...store,
    writeOutputs: (outputs) => traps.at('rows', () => store.writeOutputs(outputs)),
    writeBlobs: (blobs) => traps.at(stepOfBlobs(blobs.map(({ blob }) => blob)), () => store.writeBlobs(blobs)),
    writeManifests: (manifests) => traps.at('manifest', () => store.writeManifests(manifests)),
    writePrior: (version, bytes) =>
      traps.at(version.startsWith('cut/') ? 'cut' : 'prior', () => store.writePrior(version, bytes)),
    writePriors: (priors) => traps.at('cut', () => store.writePriors(priors)),
    writeDeadLetters: (rows) => traps.at('dead_copies', () => store.writeDeadLetters(rows)),
    writeControlCopies: (rows) => traps.at('control_copies', () => store.writeControlCopies(rows)),
    readManifest: (topic, partition) => traps.at('read_manifest', () => store.readManifest(topic, partition)),
    readBlobs: (topic, partition, keys) => traps.at('read_blobs', () => store.readBlobs(topic, partition, keys)),
    readDue: (topic, partition) => traps.at('read_due', () => store.readDue(topic, partition)),
    readPrior: (version) => traps.at('read_prior', () => store.readPrior(version)),
    async *readKeys(topic, partition, from, to) {
      await traps.at('read_keys', async () => {});
      yield* store.readKeys(topic, partition, from, to);
    },
  };
}

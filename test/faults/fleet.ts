import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../detect/simulation/world.ts';
import type { Environment } from './environment.ts';
import type { Ended, ServiceHandle } from './process.ts';
import type { Trap } from './traps.ts';

/** The processes of a scenario, and what became of those that are gone. */
export type Fleet = {
  /** Processes that run, by their place. */
  readonly running: ReadonlyMap<number, ServiceHandle>;
  /** Ends that nobody asked for. */
  readonly surprises: readonly string[];
  /** One that listens and is not set aside. */
  listening(): ServiceHandle | undefined;
  token(name: string): string;
  /** Resolves once the first start has shown its keys. */
  introduced(): Promise<void>;
  /** Starts what is missing, up to so many, and waits until all of them listen or have ended. */
  fill(processes: number, trap?: Trap): Promise<void>;
  /** Sends a signal that ends the process and waits for its end. */
  end(place: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<Ended | undefined>;
  /** Resolves true when a process died by SIGKILL (its trap), false after so long. */
  awaitDeath(ms: number): Promise<boolean>;
  /** Kept from traffic: it is stopped in its tracks. */
  setAside(place: number, aside: boolean): void;
};

const INTRODUCTION_MS = 30_000;

export function createFleet(environment: Environment, random: Random): Fleet {
  const running = new Map<number, ServiceHandle>();
  const aside = new Set<number>();
  const surprises: string[] = [];
  const expected = new Set<ServiceHandle>();
  let tokens: Readonly<Record<string, string>> = {};
  let deaths = 0;

  const start = (place: number, trap: Trap | undefined): ServiceHandle => {
    const handle = environment.start(place, trap);
    running.set(place, handle);
    void handle.ended.then((ended) => {
      if (running.get(place) === handle) running.delete(place);
      aside.delete(place);
      if (ended.signal === 'SIGKILL') deaths += 1;
      else if (!expected.has(handle) || ended.code !== 0) {
        surprises.push(`process ${place} ended by itself with ${ended.signal ?? ended.code}: ${ended.message}`);
      }
    });
    return handle;
  };

  return {
    running,
    surprises,
    listening() {
      const ready = [...running].filter(([place, handle]) => !aside.has(place) && handle.url() !== undefined);
      return ready[random.int(Math.max(1, ready.length))]?.[1];
    },
    token: (name) => tokens[name] ?? '',
    async introduced() {
      for (let waited = 0; tokens.ingest === undefined; waited += 25) {
        if (waited > INTRODUCTION_MS) throw new Error(`no process shows its keys: ${surprises.join('; ')}`);
        for (const handle of running.values()) tokens = { ...tokens, ...handle.tokens() };
        await sleep(25);
      }
    },
    async fill(processes, trap) {
      const started: ServiceHandle[] = [];
      for (let place = 0; place < processes; place++) {
        if (!running.has(place)) started.push(start(place, started.length === 0 ? trap : undefined));
      }
      for (const handle of started) {
        await handle.listening;
      }
    },
    async end(place, signal) {
      const handle = running.get(place);
      if (handle === undefined) return undefined;
      if (signal === 'SIGTERM') expected.add(handle);
      handle.signal(signal);
      return handle.ended;
    },
    async awaitDeath(ms) {
      const before = deaths;
      for (let waited = 0; waited < ms && deaths === before; waited += 25) await sleep(25);
      return deaths > before;
    },
    setAside: (place, yes) => void (yes ? aside.add(place) : aside.delete(place)),
  };
}

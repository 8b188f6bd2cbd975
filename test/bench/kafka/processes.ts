import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../services/platform/clock.ts';
import type { FromPart, PartArguments, ToPart } from './messages.ts';

const CHILD = fileURLToPath(new URL('part-child.ts', import.meta.url));
/** kafkajs sets timers by negative times, of which Node would tell all the time. */
const NODE = ['--disable-warning=TimeoutNegativeWarning'];

/** One process of a part. */
export type PartProcess = {
  /** How it last said to stand; undefined until it is open. */
  readonly latest: FromPart | undefined;
  tell(message: ToPart): void;
  /** Resolves when it tells again. Rejects when it has ended. */
  heard(): Promise<void>;
  /** Lets it close in good order. */
  stop(): Promise<void>;
  kill(): Promise<void>;
};

export function startPart(given: PartArguments): PartProcess {
  const child = fork(CHILD, [JSON.stringify(given)], { execArgv: NODE });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  let latest: FromPart | undefined;
  let next = Promise.withResolvers<void>();
  const forget = (): void => void next.promise.catch(() => undefined);
  forget();
  child.on('message', (message: FromPart) => {
    latest = message;
    next.resolve();
    next = Promise.withResolvers();
    forget();
  });
  void exited.then(([code]) => next.reject(new Error(`${given.part} has ended (${code})`)));
  return {
    get latest() {
      return latest;
    },
    tell: (message) => void child.send(message),
    heard: () => next.promise,
    stop: async () => {
      child.send('stop' satisfies ToPart);
      const [code] = await exited;
      if (code !== 0) throw new Error(`${given.part} ended with ${code}`);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** All processes of a part at one moment. */
export type Moment = {
  readonly at_ms: number;
  readonly done: number;
  readonly durable: boolean;
  readonly cpu_us: number;
  readonly processes: readonly FromPart[];
};

/** Waits until the processes, all of which have told something, stand as wanted. */
export async function until(processes: readonly PartProcess[], wanted: (moment: Moment) => boolean): Promise<Moment> {
  for (;;) {
    const moment = momentOf(processes);
    if (moment !== undefined && wanted(moment)) return moment;
    await Promise.race(processes.map((process) => process.heard()));
  }
}

function momentOf(processes: readonly PartProcess[]): Moment | undefined {
  const standing = processes.flatMap(({ latest }) => latest ?? []);
  if (standing.length < processes.length) return undefined;
  const sum = (of: (one: FromPart) => number): number => standing.reduce((all, one) => all + of(one), 0);
  return {
    at_ms: systemClock.elapsed(),
    done: sum(({ done }) => done),
    durable: standing.every(({ durable }) => durable),
    cpu_us: sum(({ cpu_us }) => cpu_us),
    processes: standing,
  };
}

/** Whether the group has given each of the processes its even share of so many partitions, of every topic. */
export function isShared({ processes }: Moment, partitions: number): boolean {
  return processes.every(({ held }) => held.every((share) => share * processes.length === partitions));
}

import { setTimeout as sleep } from 'node:timers/promises';
import { UNITS } from '../../schemas/limits.ts';
import type { Random } from '../detect/simulation/world.ts';
import { CLUSTER_KINDS } from './cluster-kinds.ts';
import type { Environment } from './environment.ts';
import type { Fleet } from './fleet.ts';
import { LOG_STEPS, PHASES, type Phase, STORE_STEPS, type Step } from './steps.ts';

/** What a fault strikes. */
export type World = {
  readonly environment: Environment;
  readonly fleet: Fleet;
  readonly random: Random;
  readonly processes: number;
  /** Steps at which a process was really stopped, and those that were not reached in time. */
  readonly stopped_at: string[];
  readonly not_reached: string[];
};

export type FaultKind = {
  readonly name: string;
  readonly on: readonly Environment['kind'][];
  readonly restarts_broker?: true;
  /** One fault, and what it takes to be over it. `serial` counts the faults of a whole run. */
  strike(world: World, serial: number): Promise<void>;
};

export const BOTH = ['embedded', 'kafka'] as const;
const STEP_PATIENCE_MS = 8_000;
/** What the service does by the minute. */
const MINUTELY: readonly Step[] = ['tick', 'cut_request'];
const MINUTELY_PATIENCE_MS = 70_000;
const STEPS: readonly (readonly [Step, Phase])[] = [...LOG_STEPS, ...STORE_STEPS]
  .filter((step) => step !== 'log_other')
  .flatMap((step) => PHASES.map((phase) => [step, phase] as const));

/** A place of a running process. */
export const somewhere = ({ fleet, random }: World): number => {
  const places = [...fleet.running.keys()];
  return places[random.int(Math.max(1, places.length))] ?? 0;
};

export const wait = (world: World, from_ms: number, to_ms: number): Promise<void> =>
  sleep(from_ms + world.random.int(to_ms - from_ms));

const kill: FaultKind = {
  name: 'kill',
  on: BOTH,
  async strike(world) {
    await wait(world, 20, 2_500);
    await world.fleet.end(somewhere(world), 'SIGKILL');
    await world.fleet.fill(world.processes);
  },
};

/** Killed again while it starts, before it has taken up what the one before it left. */
const kill_at_start: FaultKind = {
  name: 'kill_at_start',
  on: BOTH,
  async strike(world) {
    const place = somewhere(world);
    await wait(world, 20, 800);
    await world.fleet.end(place, 'SIGKILL');
    const begun = world.fleet.fill(world.processes);
    await wait(world, 100, 2_000);
    await world.fleet.end(place, 'SIGKILL');
    await begun;
    await world.fleet.fill(world.processes);
  },
};

const step: FaultKind = {
  name: 'step',
  on: BOTH,
  async strike(world, serial) {
    const [at, phase] = STEPS[serial % STEPS.length] as readonly [Step, Phase];
    const { fleet, random } = world;
    const trap = { step: at, phase, nth: 1 + random.int(2), delay_ms: random.int(6) };
    await wait(world, 100, 800);
    if (at.startsWith('read_')) {
      const place = somewhere(world);
      await fleet.end(place, 'SIGKILL');
      void fleet.fill(world.processes, trap);
    } else {
      for (const process of fleet.running.values()) process.tell({ kind: 'trap', trap });
    }
    const reached = await fleet.awaitDeath(MINUTELY.includes(at) ? MINUTELY_PATIENCE_MS : STEP_PATIENCE_MS);
    (reached ? world.stopped_at : world.not_reached).push(`${at}.${phase}`);
    await fleet.fill(world.processes);
  },
};

const stop: FaultKind = {
  name: 'stop',
  on: BOTH,
  async strike(world) {
    await wait(world, 200, 1_500);
    await world.fleet.end(somewhere(world), 'SIGTERM');
    await world.fleet.fill(world.processes);
  },
};

const pause: FaultKind = {
  name: 'pause',
  on: BOTH,
  async strike(world) {
    await wait(world, 100, 800);
    const place = somewhere(world);
    const process = world.fleet.running.get(place);
    process?.signal('SIGSTOP');
    await wait(world, 200, 2_500);
    process?.signal('SIGCONT');
    await wait(world, 100, 600);
  },
};

const SHIFTS_MS = [40 * UNITS.MINUTE_MS, -40 * UNITS.MINUTE_MS, 5 * UNITS.HOUR_MS, -UNITS.DAY_MS, 15 * UNITS.DAY_MS, 0];

const clock: FaultKind = {
  name: 'clock',
  on: BOTH,
  async strike(world) {
    const process = world.fleet.running.get(somewhere(world));
    process?.tell({ kind: 'clock', shift_ms: SHIFTS_MS[world.random.int(SHIFTS_MS.length)] as number });
    await wait(world, 500, 2_000);
    if (world.random.chance(0.5)) return;
    await world.fleet.end(somewhere(world), 'SIGKILL');
    await world.fleet.fill(world.processes);
  },
};

/** Calls of log or store fail in the process: before they did anything, or after they did all of it. */
const seam = (which: 'log' | 'store'): FaultKind => ({
  name: `${which}_fails`,
  on: BOTH,
  async strike(world) {
    const { random, fleet } = world;
    const outage = {
      seam: which,
      phase: random.chance(0.5) ? ('begun' as const) : ('done' as const),
      chance: random.chance(0.5) ? 1 : 0.3,
    };
    for (const process of fleet.running.values()) process.tell({ kind: 'outage', outage });
    await wait(world, 300, 3_000);
    if (random.chance(0.4)) {
      await fleet.end(somewhere(world), 'SIGKILL');
      await fleet.fill(world.processes);
    }
    for (const process of fleet.running.values()) process.tell({ kind: 'heal' });
    await wait(world, 200, 1_000);
  },
});

/** Nothing happens to the service. Afterwards its log is read again by processes that die at every step (replay.ts). */
export const replay: FaultKind = {
  name: 'replay',
  on: BOTH,
  strike: (world) => wait(world, 1_000, 2_500),
};

export const KINDS: readonly FaultKind[] = [
  kill,
  step,
  kill_at_start,
  stop,
  pause,
  clock,
  seam('log'),
  seam('store'),
  replay,
  ...CLUSTER_KINDS,
];

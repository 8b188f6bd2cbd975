import { systemClock } from '../../services/platform/clock.ts';

/** What one piece of work costs: wall clock, and the busy time of all threads of this process (user and system). */
export type Sample = { readonly wall_ms: number; readonly cpu_ms: number };

export type Spread = { readonly best: number; readonly median: number };

/** One line of the report. */
export type Measured = {
  readonly events: number;
  readonly bytes: number;
  readonly rounds: number;
  readonly events_per_second: Spread;
  readonly events_per_cpu_second: Spread;
  readonly cpu_us_per_event: Spread;
};

export type Work = {
  readonly events: number;
  readonly bytes: number;
  /** Makes what `run` needs, outside the measurement. */
  readonly prepare?: () => void | Promise<void>;
  readonly run: () => void | Promise<void>;
  readonly cleanup?: () => void | Promise<void>;
};

export async function sample(run: () => void | Promise<void>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const began = systemClock.elapsed();
  await run();
  const wall_ms = systemClock.elapsed() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { wall_ms, cpu_ms: (user + system) / 1000 };
}

/**
 * Runs all works in turn, once to warm up and then for so many rounds. In turn, so that what disturbs the machine meets
 * each of them alike, and ratios between them stay true.
 */
export async function measureInTurn<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  rounds: number,
): Promise<Record<Name, Measured>> {
  const samples = new Map<Name, Sample[]>();
  const names = Object.keys(works) as Name[];
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const { prepare, run, cleanup } = works[name];
      await prepare?.();
      collectGarbage();
      const taken = await sample(run);
      await cleanup?.();
      if (round === 0) samples.set(name, []);
      else samples.get(name)?.push(taken);
    }
  }
  const measured = names.map((name) => [name, summarise(works[name], samples.get(name) ?? [])] as const);
  return Object.fromEntries(measured) as Record<Name, Measured>;
}

export function summarise(work: Pick<Work, 'events' | 'bytes'>, samples: readonly Sample[]): Measured {
  const { events, bytes } = work;
  const wall = samples.map(({ wall_ms }) => wall_ms);
  const cpu = samples.map(({ cpu_ms }) => cpu_ms);
  const perSecond = (ms: number): number => (events * 1000) / ms;
  const spread = (values: readonly number[], of: (ms: number) => number): Spread => ({
    best: of(Math.min(...values)),
    median: of(median(values)),
  });
  return {
    events,
    bytes,
    rounds: samples.length,
    events_per_second: spread(wall, perSecond),
    events_per_cpu_second: spread(cpu, perSecond),
    cpu_us_per_event: spread(cpu, (ms) => (ms * 1000) / events),
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The nearest rank: a value that was seen. NaN of no values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
}

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOPICS } from '../../services/platform/event-log.ts';
import type { Random } from '../detect/simulation/world.ts';
import { startFront } from '../support/clickhouse-http-front.ts';
import { compareDumps } from './compare.ts';
import type { DetectArguments } from './detect-child.ts';
import { type Dump, loadDump } from './dump.ts';
import type { Environment } from './environment.ts';
import { startDetectChild } from './process.ts';
import { PHASES, type Step } from './steps.ts';
import type { Trap } from './traps.ts';

/**
 * One log from its start, by one to three processes that share its partitions, with other batch sizes in every life,
 * killed at the steps of their checkpoints; and by one that is stopped amid its work while others do it, and then goes
 * on. What is in the store afterwards must be what one quiet process makes of the log.
 */
const LIVES_MAX = 6;
const STEPS: readonly Step[] = [
  'rows',
  'alerts',
  'cut',
  'groups',
  'identities',
  'manifest',
  'commit',
  'read_manifest',
  'read_blobs',
  'read_keys',
  'read_due',
];

export async function replayWithCrashes(
  environment: Environment,
  random: Random,
  expected: Dump,
  priors: string,
): Promise<string[]> {
  const front = await startFront();
  const output = join(environment.folder, 'replay.log');
  const dump = join(environment.folder, 'replay.json');
  const base: DetectArguments = {
    log: environment.log,
    store: { kind: 'server', url: front.url, database: 'default' },
    priors,
  };
  try {
    const log = await environment.openLog();
    const { partitions } = await log.describe(TOPICS.events);
    await log.close();
    const processes = 1 + random.int(3);
    const found: string[] = [];
    await Promise.all(
      Array.from({ length: processes }, async (_, process) => {
        const mine = Array.from({ length: partitions }, (_, p) => p).filter((p) => p % processes === process);
        if (mine.length > 0) found.push(...(await lives({ ...base, partitions: mine }, random, output)));
      }),
    );
    const dumped = await startDetectChild({ ...base, idle: true, dump }, output).ended;
    if (dumped.code !== 0) return [`replay: the store cannot be read: ${dumped.message}`];
    return [...found, ...compareDumps(expected, loadDump(dump))].map((what) => `replay: ${what}`);
  } finally {
    await front.kill();
    await front.close();
  }
}

async function lives(given: DetectArguments, random: Random, output: string): Promise<string[]> {
  for (let life = 0; life < LIVES_MAX; life++) {
    const trap = { trap: trapOf(random) };
    const { code, signal, message } = await startDetectChild({ ...given, knobs: knobsOf(random), ...trap }, output)
      .ended;
    if (signal === null && code !== 0) return [`a process ended by itself: ${message}`];
  }
  const zombie = startDetectChild({ ...given, knobs: knobsOf(random) }, output);
  await sleep(random.int(1_500));
  zombie.signal('SIGSTOP');
  const last = await startDetectChild({ ...given, knobs: knobsOf(random) }, output).ended;
  zombie.signal('SIGCONT');
  const late = await zombie.ended;
  return [last, late].flatMap(({ code, message }) => (code === 0 ? [] : [`a process ended by itself: ${message}`]));
}

function trapOf(random: Random): Trap {
  const step = STEPS[random.int(STEPS.length)] as Step;
  const phase = PHASES[random.int(PHASES.length)] as Trap['phase'];
  return { step, phase, nth: 1 + random.int(3), delay_ms: random.int(6) };
}

/** Batches of other sizes than those of the run before, and of the service. */
export function knobsOf(random: Random): Record<string, number> {
  return {
    flush_rows_max: 200 + random.int(5_000),
    checkpoint_records_max: 500 + random.int(5_000),
    fetch_records_max: 20 + random.int(3_000),
    resident_identities_max: random.chance(0.5) ? 2 + random.int(10) : 100_000,
  };
}

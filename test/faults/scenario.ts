import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { randomOf } from '../detect/simulation/world.ts';
import { checkAlerts, checkControl, checkSums, compareDumps } from './compare.ts';
import { drained, whoIsBehind } from './drain.ts';
import { type Dump, loadDump } from './dump.ts';
import type { OpenEnvironment } from './environment.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { type FaultKind, replay, type World } from './kinds.ts';
import { readFacts } from './log-facts.ts';
import { startDetectChild } from './process.ts';
import { knobsOf, replayWithCrashes } from './replay.ts';
import { type Sent, startTraffic } from './traffic.ts';

export type Scenario = {
  readonly seed: number;
  /** The faults, in their turn. */
  readonly kinds: readonly FaultKind[];
  /** How many faults the run has had before: which step is next follows from it. */
  readonly serial: number;
  readonly open: OpenEnvironment;
};

export type Outcome = {
  readonly differences: readonly string[];
  readonly faults: number;
  readonly stopped_at: readonly string[];
  readonly not_reached: readonly string[];
  readonly seconds: number;
  /** What was compared, in a line. */
  readonly compared: string;
  /** Where the evidence lies; undefined when there was no difference. */
  readonly folder: string | undefined;
};

/** One seed: traffic, faults amid it, quiet, and the comparison with the run that nobody disturbed. */
export async function runScenario(scenario: Scenario): Promise<Outcome> {
  const begun = systemClock.elapsed();
  const folder = mkdtempSync(join(tmpdir(), `countersign-faults-${scenario.seed}-`));
  const random = randomOf(scenario.seed);
  const environment = await scenario.open({ folder, seed: scenario.seed });
  const processes = 1 + random.int(environment.processes_max);
  const fleet = createFleet(environment, random);
  const world: World = { environment, fleet, random, processes, stopped_at: [], not_reached: [] };
  const { differences, compared } = await play(scenario, world).finally(async () => {
    await endAll(fleet);
    await environment.close();
  });
  if (differences.length > 0) writeFileSync(join(folder, 'differences.txt'), differences.join('\n\n'));
  else rmSync(folder, { recursive: true, force: true });
  return {
    differences,
    faults: scenario.kinds.length,
    stopped_at: world.stopped_at,
    not_reached: world.not_reached,
    seconds: (systemClock.elapsed() - begun) / 1000,
    compared,
    folder: differences.length > 0 ? folder : undefined,
  };
}

/** Traffic must last as long as the faults do. */
const PAUSE_MS = 20;
const PAUSE_MS_A_FAULT = 20;

async function play(scenario: Scenario, world: World): Promise<{ differences: string[]; compared: string }> {
  const { environment, fleet, random, processes } = world;
  await fleet.fill(1);
  await fleet.introduced();
  const log = await environment.openLog();
  const traffic = await startTraffic({
    seed: scenario.seed,
    random,
    log,
    listening: fleet.listening,
    token: fleet.token,
    live_events_max: 6_000,
    pause_ms: PAUSE_MS + PAUSE_MS_A_FAULT * scenario.kinds.length,
  });
  const differences: string[] = [];
  try {
    await fleet.fill(processes);
    for (const [index, kind] of scenario.kinds.entries()) await kind.strike(world, scenario.serial + index);
    await fleet.fill(processes);
    await systemClock.sleep(500);
    traffic.stop();
    await traffic.ended.catch((error: unknown) => void differences.push(`traffic: ${String(error)}`));
    differences.push(...(await settle(world, log)), ...fleet.surprises);
    const judged = await judge(scenario, world, traffic.sent, log);
    return { differences: [...differences, ...judged.differences], compared: judged.compared };
  } finally {
    traffic.stop();
    await traffic.ended.catch(() => undefined);
    await log.close();
  }
}

const SETTLES_MAX = 4;

/** Lets everything come to its end and stops the processes. A last tick may come as they stop: then once more. */
async function settle(world: World, log: EventLog): Promise<string[]> {
  const { fleet, processes } = world;
  for (let round = 1; ; round++) {
    await fleet.fill(processes);
    const behind = await drained(log, () => fleet.running.size > 0);
    if (behind.length > 0) await keepStatus(world);
    await Promise.all([...fleet.running.keys()].map((place) => fleet.end(place, 'SIGTERM')));
    if (behind.length > 0) return behind.map((what) => `did not drain: ${what}`);
    if ((await whoIsBehind(log)).length === 0) return [];
    if (round === SETTLES_MAX) return ['the log does not come to rest'];
  }
}

/** What every process says of itself, as evidence. */
async function keepStatus({ environment, fleet }: World): Promise<void> {
  for (const [place, process] of fleet.running) {
    const headers = { authorization: `Bearer ${fleet.token('admin')}` };
    const text = await fetch(`${process.url()}/v1/status`, { headers, signal: AbortSignal.timeout(5_000) }).then(
      (response) => response.text(),
      String,
    );
    writeFileSync(join(environment.folder, `status-${place}.json`), text);
  }
}

async function judge(
  scenario: Scenario,
  world: World,
  sent: Sent,
  log: EventLog,
): Promise<{ differences: string[]; compared: string }> {
  const { environment, random } = world;
  const { folder } = environment;
  const [faulty, calm] = [join(folder, 'faulty.json'), join(folder, 'uninterrupted.json')];
  const output = join(folder, 'judge.log');
  const dumped = await startDetectChild(
    { log: environment.log, store: environment.store, idle: true, dump: faulty },
    output,
  ).ended;
  if (dumped.code !== 0) return { differences: [`the store cannot be read: ${dumped.message}`], compared: '' };
  const run = await startDetectChild(
    {
      log: environment.log,
      store: { kind: 'embedded', path: join(folder, 'uninterrupted') },
      priors: faulty,
      knobs: knobsOf(random),
      dump: calm,
    },
    output,
  ).ended;
  if (run.code !== 0) return { differences: [`the log cannot be applied: ${run.message}`], compared: '' };
  const facts = await readFacts(log);
  const [expected, actual]: [Dump, Dump] = [loadDump(calm), loadDump(faulty)];
  const { events, findings, alerts, blobs, priors } = expected;
  return {
    differences: [
      ...checkSums(facts, actual, sent),
      ...compareDumps(expected, actual),
      ...checkAlerts(facts, expected),
      ...checkControl(facts, sent),
      ...(await replays(scenario, world, expected, faulty)),
    ],
    compared:
      `${facts.events.length} records, ${events.length} rows, ${findings.length} findings, ${alerts.length} alert ` +
      `revisions, ${blobs.length} blobs, ${priors.length} priors and cuts, ${sent.verdicts} verdicts`,
  };
}

/** The same log once more for each `replay` among the kinds, through processes that die. */
async function replays(scenario: Scenario, world: World, expected: Dump, priors: string): Promise<string[]> {
  const { environment, random } = world;
  const found: string[] = [];
  for (const kind of scenario.kinds) {
    if (kind === replay) found.push(...(await replayWithCrashes(environment, random, expected, priors)));
  }
  return found;
}

async function endAll(fleet: Fleet): Promise<void> {
  const places = [...fleet.running];
  for (const [, process] of places) process.signal('SIGCONT');
  await Promise.all(places.map(([place]) => fleet.end(place, 'SIGKILL')));
}

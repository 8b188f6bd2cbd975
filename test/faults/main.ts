import { parseArgs } from 'node:util';
import { embeddedEnvironment } from './environment.ts';
import { kafkaEnvironments } from './kafka-environment.ts';
import { type FaultKind, KINDS } from './kinds.ts';
import { type Outcome, runScenario } from './scenario.ts';

/**
 * `npm run faults -- --kills N --seed S [--only kind,kind] [--log embedded|kafka] [--each F] [--kafka VERSION]`: N faults,
 * F of them to a scenario, kind after kind. Prints what was found and ends with 1 when there is a difference, which leaves
 * its evidence behind and the command that makes it again (`--serial` is part of that).
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    log: { type: 'string', default: 'embedded' },
    each: { type: 'string', default: '5' },
    serial: { type: 'string', default: '0' },
    kafka: { type: 'string' },
  },
});

type Row = { scenarios: number; faults: number; failing: number; differences: number; seconds: number };

const kills = Number(values.kills);
const each = Number(values.each);
const kinds = chosen(values.only);
const rows = new Map<string, Row>();
const stopped = new Set<string>();
const missed = new Set<string>();
let done = 0;
// Ending by `exit` ends the broker and, with it, everything that this process started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const clusters = kafkaEnvironments(values.kafka);
for (let n = 0; done < kills; n++) {
  const seed = Number(values.seed) + n;
  const kind = kinds[n % kinds.length] as FaultKind;
  const faults = Math.min(each, kills - done);
  const serial = Number(values.serial) + Math.floor(n / kinds.length) * each;
  const open = values.log === 'kafka' ? clusters.open(kind.restarts_broker === true) : embeddedEnvironment;
  const scenario = { seed, serial, kinds: Array.from({ length: faults }, () => kind), open };
  const outcome = await runScenario(scenario);
  done += faults;
  count(kind.name, outcome);
  tell(kind.name, seed, serial, outcome);
}
await clusters.close();
summary();

function chosen(only: string | undefined): readonly FaultKind[] {
  const here = KINDS.filter(({ on }) => on.some((kind) => kind === values.log));
  const found = here.filter(({ name }) => only === undefined || only.split(',').includes(name));
  if (found.length > 0) return found;
  throw new Error(`no kind is called ${only} on ${values.log}; there are ${here.map(({ name }) => name).join(', ')}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function count(name: string, outcome: Outcome): void {
  const row = rows.get(name) ?? { scenarios: 0, faults: 0, failing: 0, differences: 0, seconds: 0 };
  row.scenarios += 1;
  row.faults += outcome.faults;
  row.failing += outcome.differences.length > 0 ? 1 : 0;
  row.differences += outcome.differences.length;
  row.seconds += outcome.seconds;
  rows.set(name, row);
  for (const at of outcome.stopped_at) stopped.add(at);
  for (const at of outcome.not_reached) missed.add(at);
}

function tell(name: string, seed: number, serial: number, outcome: Outcome): void {
  const { differences, seconds, compared, folder, faults } = outcome;
  const verdict = differences.length === 0 ? 'equal' : `${differences.length} DIFFERENCES`;
  say(`seed ${seed} ${name} x${faults}: ${verdict} in ${seconds.toFixed(0)} s (${compared})`);
  if (differences.length === 0) return;
  for (const difference of differences.slice(0, 10)) say(`  ${difference.slice(0, 3000)}`);
  say(`  evidence: ${folder}`);
  say(
    `  again: npm run faults -- --log ${values.log} --only ${name} --seed ${seed} --kills ${faults} --each ${faults}` +
      (serial === 0 ? '' : ` --serial ${serial}`) +
      (values.kafka === undefined ? '' : ` --kafka ${values.kafka}`),
  );
}

function summary(): void {
  const columns = ['kind', 'scenarios', 'faults', 'failing', 'differences', 'seconds'];
  const lines = [...rows].map(([name, row]) => [
    name,
    ...[row.scenarios, row.faults, row.failing, row.differences, Math.round(row.seconds)].map(String),
  ]);
  for (const line of [columns, ...lines]) say(line.map((cell) => cell.padEnd(20)).join(''));
  if (stopped.size > 0) say(`stopped at: ${[...stopped].sort().join(' ')}`);
  const never = [...missed].filter((at) => !stopped.has(at));
  if (never.length > 0) say(`not reached: ${never.sort().join(' ')}`);
  process.exitCode = [...rows.values()].some(({ failing }) => failing > 0) ? 1 : 0;
}

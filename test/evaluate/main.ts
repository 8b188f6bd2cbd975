import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTerminal } from '../../services/cli/terminal.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { evaluateRecorded, evaluateStories, type Progress, type Report } from './evaluate.ts';
import { ATTACKS, type Plan, planOf } from './plan.ts';
import { canJudge, placeBeside, streamsAt } from './recorded/referee.ts';
import { tablesOf } from './report/tables.ts';
import { withoutPictures, writeReport } from './report/write.ts';
import { openPool } from './threads/pool.ts';

const USAGE = `npm run evaluate [-- --quick] [--seeds N] [--stories a,b] [--part stories|recorded] [--out DIR] [--threads N] [--json]

Measures detection: simulated fleets with attacks and look-alikes, and recorded streams where they lie beside the checkout.
  --quick     one seed, three intensities, smaller fleets
  --tiny      everything runs once, no figure means anything
  --seeds     fleets a story and intensity is played in (5; quick: 1)
  --stories   only these attacks
  --part      only the story suite, or only the recorded streams
  --out       where report.md, report.html and report.json go (out/evaluate)
  --threads   runs at a time (2, or the number of cores where that is less)
  --json      the figures as one JSON document on standard output instead of tables`;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAPPING = join(ROOT, 'deploy/examples/mappings/agent-traces.yaml');

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    stories: { type: 'string' },
    part: { type: 'string' },
    out: { type: 'string', default: 'out/evaluate' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const plan = planOf(values.tiny ? 'tiny' : values.quick ? 'quick' : 'full', {
    seeds: values.seeds === undefined ? undefined : whole('seeds', values.seeds),
    attacks: attacksOf(values.stories),
  });
  const threads = values.threads === undefined ? Math.min(2, availableParallelism()) : whole('threads', values.threads);
  if (values.part !== undefined && values.part !== 'stories' && values.part !== 'recorded') {
    refuse(`--part is stories or recorded, not ${values.part}`);
  }
  const out = resolve(ROOT, values.out);
  const began = systemClock.elapsed();
  const report = await evaluate(plan, threads, out);
  writeReport(report, out);
  print(report);
  say(
    `${Math.round((systemClock.elapsed() - began) / 1000)} s; written to ${out}: report.md, report.html, report.json`,
  );
}

async function evaluate(plan: Plan, threads: number, out: string): Promise<Report> {
  const pool = openPool(threads);
  try {
    const stories = values.part === 'recorded' ? undefined : await evaluateStories(plan, pool, progress);
    if (values.part === 'stories') return { stories, recorded: [] };
    const place = placeBeside(ROOT);
    const judged = await canJudge();
    const streams = judged ? streamsAt(place) : [];
    if (!judged) say('python3 is missing, which the referee of the recorded streams needs: they are left out');
    else if (streams.length === 0) say(`no recorded streams with a referee in ${place.traces}`);
    return { stories, recorded: await evaluateRecorded({ place, streams, mapping: MAPPING, out }, pool, progress) };
  } finally {
    await pool.close();
  }
}

function print(report: Report): void {
  if (values.json) {
    console.log(JSON.stringify(withoutPictures(report)));
    return;
  }
  const terminal = createTerminal({ json: false });
  for (const { title, note, head, rows } of tablesOf(report)) {
    terminal.line();
    terminal.line(terminal.style('bold', title));
    terminal.paragraph(note);
    terminal.table(head, rows);
  }
  terminal.line();
}

function attacksOf(text: string | undefined): string[] | undefined {
  const names = text?.split(',').map((name) => name.trim());
  const unknown = names?.find((name) => !ATTACKS.includes(name));
  if (unknown !== undefined) refuse(`no attack is called ${JSON.stringify(unknown)}; there are ${ATTACKS.join(', ')}`);
  return names;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) refuse(`--${name} is a whole number from 1, not ${text}`);
  return value;
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

function say(text: string): void {
  console.error(text);
}

function progress(...[what, done, all]: Parameters<Progress>): void {
  if (done === all || done % 5 === 0) say(`  ${done} of ${all} ${what}`);
}

import { parseArgs } from 'node:util';
import { MODES, type Mode } from './modes.ts';
import { printReport } from './report.ts';
import { runBench } from './run.ts';

const USAGE = `npm run bench [-- --quick] [--json]

Measures every stage of the embedded road beside its raw ceiling, memory per identity, and the time to a stored alert.
  --quick   smaller, under a minute on a quiet machine
  --tiny    everything runs once, no figure means anything
  --json    one JSON document on standard output instead of tables`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else {
  const mode: Mode = values.tiny ? 'tiny' : values.quick ? 'quick' : 'full';
  if (!values.json) console.error(`${mode}: ${MODES[mode].events} events, each stage in a process of its own`);
  const report = await runBench(mode, (stage) => {
    if (!values.json) console.error(`  ${stage} ...`);
  });
  if (values.json) console.log(JSON.stringify(report));
  else printReport(report);
}

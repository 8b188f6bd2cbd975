import type { Command } from 'commander';
import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import { budgetOf } from '../../detect/priors.ts';
import { FORMATS } from '../../ingest/formats.ts';
import { type ReplayStep, replayRecords } from '../../ingest/replay.ts';
import { settleRule } from '../../ingest/settle/rule.ts';
import { systemClock } from '../../platform/clock.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import { type GlobalOptions, readConfig } from '../configuration.ts';
import { createBacktest } from '../recorded/backtest.ts';
import { openBacktestFiles, opened } from '../recorded/backtest-files.ts';
import { createIngestContext } from '../recorded/context.ts';
import {
  gathered,
  type InputOptions,
  openRecordings,
  readInputs,
  SERIES_FORMAT,
  settingsOf,
} from '../recorded/inputs.ts';
import { alertBudget, leftOut, otherRules, type Rules } from '../recorded/rules.ts';
import { backtestSeries } from '../recorded/series/command.ts';
import { createSums, type Summary } from '../recorded/sums.ts';
import { compareRuns } from '../recorded/week/compare.ts';
import { createLedger } from '../recorded/week/ledger.ts';
import { weekOf } from '../recorded/week/week.ts';
import { showComparison } from '../show/comparison.ts';
import { showWeek } from '../show/week.ts';
import { createTerminal, progressBar, type Terminal, thousands } from '../terminal.ts';

type Options = InputOptions &
  GlobalOptions & {
    readonly out: string;
    readonly budget?: number;
    readonly without?: readonly string[];
    readonly compare?: readonly string[];
  };

/** Where the other run of a comparison leaves its files, in the directory of the first. */
const OTHER = 'compare';

export function registerBacktest(program: Command): void {
  program
    .command('backtest')
    .summary('score recorded events without touching the service')
    .description(
      'Runs the detectors over recorded events on the recorded clock, tells what the week of an analyst would have been ' +
        '(alerts by day, identity and peer group, what they were raised for, the budget asked for and met), and writes ' +
        'scores.ndjson (one line an event, in bits of surprise), alerts.ndjson (OCSF, as a SIEM would get them), ' +
        'dead-letters.ndjson and summary.json. With --compare a second run over the same events goes beside it, and what ' +
        'it would change is told. ' +
        'Neither the data directory nor a running service is touched. Format series takes measurements instead of ' +
        'events: CSV rows `timestamp,value`, one series a file, and writes one score a row.',
    )
    .argument('<files...>', 'recorded events: NDJSON or a JSON list (series: CSV), gzip too; - is standard input')
    .requiredOption('--out <directory>', 'where the results go')
    .option('--format <name>', `${FORMATS.join(', ')}, ${SERIES_FORMAT} (default: mapped with --mapping, else auto)`)
    .option('--mapping <file>', 'how to read events that are not canonical; may be given again', gathered)
    .option('--catalogue <file>', 'what is known of the tools')
    .option('--budget <alerts>', 'alerts per 1,000 identity-days (default: from the configuration)', alertBudget)
    .option('--without <detectors>', 'detectors that are to say nothing, with commas', leftOut)
    .option(
      '--compare <change>',
      'what a second run does otherwise: budget=N, without=a,b, or a YAML file with these; may be given again',
      gathered,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  countersign backtest calls.ndjson.gz --mapping deploy/examples/mappings/agent-traces.yaml --out out/backtest' +
        '\n  countersign backtest march.ndjson.gz --out out/march --compare budget=50 --compare without=call_rate,access_hour' +
        '\n  countersign backtest cpu.csv requests.csv.gz --format series --out out/series',
    )
    .action(async (files: string[], _own: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await (options.format === SERIES_FORMAT ? backtestSeries(files, options) : backtest(files, options));
    });
}

async function backtest(files: readonly string[], options: Options): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const loaded = readConfig(options);
  const rules: Rules = {
    budget: options.budget ?? budgetOf(loaded.config.detect),
    without: options.without ?? [],
  };
  const other = options.compare === undefined ? undefined : otherRules(rules, options.compare);
  const inputs = readInputs(options, settingsOf(loaded));
  const { recordings, size_bytes } = await openRecordings(files);
  const first = openRun(rules, loaded, options.out);
  const second = other === undefined ? undefined : openRun(other, loaded, `${options.out}/${OTHER}`);
  const runs = second === undefined ? [first] : [first, second];
  const began = systemClock.elapsed();
  const context = createIngestContext(inputs, systemClock.now());
  for await (const step of replayRecords(recordings, context, settleRule(inputs.settings.bound_ms))) {
    for (const run of runs) run.take(step);
    terminal.progress(`${progressBar(first.bytes_read, size_bytes)}  ${thousands(first.events)} events`);
  }
  terminal.progressDone();
  const seconds = Math.round((systemClock.elapsed() - began) / 10) / 100;
  const comparison = second === undefined ? undefined : compareRuns(first, second);
  second?.finish({ seconds });
  const summary = first.finish({ seconds, ...(comparison !== undefined && { comparison }) });
  terminal.record(summary);
  printSummary(terminal, summary);
  showWeek(terminal, summary.week);
  if (comparison !== undefined) showComparison(terminal, summary.week, comparison);
  printPlaces(terminal, options.out, second !== undefined);
}

/** One set of rules at work: what it makes of every step goes to its files, its sums and its ledger. */
function openRun(rules: Rules, { config }: LoadedConfig, out: string) {
  const model = createModel(rules);
  const backtest = createBacktest({
    model,
    describe: describeAlert,
    partitions: config.log.partitions,
    alerts_per_1000_identity_days: rules.budget,
    lateness_ms: config.detect.lateness_ms,
  });
  const output = opened(out, (directory) => openBacktestFiles(directory, model));
  const sums = createSums();
  const ledger = createLedger();
  let bytes_read = 0;
  /** Dead letters go to their file; what becomes no event of detect is counted. */
  const decide = (step: ReplayStep): void => {
    if (step.kind !== 'records') return;
    for (const decided of step.decided) {
      sums.decided(decided);
      if (decided.kind === 'dead_letter') output.addDeadLetter(decided.letter);
    }
  };
  return {
    rules,
    ledger,
    get bytes_read() {
      return bytes_read;
    },
    get events() {
      return sums.events;
    },
    take(step: ReplayStep): void {
      decide(step);
      const taken = backtest.take(step);
      bytes_read = taken.bytes_read;
      output.add(taken);
      sums.step(taken);
      ledger.add(taken);
    },
    finish<More extends { readonly seconds: number }>(more: More) {
      const counted = sums.summary(backtest.counters(), backtest.identities);
      const summary = { ...counted, week: weekOf(ledger, rules), ...more };
      output.finish(summary);
      return summary;
    },
  };
}

function printSummary(terminal: Terminal, summary: Summary & { readonly seconds: number }): void {
  const { line } = terminal;
  const rate = summary.seconds > 0 ? ` (${thousands(Math.round(summary.received / summary.seconds))} a second)` : '';
  line(`${thousands(summary.received)} items in ${summary.seconds} s${rate}`);
  line(
    `${thousands(summary.events)} events of ${thousands(summary.identities)} identities over ` +
      `${thousands(summary.identity_days)} identity-days, ${thousands(summary.duplicates)} redelivered, ` +
      `${thousands(summary.absorbed)} absorbed, ${thousands(summary.dead_letters)} dead-lettered`,
  );
  if (summary.unresolved > 0)
    line(`  ${thousands(summary.unresolved)} of the events never learned whose they are: unresolved`);
  for (const [reason, count] of Object.entries(summary.dead_letter_reasons)) line(`  ${reason}: ${thousands(count)}`);
  const severities = Object.entries(summary.alerts_by_severity).map(([name, count]) => `${count} ${name}`);
  line(
    `${thousands(summary.alerts)} alerts${severities.length > 0 ? ` (${severities.join(', ')})` : ''}, ` +
      `${summary.alerts_per_1000_identity_days} per 1,000 identity-days, from ${thousands(summary.findings)} findings`,
  );
}

function printPlaces({ line }: Terminal, out: string, compared: boolean): void {
  line();
  const other = compared ? `; those of B to ${out}/${OTHER}` : '';
  line(`written to ${out}: scores.ndjson, alerts.ndjson, dead-letters.ndjson, summary.json${other}`);
}

import { type Command, InvalidArgumentError } from 'commander';
import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import { UNITS } from '../../../schemas/limits.ts';
import { budgetOf } from '../../detect/priors.ts';
import type { Decided } from '../../ingest/core.ts';
import { FORMATS } from '../../ingest/formats.ts';
import { type ReplayStep, replayRecords } from '../../ingest/replay.ts';
import { settleRule } from '../../ingest/settle/rule.ts';
import { systemClock } from '../../platform/clock.ts';
import { type GlobalOptions, readConfig } from '../configuration.ts';
import { type BacktestStep, createBacktest } from '../recorded/backtest.ts';
import { type BacktestFiles, openBacktestFiles, opened } from '../recorded/backtest-files.ts';
import { createIngestContext } from '../recorded/context.ts';
import {
  gathered,
  type InputOptions,
  openRecordings,
  readInputs,
  SERIES_FORMAT,
  settingsOf,
} from '../recorded/inputs.ts';
import { backtestSeries } from '../recorded/series/command.ts';
import { createTerminal, progressBar, type Terminal, thousands } from '../terminal.ts';

type Options = InputOptions & GlobalOptions & { readonly out: string; readonly budget?: number };

export function registerBacktest(program: Command): void {
  program
    .command('backtest')
    .summary('score recorded events without touching the service')
    .description(
      'Runs the detectors over recorded events on the recorded clock and writes scores.ndjson (one line an event, in bits ' +
        'of surprise), alerts.ndjson (OCSF, as a SIEM would get them), dead-letters.ndjson and summary.json. ' +
        'Neither the data directory nor a running service is touched. Format series takes measurements instead of ' +
        'events: CSV rows `timestamp,value`, one series a file, and writes one score a row.',
    )
    .argument('<files...>', 'recorded events: NDJSON or a JSON list (series: CSV), gzip too; - is standard input')
    .requiredOption('--out <directory>', 'where the results go')
    .option('--format <name>', `${FORMATS.join(', ')}, ${SERIES_FORMAT} (default: mapped with --mapping, else auto)`)
    .option('--mapping <file>', 'how to read events that are not canonical; may be given again', gathered)
    .option('--catalogue <file>', 'what is known of the tools')
    .option('--budget <alerts>', 'alerts per 1,000 identity-days (default: from the configuration)', alertBudget)
    .addHelpText(
      'after',
      '\nExample:\n  countersign backtest calls.ndjson.gz --mapping deploy/examples/mappings/agent-traces.yaml --out out/backtest' +
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
  const { config } = loaded;
  const inputs = readInputs(options, settingsOf(loaded));
  const { recordings, size_bytes } = await openRecordings(files);
  const model = createModel();
  const run = createBacktest({
    model,
    describe: describeAlert,
    partitions: config.log.partitions,
    alerts_per_1000_identity_days: options.budget ?? budgetOf(config.detect),
    lateness_ms: config.detect.lateness_ms,
  });
  const output = opened(options.out, (directory) => openBacktestFiles(directory, model));
  const began = systemClock.elapsed();
  const sums = createSums();
  const steps = replayRecords(
    recordings,
    createIngestContext(inputs, systemClock.now()),
    settleRule(inputs.settings.bound_ms),
  );
  for await (const step of run.run(watched(steps, output, sums))) {
    output.add(step);
    sums.step(step);
    terminal.progress(`${progressBar(step.bytes_read, size_bytes)}  ${thousands(sums.events)} events`);
  }
  terminal.progressDone();
  const seconds = Math.round((systemClock.elapsed() - began) / 10) / 100;
  const summary = { ...sums.summary(run.counters(), run.identities), seconds };
  output.finish(summary);
  terminal.record(summary);
  printSummary(terminal, summary, options.out);
}

function alertBudget(text: string): number {
  const alerts = text.trim() === '' ? Number.NaN : Number(text);
  if (alerts > 0 && alerts <= BUDGET_MAX) return alerts;
  throw new InvalidArgumentError(`Give a number above 0, at most ${BUDGET_MAX}.`);
}

/** As in the configuration. */
const BUDGET_MAX = 100_000;

/** Dead letters go to their file on the way; what becomes no event of detect is counted. */
async function* watched(
  steps: AsyncIterable<ReplayStep>,
  output: BacktestFiles,
  sums: Sums,
): AsyncGenerator<ReplayStep> {
  for await (const step of steps) {
    if (step.kind === 'records') {
      for (const decided of step.decided) {
        sums.decided(decided);
        if (decided.kind === 'dead_letter') output.addDeadLetter(decided.letter);
      }
    }
    yield step;
  }
}

type Sums = ReturnType<typeof createSums>;
type Summary = ReturnType<Sums['summary']> & { readonly seconds: number };

function createSums() {
  let events = 0;
  let absorbed = 0;
  let unresolved = 0;
  let findings = 0;
  let revisions = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  const reasons: Record<string, number> = {};
  const severities = new Map<string, string>();
  const identityDays = new Set<string>();
  return {
    get events() {
      return events;
    },
    decided(decided: Decided) {
      if (decided.kind === 'absorbed') absorbed++;
      else if (decided.kind === 'accepted' && decided.way === 'unresolved') unresolved++;
      else if (decided.kind === 'dead_letter') {
        const { reason } = decided.letter;
        reasons[reason] = (reasons[reason] ?? 0) + 1;
      }
    },
    step({ outputs }: BacktestStep) {
      events += outputs.events.length;
      findings += outputs.findings.length;
      revisions += outputs.alerts.length;
      for (const { alert } of outputs.alerts) severities.set(alert.uid, alert.severity);
      for (const { event, log_time } of outputs.events) {
        first = Math.min(first, event.time);
        last = Math.max(last, event.time);
        identityDays.add(`${event.tenant}\u0000${event.identity.id}\u0000${Math.floor(log_time / UNITS.DAY_MS)}`);
      }
    },
    summary(counters: Record<string, number>, identities: number) {
      const by_severity: Record<string, number> = {};
      for (const severity of severities.values()) by_severity[severity] = (by_severity[severity] ?? 0) + 1;
      const dead_letters = Object.values(reasons).reduce((a, b) => a + b, 0);
      return {
        received: (counters.event ?? 0) + absorbed + dead_letters,
        events: counters.accepted ?? 0,
        absorbed,
        unresolved,
        duplicates: counters.duplicate ?? 0,
        dead_letters,
        dead_letter_reasons: reasons,
        identities,
        identity_days: identityDays.size,
        first_time: events === 0 ? null : new Date(first).toISOString(),
        last_time: events === 0 ? null : new Date(last).toISOString(),
        findings,
        alerts: severities.size,
        alerts_by_severity: by_severity,
        alert_revisions: revisions,
        alerts_per_1000_identity_days:
          identityDays.size === 0 ? 0 : Math.round((severities.size / identityDays.size) * 10_000) / 10,
      };
    },
  };
}

function printSummary(terminal: Terminal, summary: Summary, out: string): void {
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
  line(`written to ${out}: scores.ndjson, alerts.ndjson, dead-letters.ndjson, summary.json`);
}

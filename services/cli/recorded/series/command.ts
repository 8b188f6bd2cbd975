import { systemClock } from '../../../platform/clock.ts';
import type { GlobalOptions } from '../../configuration.ts';
import { EXIT, Problem } from '../../problem.ts';
import { counted, createTerminal, printable, progressBar, type Terminal, thousands } from '../../terminal.ts';
import { opened, openResults } from '../backtest-files.ts';
import { type InputOptions, openRecordings } from '../inputs.ts';
import type { BadRow } from './row.ts';
import { type FileSummary, runSeries } from './run.ts';

/** What `backtest` was given; the options about events are refused. */
type SeriesOptions = InputOptions &
  GlobalOptions & {
    readonly out: string;
    readonly budget?: number;
    readonly without?: readonly string[];
    readonly compare?: readonly string[];
  };

type Summary = {
  readonly files: number;
  readonly rows: number;
  readonly bad_rows: number;
  readonly by_file: readonly FileSummary[];
  readonly seconds: number;
};

/** Bad rows of a file that are told one by one; all of them stand in dead-letters.ndjson. */
const TOLD_MAX = 5;

/** `backtest --format series`: every file is a series of its own. Throws a Problem when no row of any could be read. */
export async function backtestSeries(files: readonly string[], options: SeriesOptions): Promise<void> {
  refuseOptionsOfEvents(options);
  const terminal = createTerminal({ json: options.json === true });
  const { recordings, size_bytes } = await openRecordings(files);
  const results = opened(options.out, openResults);
  const began = systemClock.elapsed();
  const by_file: FileSummary[] = [];
  let done = { bytes_read: 0, rows: 0 };
  for (const recording of recordings) {
    let latest = done;
    const onBad = teller(terminal);
    const onProgress = (progress: typeof done): void => {
      latest = { bytes_read: done.bytes_read + progress.bytes_read, rows: done.rows + progress.rows };
      terminal.progress(`${progressBar(latest.bytes_read, size_bytes)}  ${thousands(latest.rows)} rows`);
    };
    by_file.push(await runSeries(recording, { results, onProgress, onBad }));
    done = latest;
  }
  terminal.progressDone();
  const bad_rows = by_file.reduce((sum, file) => sum + file.bad_rows, 0);
  const seconds = Math.round((systemClock.elapsed() - began) / 10) / 100;
  const summary = { files: by_file.length, rows: done.rows, bad_rows, by_file, seconds };
  results.finish(summary);
  terminal.record(summary);
  printSummary(terminal, summary, options.out);
  if (summary.rows > 0) return;
  throw new Problem('series_empty', 'no row could be scored: write CSV, a timestamp and a number a line');
}

function refuseOptionsOfEvents(options: SeriesOptions): void {
  const { mapping, catalogue, budget, without, compare } = options;
  const given = Object.entries({ mapping, catalogue, budget, without, compare }).find(
    ([, value]) => value !== undefined,
  );
  if (given === undefined) return;
  const message = `--${given[0]} is about events; a series has none: leave it out with --format series`;
  throw new Problem('option_not_here', message, EXIT.usage);
}

/** Tells the first bad rows of a file, and that there are more. */
function teller(terminal: Terminal): (file: string, row: BadRow) => void {
  let told = 0;
  return (file, { message }) => {
    if (++told > TOLD_MAX + 1) return;
    const what = told <= TOLD_MAX ? `${printable(message, 300)}; skipped` : 'more bad rows, all in dead-letters.ndjson';
    terminal.note(`${printable(file)}: ${what}`);
  };
}

function printSummary(terminal: Terminal, { files, rows, bad_rows, by_file, seconds }: Summary, out: string): void {
  terminal.line(
    `${thousands(rows)} rows of ${counted(files, 'series', 'series')} in ${seconds} s, ${thousands(bad_rows)} bad`,
  );
  const head = ['file', 'rows', 'bad', 'most surprising', 'bits', 'as'];
  terminal.table(
    head,
    by_file.map((file) => [
      printable(file.file),
      thousands(file.rows),
      thousands(file.bad_rows),
      file.highest?.timestamp ?? '',
      file.highest?.score.toFixed(1) ?? '',
      file.highest?.pattern ?? '',
    ]),
  );
  terminal.line(`written to ${out}: scores.ndjson, dead-letters.ndjson, summary.json`);
}

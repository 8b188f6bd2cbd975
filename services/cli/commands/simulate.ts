import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../platform/clock.ts';
import { type WrittenSimulation, writeSimulation } from '../../simulate/write.ts';
import type { GlobalOptions } from '../configuration.ts';
import { interruptible } from '../interrupt.ts';
import { EXIT, Problem } from '../problem.ts';
import { wholeNumber } from '../session.ts';
import { createTerminal, minute, printable, progressBar, type Terminal, thousands } from '../terminal.ts';
import { readMoment } from '../when.ts';

type Options = GlobalOptions & {
  readonly out: string;
  readonly seed: number;
  readonly identities: number;
  readonly days: number;
  readonly stories?: string;
  readonly start: number;
};

/** A Monday, so that weeks are whole. */
const START = Date.UTC(2026, 2, 9);

export function registerSimulate(program: Command): void {
  program
    .command('simulate')
    .summary('write the events of a made-up fleet, with known attacks')
    .description(
      'Writes audit events of a made-up fleet of AI agents, and beside them, in FILE.labels.ndjson, which attacks and ' +
        'look-alikes are hidden in them. The same arguments give the same bytes. docs/simulate.md describes the stories.',
    )
    .requiredOption('--out <file>', 'where the events go; gzip when it ends in .gz')
    .option('--seed <n>', 'another seed is another fleet', wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--identities <n>', 'how many agents', wholeNumber(1, 100_000), 50)
    .option('--days <n>', 'how many days', wholeNumber(1, 400), 21)
    .option('--stories <list>', 'names with commas, each with :INTENSITY from 0 to 1 if you like; none for no stories')
    .option('--start <date>', 'first day, UTC (default: 2026-03-09)', readDate, START)
    .addHelpText(
      'after',
      '\nExample:\n  countersign simulate --out fleet.ndjson.gz --seed 7 --identities 70 --days 24 --stories volume_burst,resource_sweep:0.3',
    )
    .action(async (_own: unknown, command: Command) => {
      await simulate(command.optsWithGlobals<Options>());
    });
}

function readDate(text: string): number {
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) return readMoment(text, systemClock.now());
  throw new InvalidArgumentError('Give a date, as in 2026-03-09.');
}

async function simulate(options: Options): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const { out, seed, identities, days, stories, start } = options;
  const names = stories === 'none' ? [] : stories?.split(',').filter((name) => name !== '');
  const interrupt = interruptible();
  try {
    const request = { seed, identities, days, start_ms: start, ...(names !== undefined && { stories: names }) };
    const written = await writeSimulation(request, out, {
      signal: interrupt.signal,
      onProgress: ({ events, share }) => terminal.progress(`${progressBar(share, 1)}  ${thousands(events)} events`),
    });
    terminal.progressDone();
    if (!written.ok) throw new Problem(written.error.code, written.error.message, EXIT.usage);
    terminal.record(written.value);
    if (!terminal.json) report(terminal, written.value);
  } catch (error) {
    terminal.progressDone();
    if (!interrupt.signal.aborted) throw error;
    terminal.note('Stopped: nothing was kept.');
  } finally {
    interrupt.done();
  }
}

function report(terminal: Terminal, written: WrittenSimulation): void {
  const { events, identities, stories, left_out, events_file, labels_file } = written;
  terminal.line(`${thousands(events)} events of ${thousands(identities)} identities in ${printable(events_file, 300)}`);
  terminal.line(`what is hidden in them in ${printable(labels_file, 300)}`);
  for (const kind of ['attack', 'benign'] as const) {
    const of_kind = stories.filter((story) => story.kind === kind);
    if (of_kind.length === 0) continue;
    terminal.line();
    terminal.line(terminal.style('bold', kind === 'attack' ? 'Attacks' : 'Look-alikes (unusual and harmless)'));
    terminal.table(
      ['story', 'from (UTC)', 'events', 'what happens'],
      of_kind.map(({ story, first_time, events: count, description }) => [
        story,
        minute(first_time),
        thousands(count).padStart(6),
        printable(description),
      ]),
      { flexible: 3 },
    );
  }
  if (stories.length === 0) terminal.line('No stories.');
  if (left_out.length > 0) {
    terminal.line();
    terminal.line(terminal.style('bold', 'Left out'));
    for (const { story, reason } of left_out) terminal.paragraph(`${story}: ${printable(reason, 400)}`, 2);
  }
}

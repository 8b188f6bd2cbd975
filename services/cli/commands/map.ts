import type { Command } from 'commander';
import { emptyCatalogue } from '../../ingest/catalogue.ts';
import { fileProblemText } from '../../ingest/config-file.ts';
import type { Item } from '../../ingest/core.ts';
import { loadCatalogue } from '../../ingest/load.ts';
import { type MappingReport, type Open, testMapping } from '../../ingest/mapping-dry-run.ts';
import { readItems } from '../../ingest/source.ts';
import type { GlobalOptions } from '../configuration.ts';
import { EXIT, Problem } from '../problem.ts';
import { openRecordings, readText } from '../recorded/inputs.ts';
import { wholeNumber } from '../session.ts';
import { heading } from '../show/words.ts';
import { counted, createTerminal, printable, type Terminal, thousands } from '../terminal.ts';

type Options = GlobalOptions & {
  readonly mapping: string;
  readonly catalogue?: string;
  readonly samples: number;
  readonly items: number;
};

export function registerMap(program: Command): void {
  const map = program
    .command('map')
    .summary('try out mapping files')
    .description('Mapping files, which say how to read events that are not canonical (docs/mapping.md).');
  map
    .command('test')
    .summary('try a mapping file on recorded events, without writing anything')
    .description(
      'Shows what a mapping file makes of recorded events: the first of them as they come out, what is refused and why, ' +
        'and what the mapping passes over. Nothing is written. Ends with 1 when an item is refused.',
    )
    .argument('<files...>', 'recorded events: NDJSON or a JSON list, gzip too; - is standard input')
    .requiredOption('--mapping <file>', 'the mapping file to try')
    .option('--catalogue <file>', 'what is known of the tools')
    .option('--samples <n>', 'how many events to show', wholeNumber(0, 1000), 2)
    .option('--items <n>', 'how many items to try', wholeNumber(1, 10_000_000), 10_000)
    .addHelpText(
      'after',
      '\nExample:\n  countersign map test calls.ndjson.gz --mapping deploy/examples/mappings/agent-traces.yaml',
    )
    .action(async (files: string[], _own: unknown, command: Command) => {
      await mapTest(files, command.optsWithGlobals<Options>());
    });
}

async function mapTest(files: readonly string[], options: Options): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const text = readText(options.mapping, 'mapping');
  const catalogue = readCatalogue(options.catalogue);
  const { items, more } = await readSome(files, options.items);
  const report = testMapping(text, options.mapping, items, { samples_max: options.samples, catalogue });
  if (report.problems.length > 0) {
    const problems = report.problems.map(fileProblemText).join('\n');
    throw new Problem('mapping_invalid', problems, EXIT.usage);
  }
  terminal.record({ ...report, samples: report.samples.map(sampleOf) });
  if (!terminal.json) show(terminal, report);
  if (more) terminal.note(`Only the first ${thousands(items.length)} items were tried: --items sets how many.`);
  if (report.sums.dead_lettered > 0) process.exitCode = EXIT.failed;
}

function readCatalogue(file: string | undefined) {
  if (file === undefined) return emptyCatalogue();
  const read = loadCatalogue(readText(file, 'catalogue'), file);
  if (read.ok) return read.value;
  throw new Problem('catalogue_invalid', read.problems.map(fileProblemText).join('\n'), EXIT.usage);
}

/** The first items, and whether there are more. */
async function readSome(
  files: readonly string[],
  most: number,
): Promise<{ readonly items: Item[]; readonly more: boolean }> {
  const { recordings } = await openRecordings(files);
  const items: Item[] = [];
  for (const recording of recordings) {
    for await (const batch of readItems(recording)) {
      for (const item of batch.items) {
        if (items.length >= most) return { items, more: true };
        items.push(item);
      }
    }
  }
  return { items, more: false };
}

type Sample = MappingReport['samples'][number];

function sampleOf({ position, decided }: Sample): Record<string, unknown> {
  if (decided.kind === 'accepted') return { position, event: decided.event };
  if (decided.kind === 'absorbed') return { position, absorbed: true };
  if (decided.kind === 'held') return { position, held: decided.waiting.event };
  const { reason, message, field } = decided.letter;
  return { position, dead_letter: { reason, message, field } };
}

function show(terminal: Terminal, report: MappingReport): void {
  const { sums, reasons, samples, mismatched, unmapped, unlisted } = report;
  for (const sample of samples) {
    terminal.line(terminal.style('dim', printable(sample.position, 300)));
    for (const line of JSON.stringify(sampleOf(sample).event ?? sampleOf(sample), null, 2).split('\n')) {
      terminal.line(`  ${printable(line, 2000)}`);
    }
  }
  heading(terminal, 'Sums');
  terminal.line(
    `  ${counted(sums.received, 'item')}: ${thousands(sums.accepted)} accepted, ${thousands(sums.absorbed)} absorbed, ` +
      `${thousands(sums.dead_lettered)} refused`,
  );
  for (const { reason, items } of reasons)
    terminal.line(`  ${terminal.style('red', reason)}: ${counted(items, 'item')}`);
  showOpen(terminal, 'Items that `match` would not give to this mapping', mismatched);
  showOpen(terminal, 'Words that the mapping does not list; they become `unknown`', unlisted);
  showOpen(terminal, 'Fields that nothing maps; they are kept aside', unmapped);
  if (sums.dead_lettered === 0 && mismatched.length === 0) {
    terminal.line();
    terminal.line(terminal.style('green', 'Every item is read.'));
  }
}

function showOpen(terminal: Terminal, title: string, open: readonly Open[]): void {
  if (open.length === 0) return;
  heading(terminal, title);
  terminal.table(
    ['items', 'what', 'for example'],
    open.map(({ name, items, example }) => [thousands(items).padStart(7), printable(name, 80), printable(example, 80)]),
    { flexible: 2 },
  );
}

import type { Command } from 'commander';
import { SourcesAnswer } from '../../../schemas/api/sources.ts';
import { asksService } from '../connection.ts';
import { inSession, type Session, wholeNumber } from '../session.ts';
import { showSources } from '../show/sources.ts';

type Options = { readonly days: number };

export function registerSources(program: Command): void {
  const command = program
    .command('sources')
    .summary('what arrives, from whom, and what it lacks')
    .description(
      'Shows what came in by each source and in each format and what became of it, how events came by their identity, ' +
        'and what the stored events of each origin lack for better detection, with the remedy.',
    )
    .option('--days <n>', 'look at what was stored within so many days', wholeNumber(1, 90), 7)
    .addHelpText('after', '\nExample:\n  countersign sources --days 30');
  asksService(command).action(inSession<Options>(sources));
}

async function sources({ client, terminal, options }: Session<Options>): Promise<void> {
  const answer = await client.get('/v1/sources', SourcesAnswer, { days: options.days });
  terminal.record(answer);
  if (!terminal.json) showSources(terminal, answer);
}

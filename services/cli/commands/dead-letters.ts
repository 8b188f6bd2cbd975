import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { DeadLetterPage, type DeadLetterView } from '../../../schemas/api/events.ts';
import { DEAD_LETTER_REASONS } from '../../../schemas/dead-letter.ts';
import { asksService } from '../connection.ts';
import { collectPages, type PagingOptions, paged } from '../paging.ts';
import { inSession, type Session } from '../session.ts';
import { counted, minute, printable, type Terminal } from '../terminal.ts';

type Options = PagingOptions & { readonly reason?: string };

export function registerDeadLetters(program: Command): void {
  const command = program
    .command('dead-letters')
    .summary('list what was refused, and why')
    .description(
      'Lists input items that were refused, newest first, with the reason and the beginning of the original bytes. With ' +
        '--json all of what was kept of them is there, as base64 in `letter.bytes`.',
    )
    .addOption(new Option('--reason <reason>', 'of one reason').choices(DEAD_LETTER_REASONS))
    .addHelpText('after', '\nExample:\n  countersign dead-letters --reason schema_mismatch --limit 10');
  asksService(paged(command, 20)).action(inSession<Options>(deadLetters));
}

async function deadLetters({ client, terminal, options }: Session<Options>): Promise<void> {
  let counts: Readonly<Record<string, number>> = {};
  const found = await collectPages(
    terminal,
    options,
    async (page) => {
      const answer = await client.get('/v1/dead-letters', DeadLetterPage, { reason: options.reason, ...page });
      counts = answer.counts;
      return answer;
    },
    (letter) => terminal.record(letter),
  );
  if (found.length === 0) return terminal.line('No dead letters.');
  for (const one of found) showLetter(terminal, one);
  terminal.line();
  terminal.line(
    Object.entries(counts)
      .map(([reason, count]) => `${reason}: ${counted(count, 'item')}`)
      .join(', '),
  );
}

const ORIGINAL_CHARS = 400;

function showLetter(terminal: Terminal, { letter }: z.output<typeof DeadLetterView>): void {
  const field = letter.field === undefined ? '' : ` in ${printable(letter.field)}`;
  terminal.line(
    `${minute(letter.time)}  ${terminal.style('bold', letter.reason)}${field}  ${printable(letter.origin)} ${printable(letter.position)}`,
  );
  terminal.paragraph(printable(letter.message, 600), 4);
  const original = Buffer.from(letter.bytes, 'base64').toString('utf8');
  if (original !== '') terminal.paragraph(terminal.style('dim', printable(original, ORIGINAL_CHARS)), 4);
}

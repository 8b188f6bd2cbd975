import type { Command } from 'commander';
import { ContainmentPreview } from '../../../schemas/api/preview.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { fullContainmentId } from '../lookup.ts';
import { inSession, type Session } from '../session.ts';
import { showPreview } from '../show/preview.ts';

export function registerPreview(program: Command): void {
  const preview = program
    .command('preview')
    .summary('show what a containment would send, and what it would touch')
    .description(
      'Shows what would be sent to whom, without its secrets, and what our own events say that it would touch: open sessions, ' +
        'credentials, tools, who else uses a credential, and who hands work to whom. Sends nothing.',
    )
    .argument('<id>', 'id of the containment, or its beginning')
    .addHelpText('after', '\nExample:\n  countersign preview 0c6e2d1f48');
  asksService(preview).action(inSession<object>(show));
}

async function show({ client, terminal }: Session<object>, id = ''): Promise<void> {
  const path = `${at('containments', await fullContainmentId(client, id))}/preview`;
  const found = await client.get(path, ContainmentPreview);
  terminal.record(found);
  if (!terminal.json) showPreview(terminal, found);
}

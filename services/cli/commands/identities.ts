import type { Command } from 'commander';
import { EventPage } from '../../../schemas/api/events.ts';
import { IdentityAnswer, IdentityPage } from '../../../schemas/api/identities.ts';
import { systemClock } from '../../platform/clock.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { invocation, quoted } from '../invocation.ts';
import { collectPages, type PagingOptions, paged } from '../paging.ts';
import { inSession, type Session } from '../session.ts';
import { showEvents } from '../show/events.ts';
import { showIdentities, showIdentity } from '../show/identity.ts';
import { readMoment } from '../when.ts';

type EventOptions = PagingOptions & { readonly session?: string; readonly from?: number; readonly to?: number };

export function registerIdentities(program: Command): void {
  const list = program
    .command('identities')
    .summary('list identities by name')
    .description('Lists the identities of which events are stored, by name, and how far each is covered.')
    .addHelpText('after', '\nExample:\n  countersign identities --limit 200');
  asksService(paged(list, 100)).action(inSession<PagingOptions>(identities));

  const one = program
    .command('identity')
    .summary('show what is usual for one identity')
    .description(
      'Shows one identity: how far it is covered, what it does, the baseline that was learned of it and whom it is compared with, its open ' +
        'alerts and containments, and whose its events turned out to be.',
    )
    .argument('<id>', 'id of the identity')
    .addHelpText('after', '\nExample:\n  countersign identity invoice-matcher-03');
  asksService(one).action(inSession<object>(identity));

  const moment = (text: string): number => readMoment(text, systemClock.now());
  const history = program
    .command('events')
    .summary('list the events of one identity')
    .description('Lists the events of one identity with their surprise, newest first.')
    .argument('<identity>', 'id of the identity')
    .option('--session <id>', 'of one session')
    .option('--from <time>', 'not before: 24h, 2026-03-09, or RFC 3339', moment)
    .option('--to <time>', 'before', moment)
    .addHelpText('after', '\nExample:\n  countersign events invoice-matcher-03 --from 2026-03-30 --to 2026-03-31');
  asksService(paged(history)).action(inSession<EventOptions>(events));
}

async function identities({ client, terminal, options }: Session<PagingOptions>): Promise<void> {
  const found = await collectPages(
    terminal,
    options,
    (page) => client.get('/v1/identities', IdentityPage, page),
    (one) => terminal.record(one),
  );
  if (found.length === 0) return terminal.line('No identities: no event is stored yet.');
  showIdentities(terminal, found);
}

async function identity({ client, terminal }: Session<object>, id = ''): Promise<void> {
  const answer = await client.get(at('identities', id), IdentityAnswer);
  terminal.record(answer);
  if (!terminal.json) showIdentity(terminal, answer);
}

async function events({ client, terminal, options }: Session<EventOptions>, id = ''): Promise<void> {
  const { session, from, to } = options;
  const found = await collectPages(
    terminal,
    options,
    (page) => client.get(`${at('identities', id)}/events`, EventPage, { session, from, to, ...page }),
    (event) => terminal.record(event),
  );
  if (found.length === 0) {
    return terminal.line(`No such events. \`${invocation()} identity ${quoted(id)}\` shows when it was seen.`);
  }
  showEvents(terminal, found);
}

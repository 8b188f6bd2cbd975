import { type Command, Option } from 'commander';
import { SEVERITIES } from '../../../schemas/alert.ts';
import { AlertPage } from '../../../schemas/api/alerts.ts';
import { systemClock } from '../../platform/clock.ts';
import { asksService } from '../connection.ts';
import { invocation } from '../invocation.ts';
import { collectPages, type PagingOptions, paged } from '../paging.ts';
import { inSession, type Session } from '../session.ts';
import { showAlerts } from '../show/alerts.ts';
import { readMoment } from '../when.ts';

type Options = PagingOptions & {
  readonly status: 'open' | 'closed' | 'all';
  readonly severity?: string;
  readonly identity?: string;
  readonly since?: number;
};

export function registerAlerts(program: Command): void {
  const command = program
    .command('alerts')
    .summary('list alerts, newest first')
    .description('Lists alerts in their latest revision, newest first.')
    .addOption(new Option('--status <status>', 'which').choices(['open', 'closed', 'all']).default('all'))
    .option('--severity <list>', `one or several of ${SEVERITIES.join(',')}`)
    .option('--identity <id>', 'of one identity')
    .option('--since <time>', 'updated since: 24h, 7d, 2026-03-09, or RFC 3339', (text) =>
      readMoment(text, systemClock.now()),
    )
    .addHelpText('after', '\nExample:\n  countersign alerts --status open --severity high,critical --since 7d');
  asksService(paged(command)).action(inSession<Options>(alerts));
}

async function alerts({ client, terminal, options }: Session<Options>): Promise<void> {
  const { status, severity, identity, since } = options;
  const filter = { severity, identity, since, ...(status !== 'all' && { status }) };
  const found = await collectPages(
    terminal,
    options,
    (page) => client.get('/v1/alerts', AlertPage, { ...filter, ...page }),
    (alert) => terminal.record(alert),
  );
  if (found.length === 0) return terminal.line('No alerts.');
  showAlerts(terminal, found);
  terminal.line();
  terminal.line(`One of them in full: ${invocation()} alert ${found[0]?.uid.slice(0, 10)}`);
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { SEVERITIES } from '../../../schemas/alert.ts';
import { RemovedSubscription, SetSubscriptionAnswer, SubscriptionList } from '../../../schemas/api/access.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { EXIT, Problem } from '../problem.ts';
import { inSession, type Session } from '../session.ts';
import { instant, printable } from '../terminal.ts';

type SetOptions = {
  readonly to: string;
  readonly severityMin: string;
  readonly secretFile?: string;
  readonly out?: string;
};

export function registerSubscriptions(program: Command): void {
  const subscriptions = program
    .command('subscriptions')
    .summary('list, set and remove webhooks for alerts')
    .description('Webhooks that alerts are pushed to (Standard Webhooks 1.0.0, OCSF). Needs the role admin.');
  const list = subscriptions
    .command('list')
    .summary('list webhooks and how they fare')
    .description('Lists the webhooks, and why one is disabled.')
    .addHelpText('after', '\nExample:\n  countersign subscriptions list');
  asksService(list).action(inSession<object>(listAll));
  const set = subscriptions
    .command('set')
    .summary('add or replace a webhook')
    .description(
      'Adds a webhook, or replaces it; it is active afterwards. A new one gets a signing secret, shown this once, or written ' +
        'to a file with --out. Secrets are read from a file with --secret-file, one a line, two while one replaces the other.',
    )
    .argument('<id>', 'a name of your choice: lower-case letters, digits, - and _')
    .requiredOption('--to <url>', 'where alerts are sent')
    .addOption(
      new Option('--severity-min <severity>', 'alerts below it are not sent').choices(SEVERITIES).default('low'),
    )
    .option('--secret-file <file>', 'file with the signing secret (whsec_...)')
    .option('--out <file>', 'write the new secret to this new file')
    .addHelpText(
      'after',
      '\nExample:\n  countersign subscriptions set siem --to https://siem.example/alerts --severity-min high',
    );
  asksService(set).action(inSession<SetOptions>(setOne));
  const remove = subscriptions
    .command('remove')
    .summary('remove a webhook')
    .description('Removes a webhook. What was not delivered yet is not sent any more.')
    .argument('<id>', 'its name')
    .addHelpText('after', '\nExample:\n  countersign subscriptions remove siem');
  asksService(remove).action(inSession<object>(removeOne));
}

async function listAll({ client, terminal }: Session<object>): Promise<void> {
  const { items } = await client.get('/v1/subscriptions', SubscriptionList);
  for (const item of items) terminal.record(item);
  if (items.length === 0)
    return terminal.line('No webhooks. One from the configuration file (deliver.webhook) is not listed here.');
  terminal.table(
    ['webhook', 'state', 'from', 'since', 'url'],
    items.map(({ subscription, status }) => [
      printable(subscription.id),
      status.state === 'active'
        ? terminal.style('green', 'active')
        : terminal.style('red', `disabled (${status.reason})`),
      subscription.severity_min,
      instant(status.since),
      printable(subscription.url, 160),
    ]),
    { flexible: 4 },
  );
}

async function setOne({ client, terminal, options }: Session<SetOptions>, id = ''): Promise<void> {
  const { to, severityMin, secretFile, out } = options;
  if (out !== undefined && existsSync(out)) {
    throw new Problem('file_exists', `${out} exists: name a new file with --out`, EXIT.usage);
  }
  const answer = await client.send('PUT', at('subscriptions', id), SetSubscriptionAnswer, {
    url: to,
    severity_min: severityMin,
    ...(secretFile !== undefined && { secrets: readSecrets(secretFile) }),
  });
  const { new_secret, ...shown } = answer;
  if (out !== undefined && new_secret !== undefined) writeFileSync(out, `${new_secret}\n`, { mode: 0o600, flag: 'wx' });
  terminal.record(out === undefined ? answer : shown);
  terminal.line(`Alerts from ${answer.subscription.severity_min} on go to ${printable(answer.subscription.url, 300)}.`);
  if (new_secret === undefined) return;
  if (out !== undefined) return terminal.line(`Its signing secret is in ${out}.`);
  terminal.line(`Its signing secret, shown this once: ${new_secret}`);
}

function readSecrets(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split(/\s+/)
      .filter((word) => word !== '');
  } catch (error) {
    throw new Problem('secret_unreadable', `cannot read ${file}: ${(error as Error).message}`, EXIT.usage);
  }
}

async function removeOne({ client, terminal }: Session<object>, id = ''): Promise<void> {
  const answer = await client.send('DELETE', at('subscriptions', id), RemovedSubscription);
  terminal.record(answer);
  terminal.line(`Webhook ${printable(id)} is removed.`);
}

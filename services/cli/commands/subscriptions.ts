import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { SEVERITIES } from '../../../schemas/alert.ts';
import {
  type DeliveryView,
  RedeliverAnswer,
  RemovedSubscription,
  RetryAnswer,
  SetSubscriptionAnswer,
  SubscriptionList,
} from '../../../schemas/api/access.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { EXIT, Problem } from '../problem.ts';
import { inSession, type Session } from '../session.ts';
import { minute, printable, type Terminal, thousands } from '../terminal.ts';

type SetOptions = {
  readonly to: string;
  readonly severityMin: string;
  readonly secretFile?: string;
  readonly out?: string;
};
type RedeliverOptions = { readonly first: string; readonly last: string };
type Listed = z.output<typeof SubscriptionList>['items'][number];

export function registerSubscriptions(program: Command): void {
  const subscriptions = program
    .command('subscriptions')
    .summary('list, set and remove webhooks for alerts, and send again')
    .description('Webhooks that alerts are pushed to (Standard Webhooks 1.0.0, OCSF). Needs the role admin.');
  const list = subscriptions
    .command('list')
    .summary('list webhooks and how they fare')
    .description(
      'Lists the webhooks: whether each is sent to, how far it is behind, its next attempt, its last error. Times are UTC.' +
        ' The one from the configuration file is called configured.',
    )
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
  registerSendingAgain(subscriptions);
}

function registerSendingAgain(subscriptions: Command): void {
  const redeliver = subscriptions
    .command('redeliver')
    .summary('send messages to a webhook again')
    .description(
      'Sends messages again, from one webhook-id to another, both included, under the same ids and beside the new ones. ' +
        'The ids of messages that were given up stand in the dead letters.',
    )
    .argument('<id>', 'its name')
    .requiredOption('--first <webhook-id>', 'the first message (msg_...)')
    .requiredOption('--last <webhook-id>', 'the last message; the same one to send one')
    .addHelpText(
      'after',
      `\nExample:\n  countersign subscriptions redeliver siem --first ${EXAMPLE_ID} --last ${EXAMPLE_ID}`,
    );
  asksService(redeliver).action(inSession<RedeliverOptions>(redeliverOne));
  const retry = subscriptions
    .command('retry')
    .summary('end the pause before the next attempt')
    .description('Ends the pause before the next attempt, of a redelivery too: the receiver is back.')
    .argument('<id>', 'its name')
    .addHelpText('after', '\nExample:\n  countersign subscriptions retry siem');
  asksService(retry).action(inSession<object>(retryOne));
}

const EXAMPLE_ID = 'msg_5e0d1c88a4f24f5b9d0c61f7a2b3e4d5';

async function listAll({ client, terminal }: Session<object>): Promise<void> {
  const { items } = await client.get('/v1/subscriptions', SubscriptionList);
  for (const item of items) terminal.record(item);
  if (items.length === 0)
    return terminal.line(
      'No webhooks. Make one with `countersign subscriptions set`, or by deliver.webhook in the file.',
    );
  terminal.table(
    ['webhook', 'state', 'from', 'delivery', 'behind', 'attempts', 'next', 'delivered', 'url'],
    items.map(({ subscription, status, delivery }) => [
      printable(subscription.id),
      status.state === 'active'
        ? terminal.style('green', 'active')
        : terminal.style('red', `disabled (${status.reason})`),
      subscription.severity_min,
      ...deliveryCells(terminal, delivery),
      printable(subscription.url, 160),
    ]),
    { flexible: 8 },
  );
  for (const item of items) explain(terminal, item);
}

const timeOf = (ms: number | undefined): string => (ms === undefined ? '-' : minute(ms));

function deliveryCells(terminal: Terminal, delivery: DeliveryView): string[] {
  const { state, behind, attempts, next_attempt, last_delivered } = delivery;
  const shown = state === 'idle' || state === 'sending' ? state : terminal.style('yellow', state);
  return [shown, thousands(behind), thousands(attempts), timeOf(next_attempt), timeOf(last_delivered)];
}

/** What does not fit into a row: errors are the receiver's own words, and a redelivery has all columns once more. */
function explain(terminal: Terminal, { subscription, delivery }: Listed): void {
  const { last_error, redelivery } = delivery;
  if (last_error !== undefined) terminal.paragraph(`${subscription.id}: ${printable(last_error, 300)}`);
  if (redelivery === undefined) return;
  const next = redelivery.next_attempt === undefined ? '' : `, next attempt ${minute(redelivery.next_attempt)}`;
  const why = redelivery.last_error === undefined ? '' : `: ${printable(redelivery.last_error, 300)}`;
  const attempts = thousands(redelivery.attempts);
  terminal.paragraph(`${subscription.id}: redelivery ${redelivery.state}, failed attempts ${attempts}${next}${why}`);
}

async function redeliverOne(session: Session<RedeliverOptions>, id = ''): Promise<void> {
  const { client, terminal, options } = session;
  const { first, last } = options;
  terminal.record(await client.send('POST', at('subscriptions', id, 'redeliver'), RedeliverAnswer, { first, last }));
  terminal.line(`Sending again to ${printable(id)}. \`countersign subscriptions list\` shows when that is done.`);
}

async function retryOne({ client, terminal }: Session<object>, id = ''): Promise<void> {
  terminal.record(await client.send('POST', at('subscriptions', id, 'retry'), RetryAnswer));
  terminal.line(`If ${printable(id)} was waiting, it is tried now.`);
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

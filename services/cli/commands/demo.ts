import type { Command } from 'commander';
import type { z } from 'zod';
import type { Alert } from '../../../schemas/alert.ts';
import { AlertAnswer, AlertPage } from '../../../schemas/api/alerts.ts';
import { ContainmentPage, type ContainmentView } from '../../../schemas/api/containments.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { systemClock } from '../../platform/clock.ts';
import { at, type Client, createClient } from '../client.ts';
import type { GlobalOptions } from '../configuration.ts';
import { matchStories, readLabels, type Told } from '../demo/fleet.ts';
import { type Gateway, type Order, openGateway } from '../demo/gateway.ts';
import { type Home, keepKey, keepPassword, makeHome } from '../demo/home.ts';
import {
  byUrgency,
  type Outcome,
  reportAlerts,
  reportCommands,
  reportContainments,
  reportOne,
  reportStories,
} from '../demo/report.ts';
import { feed, newSecret, recordFleet, serveDemo } from '../demo/road.ts';
import { interruptible } from '../interrupt.ts';
import { EXIT, Problem } from '../problem.ts';
import type { Serving } from '../service/serve.ts';
import { whole } from '../service/service.ts';
import { createTerminal, instant, printable, type Terminal } from '../terminal.ts';

type Options = GlobalOptions & { readonly once?: boolean; readonly keep?: string };

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .summary('see it work: a made-up fleet with hidden attacks, in under a minute')
    .description(
      'Starts Countersign in this process, runs 24 days of a made-up fleet of AI agents through it, and shows the alerts, ' +
        'which hidden attack is behind which, one alert in full, and what waits for approval. It then serves until Ctrl-C, so ' +
        'that you can look further, approve and deny; a stand-in for a tool gateway shows what is carried out.',
    )
    .option('--once', 'end after the report')
    .option('--keep <directory>', 'keep recording, labels, data and key there (default: a temporary directory)')
    .addHelpText('after', '\nExamples:\n  countersign demo\n  countersign demo --once --json')
    .action(async (_own: unknown, command: Command) => {
      await demo(command.optsWithGlobals<Options>());
    });
}

async function demo(options: Options): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const interrupt = interruptible();
  const home = makeHome(options);
  const began = systemClock.elapsed();
  let gateway: Gateway | undefined;
  let serving: Serving | undefined;
  try {
    const secret = newSecret();
    gateway = await openGateway(secret, (order) => showOrder(terminal, order));
    terminal.line('Making up 24 days of a fleet of 70 AI agents, with attacks hidden in them ...');
    [serving] = await Promise.all([
      serveDemo(home, options, { url: gateway.url, secret }),
      recordFleet(home, interrupt.signal),
    ]);
    const key = await keepKey(home, serving.service.parts.ground.log, await serving.service.credentials);
    await keepPassword(home, createClient({ url: serving.api.url, key }));
    terminal.line('Feeding it to Countersign on the recorded clock ...');
    if (await feed(terminal, home, serving.service, interrupt.signal)) {
      const client = createClient({ url: serving.api.url, key });
      const found = await lookAt(client, serving, began, home);
      report(terminal, found, { home, url: serving.api.url, serves: options.once !== true });
      if (options.once !== true) await keepServing(terminal, serving, interrupt.signal);
      terminal.record(found.outcome);
      process.exitCode = EXIT.done;
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
  } finally {
    terminal.progressDone();
    await serving?.stop();
    await gateway?.close();
    home.remove();
    interrupt.done();
  }
}

type Found = {
  readonly outcome: Outcome;
  readonly alerts: readonly Alert[];
  readonly told: Told;
  readonly pending: readonly ContainmentView[];
  readonly example: z.output<typeof AlertAnswer> | undefined;
};

/** Everything that is reported, asked over the API as anybody would. */
async function lookAt(client: Client, { service }: Serving, began: number, home: Home): Promise<Found> {
  const page = { limit: LIMITS.page_items_max };
  const { items: alerts } = await client.get('/v1/alerts', AlertPage, page);
  const { items: pending } = await client.get('/v1/containments', ContainmentPage, { ...page, state: 'pending' });
  const told = matchStories(readLabels(home.labels), alerts);
  const [best] = byUrgency(told.stories.filter(({ story }) => story.kind === 'attack').flatMap((one) => one.alerts));
  const chosen = best ?? byUrgency(alerts)[0];
  const example = chosen === undefined ? undefined : await client.get(at('alerts', chosen.uid), AlertAnswer);
  const { events, identities, dead_letters } = await whole(service).foundation.store.totals();
  const outcome: Outcome = {
    events,
    identities,
    alerts: alerts.length,
    pending_containments: pending.length,
    dead_letters,
    seconds: Math.round((systemClock.elapsed() - began) / 10) / 100,
  };
  return { outcome, alerts, told, pending, example };
}

function report(
  terminal: Terminal,
  { outcome, alerts, told, pending, example }: Found,
  { home, url, serves }: { readonly home: Home; readonly url: string; readonly serves: boolean },
): void {
  if (terminal.json) return;
  reportAlerts(terminal, outcome, alerts);
  reportStories(terminal, told, alerts.length);
  if (example !== undefined) reportOne(terminal, example);
  reportContainments(terminal, pending);
  const containment = pending.find(({ terms }) => terms.alert.uid === example?.alert.uid) ?? pending[0];
  const uses = { alert: example?.alert, containment };
  const { key_file, password_file, data } = home;
  if (serves) reportCommands(terminal, { url, key_file, password_file, data, directory: process.cwd() }, uses);
}

async function keepServing(terminal: Terminal, { service, api }: Serving, signal: AbortSignal): Promise<void> {
  terminal.line();
  terminal.line(
    `${terminal.style('bold', `Countersign serves on ${api.url} until Ctrl-C.`)} Approved containments are shown here:`,
  );
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const failure = await Promise.race([stopped, service.failed]);
  if (failure !== undefined) throw new Problem('service_failed', failure.message);
  terminal.line('Stopping.');
}

/** The stand-in for a tool gateway did as it was told. */
function showOrder(terminal: Terminal, { action, target, identity, approved_by }: Order): void {
  const who = approved_by.map((name) => printable(name, 60)).join(', ');
  terminal.line(
    `${instant(systemClock.now())}  ${terminal.style('green', 'tool gateway:')} ${printable(action)} ${printable(target)} ` +
      `for ${printable(identity)}, countersigned by ${who}. Signature verified; done.`,
  );
}

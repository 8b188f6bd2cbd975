import type { Command } from 'commander';
import { PROCESS_ROLES } from '../../../schemas/config.ts';
import type { Credential } from '../../control/bootstrap.ts';
import { createTelemetry } from '../../platform/telemetry.ts';
import { type GlobalOptions, readConfig } from '../configuration.ts';
import { interruptible } from '../interrupt.ts';
import { EXIT, Problem } from '../problem.ts';
import { type Serving, serve } from '../service/serve.ts';
import { linkAt } from '../sign-in-link.ts';
import { createTerminal, type Terminal } from '../terminal.ts';

export function registerUp(program: Command): void {
  program
    .command('up')
    .summary('run the service')
    .description(
      'Runs Countersign: ingest, detect, deliver, contain and the API, on the embedded log and store, or on the Kafka and ' +
        'ClickHouse of the configuration. There several processes share the work, each in the roles it is given.\n' +
        'The first start creates the data directory and shows the first API keys, once. Logs go to standard error.',
    )
    .option('--role <roles>', `what this process does, of ${PROCESS_ROLES.join(',')} (default: all)`, roles)
    .addHelpText(
      'after',
      '\nExamples:\n  countersign --data /var/lib/countersign up\n  countersign up --role ingest,detect',
    )
    .action(async (_own: unknown, command: Command) => {
      await up(command.optsWithGlobals<Options>());
    });
}

type Options = GlobalOptions & { readonly role?: readonly string[] };

/** May be given several times, and several at once. What is no role is refused with the rest of the configuration. */
function roles(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(',').map((name) => name.trim())];
}

async function up(options: Options): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const loaded = readConfig(options, options.role === undefined ? {} : { roles: options.role });
  const telemetry = createTelemetry({ level: loaded.config.logging.level });
  for (const warning of loaded.warnings) telemetry.logger.warn(warning);
  const interrupt = interruptible();
  const serving = await serve(loaded, telemetry);
  void serving.service.credentials.then((credentials) => introduce(terminal, serving, credentials));
  const stopped = new Promise<undefined>((resolve) => {
    if (interrupt.signal.aborted) resolve(undefined);
    interrupt.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const failure = await Promise.race([stopped, serving.service.failed]);
  if (failure === undefined) terminal.line('stopping: what was acknowledged is being made durable');
  await serving.stop();
  interrupt.done();
  if (failure !== undefined) throw new Problem('service_failed', failure.message);
  process.exitCode = EXIT.done;
}

/** Where the service is, and on first start the keys: they are stored hashed and cannot be shown again. */
function introduce(terminal: Terminal, { service, api }: Serving, credentials: readonly Credential[]): void {
  const { dir, config } = service.parts.ground;
  terminal.record({
    listening: api.url,
    data_dir: dir.root,
    roles: config.roles,
    credentials: credentials.map(({ principal, roles, token, link }) => ({
      name: principal.subject,
      roles,
      token,
      ...(link !== undefined && { link: linkAt(config.public_url ?? api.url, link) }),
    })),
  });
  if (credentials.length > 0) showCredentials(terminal, credentials, config.public_url ?? api.url);
  const log = config.log.kafka === undefined ? '' : `, log on Kafka (${config.log.kafka.brokers.join(', ')})`;
  terminal.line(`Countersign listens on ${terminal.style('bold', api.url)}, data in ${dir.root}${log}`);
  if (service.ports === undefined) terminal.line(`Roles: ${config.roles.join(', ')}; health and metrics only, no API.`);
  terminal.line('Ctrl-C stops it. `countersign --help` lists what to do next.');
}

function showCredentials(terminal: Terminal, credentials: readonly Credential[], url: string): void {
  terminal.line(terminal.style('bold', 'First start. These keys are shown this once; keep them:'));
  terminal.table(
    ['name', 'roles', 'API key'],
    credentials.map(({ principal, roles, token }) => [principal.subject, roles.join(', '), token]),
  );
  const admin = credentials.find(({ roles }) => roles.includes('admin'));
  if (admin !== undefined) terminal.line(`For the commands: export COUNTERSIGN_API_KEY=${admin.token}`);
  for (const { principal, link } of credentials) {
    if (link === undefined) continue;
    terminal.line(`For ${principal.subject} in a browser, once: ${linkAt(url, link)}`);
  }
  terminal.line();
}

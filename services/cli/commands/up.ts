import type { Command } from 'commander';
import type { Credential } from '../../control/bootstrap.ts';
import { createTelemetry } from '../../platform/telemetry.ts';
import { type GlobalOptions, readConfig } from '../configuration.ts';
import { interruptible } from '../interrupt.ts';
import { EXIT, Problem } from '../problem.ts';
import { type Serving, serve } from '../service/serve.ts';
import { createTerminal, type Terminal } from '../terminal.ts';

export function registerUp(program: Command): void {
  program
    .command('up')
    .summary('run the service')
    .description(
      'Runs Countersign in this process on the embedded log and store: ingest, detect, deliver, contain and the API.\n' +
        'The first start creates the data directory and shows the first API keys, once. Logs go to standard error.',
    )
    .addHelpText('after', '\nExample:\n  countersign --data /var/lib/countersign up')
    .action(async (_own: unknown, command: Command) => {
      await up(command.optsWithGlobals<GlobalOptions>());
    });
}

async function up(options: GlobalOptions): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const loaded = readConfig(options);
  const telemetry = createTelemetry({ level: loaded.config.logging.level });
  for (const warning of loaded.warnings) telemetry.logger.warn(warning);
  const interrupt = interruptible();
  const serving = await serve(loaded, telemetry);
  introduce(terminal, serving);
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
function introduce(terminal: Terminal, { service, api }: Serving): void {
  const { credentials, foundation } = service;
  terminal.record({
    listening: api.url,
    data_dir: foundation.dir.root,
    credentials: credentials.map(({ principal, roles, token }) => ({ name: principal.subject, roles, token })),
  });
  if (credentials.length > 0) showCredentials(terminal, credentials);
  terminal.line(`Countersign listens on ${terminal.style('bold', api.url)}, data in ${foundation.dir.root}`);
  terminal.line('Ctrl-C stops it. `countersign --help` lists what to do next.');
}

function showCredentials(terminal: Terminal, credentials: readonly Credential[]): void {
  terminal.line(terminal.style('bold', 'First start. These keys are shown this once; keep them:'));
  terminal.table(
    ['name', 'roles', 'API key'],
    credentials.map(({ principal, roles, token }) => [principal.subject, roles.join(', '), token]),
  );
  const admin = credentials.find(({ roles }) => roles.includes('admin'));
  if (admin !== undefined) terminal.line(`For the commands: export COUNTERSIGN_API_KEY=${admin.token}`);
  terminal.line();
}

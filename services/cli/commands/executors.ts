import type { JsonWebKey } from 'node:crypto';
import type { Command } from 'commander';
import { CONTAINMENT_ACTIONS } from '../../../schemas/alert.ts';
import { IDENTITY_KINDS } from '../../../schemas/event.ts';
import type { ExecutorPlan, Order } from '../../contain/executor.ts';
import { publicJwk, readSigningKey } from '../../contain/executors/signing-key.ts';
import { systemClock } from '../../platform/clock.ts';
import type { FrozenConfig } from '../../platform/config.ts';
import { type GlobalOptions, readConfig } from '../configuration.ts';
import { Problem } from '../problem.ts';
import { openExecutors, plansOf, secretsOf } from '../service/executors.ts';
import { createTerminal } from '../terminal.ts';

export function registerExecutors(program: Command): void {
  const executor = program
    .command('executor')
    .summary('check the configured executors, and publish their keys')
    .description('Executors carry out what was countersigned. These commands read the configuration and ask nobody.');
  executor
    .command('list')
    .summary('list the configured executors')
    .description(
      'Lists the executors of the configuration in the order in which they are asked, with what each carries out. Opens ' +
        'their files as the service would, so it fails where the service would not start. Sends nothing.',
    )
    .addHelpText('after', '\nExample:\n  countersign executor list')
    .action((_own: unknown, own: Command) => list(own.optsWithGlobals<GlobalOptions>()));
  executor
    .command('jwks')
    .summary('show the public keys with which executors sign')
    .description(
      'Shows the public keys of executors that sign tokens as a JWK set (RFC 7517), to be published for receivers of Shared ' +
        'Signals and for authorization servers that authenticate the client by private_key_jwt.',
    )
    .addHelpText('after', '\nExample:\n  countersign executor jwks > jwks.json')
    .action((_own: unknown, own: Command) => jwks(own.optsWithGlobals<GlobalOptions>()));
}

function list(options: GlobalOptions): void {
  const terminal = createTerminal({ json: options.json === true });
  const loaded = readConfig(options);
  openExecutors(loaded, systemClock);
  const plans = plansOf(loaded.config);
  const tenants = ['default', ...loaded.config.contain.executors.flatMap((settings) => settings.tenants ?? [])];
  const rows = plans.map((plan) => ({
    name: plan.name,
    carries_out: ordersOf(plan, tenants, 'contain'),
    takes_back: ordersOf(plan, tenants, 'restore'),
    idempotent: plan.idempotent,
    can_probe: plan.canProbe,
  }));
  for (const row of rows) terminal.record(row);
  if (terminal.json) return;
  if (rows.length === 0) {
    terminal.paragraph('No executor is configured: approved containments expire. See docs/executors.md.');
    return;
  }
  terminal.table(
    ['executor', 'carries out', 'takes back', 'asked again when unclear'],
    rows.map((row) => [
      row.name,
      row.carries_out.join(' '),
      row.takes_back.join(' '),
      row.idempotent && row.can_probe ? 'yes' : 'no',
    ]),
    { flexible: 1 },
  );
}

/** What it carries out for anybody: for an identity of some kind in some tenant. */
function ordersOf(plan: ExecutorPlan, tenants: readonly string[], direction: Order['direction']): string[] {
  return CONTAINMENT_ACTIONS.filter((action) =>
    IDENTITY_KINDS.some((identity_kind) =>
      tenants.some((tenant) => plan.carriesOut({ action, direction, identity_kind, tenant })),
    ),
  );
}

function jwks(options: GlobalOptions): void {
  const { config } = readConfig(options);
  process.stdout.write(`${JSON.stringify({ keys: signingKeys(config) }, undefined, 2)}\n`);
}

function signingKeys({ contain }: FrozenConfig): JsonWebKey[] {
  return contain.executors.flatMap((settings, index) => {
    if (settings.type !== 'ssf' && settings.type !== 'oauth2') return [];
    const where = `contain.executors[${index}] (${settings.name})`;
    const pem = secretsOf(settings, where).private_key_file;
    if (pem === undefined || settings.key_id === undefined) return [];
    const key = readSigningKey(pem);
    if (typeof key === 'string') throw new Problem('config_invalid', `${where}.private_key_file: ${key}`);
    return [publicJwk(key, settings.key_id)];
  });
}

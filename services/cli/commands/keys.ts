import { existsSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import {
  CreatedKey,
  CreatedPrincipal,
  KeyList,
  type KeyView,
  PrincipalList,
  RevokedKey,
} from '../../../schemas/api/access.ts';
import { LOCAL_ISSUER, ROLES, Role } from '../../../schemas/principal.ts';
import { at, type Client } from '../client.ts';
import { asksService } from '../connection.ts';
import { EXIT, Problem } from '../problem.ts';
import { inSession, type Session } from '../session.ts';
import { minute, printable, type Terminal } from '../terminal.ts';
import { readPause, readSpan } from '../when.ts';

type CreateOptions = {
  readonly roles: readonly Role[];
  readonly expiresIn?: number;
  readonly tenants?: readonly string[];
  readonly out?: string;
  readonly person?: boolean;
  readonly machine?: boolean;
};

export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('list, create and revoke API keys')
    .description('API keys of people and machines. Needs the role admin.');
  const list = keys
    .command('list')
    .summary('list keys, without their secrets')
    .description('Lists all API keys, revoked ones too, without their secrets.')
    .addHelpText('after', '\nExample:\n  countersign keys list');
  asksService(list).action(inSession<object>(listKeys));
  const create = keys
    .command('create')
    .summary('make a key, for somebody new too')
    .description(
      'Makes an API key. Its holder must exist, or is added with --person or --machine. The key is shown this once; with ' +
        '--out it goes to a file that only you can read, and not to the screen.',
    )
    .argument('<name>', 'who holds it')
    .requiredOption('--roles <list>', `one or several of ${ROLES.join(',')}`, readRoles)
    .option('--expires-in <span>', 'how long it is valid: 12h, 90d (default: until it is revoked)', readSpan)
    .option('--tenants <list>', 'tenants that the key sees and acts on (default: all)', readList)
    .option('--person', 'add the holder as a person; only people approve')
    .option('--machine', 'add the holder as a machine')
    .option('--out <file>', 'write the key to this new file')
    .addHelpText(
      'after',
      '\nExample:\n  countersign keys create maria --person --roles analyst,approver --out maria.key',
    );
  asksService(create).action(inSession<CreateOptions>(createKey));
  const rotate = keys
    .command('rotate')
    .summary('make a key in the place of another')
    .description(
      'Makes a key with the same holder, roles and tenants as another, which goes on for a while, so that nothing stands still ' +
        'while programs are given the new one. Your own key, or as an administrator any.',
    )
    .argument('<id>', 'id of the key, as `keys list` shows it')
    .option('--overlap <span>', 'how long the old key goes on: 0m, 12h, 7d (default: 1d)', readPause)
    .option('--expires-in <span>', 'how long the new one is valid (default: until it is revoked)', readSpan)
    .option('--out <file>', 'write the key to this new file')
    .addHelpText('after', '\nExample:\n  countersign keys rotate 9c41d7e05a2b6f38 --overlap 12h --out siem.key');
  asksService(rotate).action(inSession<RotateOptions>(rotateKey));
  const revoke = keys
    .command('revoke')
    .summary('revoke a key')
    .description('Revokes an API key, and with it the votes that were given with it and are not executed yet.')
    .argument('<id>', 'id of the key, as `keys list` shows it')
    .addHelpText('after', '\nExample:\n  countersign keys revoke 9c41d7e05a2b6f38');
  asksService(revoke).action(inSession<object>(revokeKey));
}

type RotateOptions = { readonly overlap?: number; readonly expiresIn?: number; readonly out?: string };

function readList(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

export function readRoles(text: string): Role[] {
  return text.split(',').map((name) => {
    const role = Role.safeParse(name.trim());
    if (role.success) return role.data;
    throw new InvalidArgumentError(`Give one or several of ${ROLES.join(',')}.`);
  });
}

async function listKeys({ client, terminal }: Session<object>): Promise<void> {
  const { items } = await client.get('/v1/keys', KeyList);
  for (const key of items) terminal.record(key);
  terminal.table(
    ['key', 'holder', 'roles', 'tenants', 'made (UTC)', 'used (UTC)', 'valid until (UTC)'],
    items.map(({ id, principal, roles, tenants, created, last_used, expires, revoked }) => [
      id,
      holderText(principal),
      roles.join(','),
      tenants === undefined ? 'all' : printable(tenants.join(','), 60),
      minute(created),
      last_used === undefined ? '' : minute(last_used),
      revoked === undefined ? validText(expires) : terminal.style('dim', `revoked ${minute(revoked)}`),
    ]),
    { flexible: 2 },
  );
}

function validText(expires: number | undefined): string {
  return expires === undefined ? 'it is revoked' : minute(expires);
}

export function holderText({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return printable(issuer === LOCAL_ISSUER ? subject : `${subject} (${issuer})`, 60);
}

async function createKey({ client, terminal, options }: Session<CreateOptions>, subject = ''): Promise<void> {
  const { person, machine, out } = options;
  if (person === true && machine === true) {
    throw new Problem('holder_both', 'a holder is a person or a machine: give --person or --machine', EXIT.usage);
  }
  refuseExisting(out);
  const { key, token } = await make(client, subject, options);
  hand(terminal, { key, token, subject, out });
}

async function rotateKey({ client, terminal, options }: Session<RotateOptions>, id = ''): Promise<void> {
  const { overlap, expiresIn, out } = options;
  refuseExisting(out);
  const { key, token } = await client.send('POST', `${at('keys', id)}/rotate`, CreatedKey, {
    ...(overlap !== undefined && { overlap_ms: overlap }),
    ...(expiresIn !== undefined && { expires_in_ms: expiresIn }),
  });
  hand(terminal, { key, token, subject: key.principal.subject, out });
  terminal.line(`${printable(id)} goes on for a while beside it; see \`keys list\`.`);
}

function refuseExisting(out: string | undefined): void {
  if (out === undefined || !existsSync(out)) return;
  throw new Problem('file_exists', `${out} exists: name a new file with --out`, EXIT.usage);
}

type Handed = {
  readonly key: KeyView;
  readonly token: string;
  readonly subject: string;
  readonly out: string | undefined;
};

/** Shows a key this once, or puts it where only its owner reads. */
function hand(terminal: Terminal, { key, token, subject, out }: Handed): void {
  if (out !== undefined) writeFileSync(out, `${token}\n`, { mode: 0o600, flag: 'wx' });
  terminal.record(out === undefined ? { key, token } : { key, file: out });
  terminal.line(`Key ${key.id} for ${printable(subject)} (${key.roles.join(', ')})`);
  if (out !== undefined) {
    terminal.line(`It is in ${out}: --key-file ${out}`);
    return;
  }
  terminal.line(token);
  terminal.line('It is shown this once.');
}

async function make(
  client: Client,
  subject: string,
  { roles, expiresIn, person, machine, tenants }: CreateOptions,
): Promise<{ readonly key: KeyView; readonly token: string }> {
  const lifetime = {
    ...(expiresIn !== undefined && { expires_in_ms: expiresIn }),
    ...(tenants !== undefined && { tenants }),
  };
  if (person === true || machine === true) {
    const { key, token } = await client.send('POST', '/v1/principals', CreatedPrincipal, {
      subject,
      human: person === true,
      roles,
      ...lifetime,
    });
    if (key !== undefined && token !== undefined) return { key, token };
    throw new Problem('answer_not_understood', 'the service made somebody without the key that was asked for');
  }
  const known = await client.get('/v1/principals', PrincipalList);
  const names = known.items.filter(({ revoked }) => revoked === undefined).map(({ principal }) => principal.subject);
  if (!names.includes(subject)) {
    const message = `there is no ${printable(subject)}: add somebody new with --person or --machine. There are ${names.map((name) => printable(name)).join(', ')}.`;
    throw new Problem('principal_unknown', message, EXIT.refused);
  }
  return client.send('POST', '/v1/keys', CreatedKey, { principal: { subject }, roles, ...lifetime });
}

async function revokeKey({ client, terminal }: Session<object>, id = ''): Promise<void> {
  const answer = await client.send('DELETE', at('keys', id), RevokedKey);
  terminal.record(answer);
  terminal.line(`Key ${printable(id)} is revoked.`);
}

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { z } from 'zod';
import { CreatedPrincipal, PrincipalList, RevokedPrincipal } from '../../../schemas/api/access.ts';
import { CreatedLink, EndedSessions, RolesSet, SignedInAnswer } from '../../../schemas/api/sign-in.ts';
import { LOCAL_ISSUER, ROLES, type Role } from '../../../schemas/principal.ts';
import { issueRecoveryLink } from '../../control/bootstrap.ts';
import { systemClock } from '../../platform/clock.ts';
import { createTelemetry } from '../../platform/telemetry.ts';
import { at, createClient } from '../client.ts';
import { readConfig } from '../configuration.ts';
import { asksService, type ConnectionOptions, urlOf } from '../connection.ts';
import { askUnseen, type PasswordOptions, readPassword } from '../password.ts';
import { EXIT, Problem } from '../problem.ts';
import { openGround } from '../service/foundation.ts';
import { inSession, type Session } from '../session.ts';
import { linkAt } from '../sign-in-link.ts';
import { createTerminal, instant, minute, printable, type Terminal } from '../terminal.ts';
import { holderText, readRoles } from './keys.ts';

type RolesOption = { readonly roles: readonly Role[] };

export function registerUsers(program: Command): void {
  const user = program
    .command('user')
    .summary('add, list and remove people, and let them sign in')
    .description('Local people and machines, and who has signed in at a provider. Needs the role admin.');
  const list = user
    .command('list')
    .summary('list people and machines')
    .description('Lists who there is, with their roles.')
    .addHelpText('after', '\nExample:\n  countersign user list');
  asksService(list).action(inSession<object>(listUsers));
  const add = user
    .command('add')
    .summary('add a person, with a one-time link to sign in')
    .description(
      'Adds a local person and shows a link. Whoever opens it in a browser sets a password and is signed in; it works once, ' +
        'and for a day. Nobody has a password that somebody else chose. Machines have keys: `countersign keys create`.',
    )
    .argument('<name>', 'the name to sign in with')
    .requiredOption('--roles <list>', `one or several of ${ROLES.join(',')}`, readRoles)
    .addHelpText('after', '\nExample:\n  countersign user add maria --roles analyst,approver');
  asksService(add).action(inSession<RolesOption>(addUser));
  const link = user
    .command('link')
    .summary('make a new one-time link for a person')
    .description(
      'Makes a new link for a local person who lost the password or the first link; an older link opens nothing any more. ' +
        'When it is opened, all sessions of the person end. With --recover it is made from the data directory, without a key, ' +
        'while the service is stopped: for administrators who cannot get in any more.',
    )
    .argument('<name>', 'of the person')
    .option('--recover', 'from the data directory, while the service is stopped')
    .addHelpText(
      'after',
      '\nExamples:\n  countersign user link maria\n  countersign --data DIR user link admin --recover',
    );
  asksService(link).action(newLink);
  const roles = user
    .command('roles')
    .summary('set what somebody may do')
    .description('Sets the roles of a local person or machine. Keys and sessions that hold more lose it at once.')
    .argument('<name>', 'of the person or machine')
    .requiredOption('--roles <list>', `one or several of ${ROLES.join(',')}`, readRoles)
    .addHelpText('after', '\nExample:\n  countersign user roles maria --roles viewer');
  asksService(roles).action(inSession<RolesOption>(setRoles));
  const out = user
    .command('sign-out')
    .summary('end all sessions of a person')
    .description('Ends all sessions of a person in every process at once; votes that were given in them count no more.')
    .argument('<name>', 'of the person')
    .option('--issuer <issuer>', 'of a person who signs in at a provider', LOCAL_ISSUER)
    .addHelpText('after', '\nExample:\n  countersign user sign-out maria');
  asksService(out).action(inSession<IssuerOption>(signOut));
  const remove = user
    .command('remove')
    .summary('remove somebody, with all keys and sessions')
    .description('Removes a person or machine with all keys and sessions. The name is not given again.')
    .argument('<name>', 'of the person or machine')
    .option('--issuer <issuer>', 'of a person who signs in at a provider', LOCAL_ISSUER)
    .addHelpText('after', '\nExample:\n  countersign user remove maria');
  asksService(remove).action(inSession<IssuerOption>(removeUser));
  registerPassword(user);
}

function registerPassword(user: Command): void {
  const password = user
    .command('password')
    .summary('open a one-time link here, without a browser')
    .description(
      'Opens a one-time link and sets the password, where there is no browser. The link is asked for, or read from a file: ' +
        'as an argument others on this machine could see it. The password is asked for unseen, or read from --password-file.',
    )
    .option('--link-file <file>', 'file that holds the link')
    .option('--password-file <file>', 'file that holds the new password (default: COUNTERSIGN_PASSWORD_FILE)')
    .addHelpText('after', '\nExample:\n  countersign user password --link-file maria.link');
  asksService(password).action(async (_: unknown, command: Command) => {
    await openLink(command.optsWithGlobals<OpenOptions>());
  });
}

type IssuerOption = { readonly issuer: string };

async function listUsers({ client, terminal }: Session<object>): Promise<void> {
  const { items } = await client.get('/v1/principals', PrincipalList);
  for (const one of items) terminal.record(one);
  terminal.table(
    ['name', 'kind', 'roles', 'since (UTC)', 'state'],
    items.map(({ principal, roles, created, revoked }) => [
      holderText(principal),
      principal.human ? 'person' : 'machine',
      roles.join(','),
      minute(created),
      revoked === undefined ? '' : terminal.style('dim', `removed ${minute(revoked)}`),
    ]),
    { flexible: 0 },
  );
}

async function addUser({ client, terminal, options }: Session<RolesOption>, subject = ''): Promise<void> {
  const body = { subject, human: true, roles: options.roles, with: 'link' };
  const { principal, link } = await client.send('POST', '/v1/principals', CreatedPrincipal, body);
  if (link === undefined) throw new Problem('answer_not_understood', 'the service added a person without a link');
  terminal.record({ principal, link: shownAt(client.url, link) });
  terminal.line(`${printable(subject)} is added (${options.roles.join(', ')}).`);
  showLink(terminal, shownAt(client.url, link), link.expires);
}

async function newLink(...given: unknown[]): Promise<void> {
  const command = given.at(-1) as Command;
  const { recover } = command.optsWithGlobals<{ readonly recover?: boolean }>();
  if (recover === true) return recoverLink(command, String(given[0]));
  return inSession<object>(async ({ client, terminal }, subject = '') => {
    const link = await client.send('POST', `${at('principals', LOCAL_ISSUER, subject)}/link`, CreatedLink, {});
    terminal.record({ principal: link.principal, link: shownAt(client.url, link) });
    showLink(terminal, shownAt(client.url, link), link.expires);
  })(...given);
}

/** By whoever holds the data directory, as at the first start: it proves more than any key. */
async function recoverLink(command: Command, subject: string): Promise<void> {
  const options = command.optsWithGlobals<ConnectionOptions>();
  const terminal = createTerminal({ json: options.json === true });
  const loaded = readConfig(options);
  const ground = await openGround(loaded, createTelemetry({ level: 'warn' }));
  try {
    const means = { clock: systemClock, randomBytes };
    const made = await issueRecoveryLink(ground.log, { issuer: LOCAL_ISSUER, subject }, means);
    if (made === undefined) {
      throw new Problem('principal_unknown', `there is no local person ${printable(subject)}`, EXIT.refused);
    }
    const url = linkAt(loaded.config.public_url ?? urlOf(options), made.token);
    terminal.record({ principal: { issuer: LOCAL_ISSUER, subject }, link: url });
    showLink(terminal, url, made.expires);
    terminal.line('Start the service, then open it.');
  } finally {
    await ground.close();
  }
}

function shownAt(url: string, link: z.output<typeof CreatedLink>): string {
  return link.url ?? `${url}${link.path}`;
}

function showLink(terminal: Terminal, url: string, expires: number): void {
  terminal.line(`To set a password and sign in, once, until ${instant(expires)}:`);
  terminal.line(url);
  terminal.line('It is shown this once. Give it to nobody else: whoever opens it first is that person.');
}

async function setRoles({ client, terminal, options }: Session<RolesOption>, subject = ''): Promise<void> {
  const path = `${at('principals', LOCAL_ISSUER, subject)}/roles`;
  const answer = await client.send('PUT', path, RolesSet, { roles: options.roles });
  terminal.record(answer);
  terminal.line(`${printable(subject)} has the roles ${answer.roles.join(', ')}.`);
}

async function signOut({ client, terminal, options }: Session<IssuerOption>, subject = ''): Promise<void> {
  const answer = await client.send('DELETE', `${at('principals', options.issuer, subject)}/sessions`, EndedSessions);
  terminal.record(answer);
  terminal.line(`${printable(subject)} is signed out everywhere.`);
}

async function removeUser({ client, terminal, options }: Session<IssuerOption>, subject = ''): Promise<void> {
  const answer = await client.send('DELETE', at('principals', options.issuer, subject), RevokedPrincipal);
  terminal.record(answer);
  terminal.line(`${printable(subject)} is removed.`);
}

type OpenOptions = ConnectionOptions & PasswordOptions & { readonly linkFile?: string };

/** A link opens the door by itself, so no key goes with it. */
async function openLink(options: OpenOptions): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const link = await linkGiven(options);
  const password = await readPassword(options, 'New password, unseen: ');
  if (password === undefined) {
    throw new Problem('password_missing', 'there is nobody to ask: name a file with --password-file', EXIT.usage);
  }
  const client = createClient({ url: urlOf(options), key: undefined });
  const token = link.split('#').at(-1)?.trim() ?? '';
  const { principal } = await client.send('POST', '/auth/link', SignedInAnswer, { token, password });
  terminal.record({ principal });
  terminal.line(`The password of ${printable(principal.subject)} is set.`);
}

async function linkGiven({ linkFile }: OpenOptions): Promise<string> {
  if (linkFile !== undefined) return linkIn(linkFile);
  const typed = process.stdin.isTTY === true ? await askUnseen('The link, unseen: ') : undefined;
  if (typed !== undefined) return typed;
  throw new Problem('link_missing', 'there is nobody to ask: name a file with --link-file', EXIT.usage);
}

function linkIn(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem('link_unreadable', `cannot read ${file}: ${(error as Error).message}`, EXIT.usage);
  }
}

import type { ControlRecord } from '../../schemas/control.ts';
import {
  LOCAL_ISSUER,
  type Principal,
  type PrincipalRef,
  principalKey,
  type Role,
  SYSTEM,
} from '../../schemas/principal.ts';
import type { SignInLink } from '../../schemas/session.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventLog } from '../platform/event-log.ts';
import { type MintedKey, mintKey, type RandomBytes } from './keys.ts';
import { mintLink } from './tokens.ts';
import { appendControl } from './writer.ts';

/** A principal and the token that is shown once. */
export type Credential = {
  readonly principal: Principal;
  readonly roles: readonly Role[];
  readonly key: string;
  readonly token: string;
  /** Of a person: the token of the one-time link with which they set a password. */
  readonly link?: string;
};

export type FirstPrincipal = { readonly principal: Principal; readonly roles: readonly Role[] };

const local = (subject: string, human: boolean): Principal => ({ issuer: LOCAL_ISSUER, subject, human });

/** Who is there from the first start on. */
const FIRST_PRINCIPALS: readonly FirstPrincipal[] = [
  { principal: local('admin', true), roles: ['admin', 'analyst', 'approver', 'viewer'] },
  { principal: local('ingest', false), roles: ['ingest'] },
  { principal: local('siem', false), roles: ['siem'] },
];

type Means = { readonly clock: Clock; readonly randomBytes: RandomBytes };

/**
 * Creates the first principals and their keys, once: of processes that race, one creates them and gets the tokens, the
 * others get an empty list, and so does every later start.
 */
export async function bootstrapCredentials(
  log: EventLog,
  { clock, randomBytes }: Means,
  first: readonly FirstPrincipal[] = FIRST_PRINCIPALS,
): Promise<readonly Credential[]> {
  const now = clock.now();
  const minted = first.map((one) => ({
    ...one,
    key: mintKey(randomBytes),
    link: one.principal.human ? mintLink(one.principal, { randomBytes, now }) : undefined,
  }));
  const written = await appendControl(log, clock, instanceName('bootstrap', randomBytes), (state) => {
    if (state.principals.size > 0) return [];
    return minted.flatMap((one) => [
      principalCreated(one, now),
      keyCreated(one, one.key, now),
      ...(one.link === undefined ? [] : [linkCreated(one.link.link, now)]),
    ]);
  });
  if (written.length === 0) return [];
  return minted.map((one) => ({ ...shown(one, one.key), ...(one.link && { link: one.link.token }) }));
}

/**
 * A new key for a principal that lost its own, made by whoever holds the data directory while the service is stopped.
 * Undefined when there is no such principal, or it was revoked.
 */
export async function issueRecoveryKey(
  log: EventLog,
  principal: PrincipalRef,
  { clock, randomBytes }: Means,
): Promise<Credential | undefined> {
  const now = clock.now();
  const key = mintKey(randomBytes);
  let holder: FirstPrincipal | undefined;
  await appendControl(log, clock, instanceName('recovery', randomBytes), (state) => {
    const entry = state.principals.get(principalKey(principal));
    holder = entry?.revoked === undefined ? entry : undefined;
    return holder === undefined ? [] : [keyCreated(holder, key, now)];
  });
  return holder === undefined ? undefined : shown(holder, key);
}

/**
 * A one-time link for a local person, made by whoever holds the data directory while the service is stopped: for somebody
 * who cannot sign in any more, and whom no administrator can help. Undefined when there is no such person.
 */
export async function issueRecoveryLink(
  log: EventLog,
  principal: PrincipalRef,
  { clock, randomBytes }: Means,
): Promise<{ readonly token: string; readonly expires: number } | undefined> {
  const now = clock.now();
  const { link, token } = mintLink(principal, { randomBytes, now });
  const written = await appendControl(log, clock, instanceName('recovery', randomBytes), (state) => {
    const entry = state.principals.get(principalKey(principal));
    const local = principal.issuer === LOCAL_ISSUER && entry?.principal.human === true;
    return local && entry.revoked === undefined ? [linkCreated(link, now)] : [];
  });
  return written.length === 0 ? undefined : { token, expires: link.expires };
}

function instanceName(what: string, randomBytes: RandomBytes): string {
  return `${what}-${randomBytes(8).toString('hex')}`;
}

const audit = { v: 1, who: { issuer: SYSTEM.issuer, subject: SYSTEM.subject } } as const;

function principalCreated({ principal, roles }: FirstPrincipal, now: number): ControlRecord {
  const what = `principal ${principalKey(principal)} created at first start`;
  return { ...audit, when: now, what, kind: 'principal_created', principal, roles: [...roles] };
}

function keyCreated({ principal, roles }: FirstPrincipal, key: MintedKey, now: number): ControlRecord {
  return {
    ...audit,
    when: now,
    what: `key ${key.id} created for ${principalKey(principal)} from the data directory`,
    kind: 'key_created',
    key: {
      id: key.id,
      hash: key.hash,
      principal: { issuer: principal.issuer, subject: principal.subject },
      roles: [...roles],
      created: now,
      created_by: audit.who,
    },
  };
}

function linkCreated(link: SignInLink, now: number): ControlRecord {
  const what = `link ${link.id} created for ${principalKey(link.principal)} from the data directory`;
  return { ...audit, when: now, what, kind: 'link_created', link };
}

function shown({ principal, roles }: FirstPrincipal, { id, token }: MintedKey): Credential {
  return { principal, roles, key: id, token };
}

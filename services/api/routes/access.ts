import { z } from 'zod';
import {
  CreatedKey,
  CreatedPrincipal,
  CreateKeyBody,
  CreatePrincipalBody,
  KeyList,
  type KeyView,
  PrincipalList,
  RevokedKey,
  RevokedPrincipal,
  RotateKeyBody,
  WhoAmI,
} from '../../../schemas/api/access.ts';
import { KeyId, LOCAL_ISSUER, PrincipalRef, principalKey } from '../../../schemas/principal.ts';
import { mintKey } from '../../control/keys.ts';
import type { PrincipalEntry } from '../../control/state.ts';
import { mintLink } from '../../control/tokens.ts';
import { command } from '../commands.ts';
import { defined } from '../defined.ts';
import type { Ports } from '../ports.ts';
import { callerOf, type Route, route } from '../route.ts';
import { keyView, linkView } from '../views.ts';

const ADMIN = ['admin'] as const;

const whoami = route({
  method: 'GET',
  url: '/v1/whoami',
  access: 'authenticated',
  tag: 'access',
  summary: 'Whose key this is, and what it may do',
  answer: WhoAmI,
  async handle(asked) {
    const { principal, roles, credential, expires, session } = callerOf(asked);
    const shown = session === undefined ? { key: credential } : { session: session.id };
    return { principal, roles: [...roles], ...shown, ...defined({ expires }) };
  },
});

const listKeys = route({
  method: 'GET',
  url: '/v1/keys',
  access: ADMIN,
  tag: 'access',
  summary: 'All API keys, revoked ones too, without their secrets',
  answer: KeyList,
  handle: async ({ context: { ports, lastUsed } }) => ({
    items: [...ports.control.state.keys.values()].map((entry) => keyView(entry, lastUsed(entry.key.id))),
  }),
});

const createKey = route({
  method: 'POST',
  url: '/v1/keys',
  access: ADMIN,
  tag: 'access',
  summary: 'Make an API key for a principal; its token is in this answer and nowhere else',
  body: CreateKeyBody,
  answer: CreatedKey,
  status: 201,
  async handle(asked) {
    const { ports } = asked.context;
    const { principal, roles, expires_in_ms, tenants } = asked.body;
    const { id, hash, token } = mintKey(ports.randomBytes);
    const key = { id, hash, roles, ...expiry(ports, expires_in_ms), ...defined({ tenants }) };
    const refused = await command(asked, callerOf(asked), { type: 'key_create', principal, key });
    return refused ?? { key: shownKey(ports, id), token };
  },
});

const revokeKey = route({
  method: 'DELETE',
  url: '/v1/keys/:id',
  access: ADMIN,
  tag: 'access',
  summary: 'Revoke an API key, and with it the votes that were given with it and are not executed yet',
  params: z.object({ id: KeyId }),
  answer: RevokedKey,
  async handle(asked) {
    const key = asked.params.id;
    const refused = await command(asked, callerOf(asked), { type: 'key_revoke', key });
    return refused ?? { key, state: 'revoked' as const };
  },
});

const listPrincipals = route({
  method: 'GET',
  url: '/v1/principals',
  access: ADMIN,
  tag: 'access',
  summary: 'People and machines that hold keys',
  answer: PrincipalList,
  handle: async ({ context }) => ({
    items: [...context.ports.control.state.principals.values()].map(principalView),
  }),
});

const createPrincipal = route({
  method: 'POST',
  url: '/v1/principals',
  access: ADMIN,
  tag: 'access',
  summary: 'Add a local person or machine with a first key; the token is in this answer and nowhere else',
  body: CreatePrincipalBody,
  answer: CreatedPrincipal,
  status: 201,
  async handle(asked) {
    const { ports } = asked.context;
    const { subject, human, roles, expires_in_ms, tenants } = asked.body;
    const principal = { issuer: LOCAL_ISSUER, subject, human };
    const { id, hash, token } = mintKey(ports.randomBytes);
    const minted = mintLink(principal, { randomBytes: ports.randomBytes, now: ports.clock.now() });
    const keyed = asked.body.with === 'key';
    const refused = await command(asked, callerOf(asked), {
      type: 'user_add',
      principal,
      roles,
      ...(keyed
        ? { key: { id, hash, roles, ...expiry(ports, expires_in_ms), ...defined({ tenants }) } }
        : { link: minted.link }),
    });
    if (refused !== undefined) return refused;
    const entry = ports.control.state.principals.get(principalKey(principal));
    if (entry === undefined) throw new Error('a principal that was added is not in the control state');
    const shown = { principal: principalView(entry) };
    return keyed ? { ...shown, key: shownKey(ports, id), token } : { ...shown, link: linkView(ports, minted) };
  },
});

const rotateKey = route({
  method: 'POST',
  url: '/v1/keys/:id/rotate',
  access: 'authenticated',
  tag: 'access',
  summary: 'Make a key in the place of another, which goes on for a while; your own, or as an administrator any',
  params: z.object({ id: KeyId }),
  body: RotateKeyBody,
  answer: CreatedKey,
  status: 201,
  async handle(asked) {
    const { ports } = asked.context;
    const { id, hash, token } = mintKey(ports.randomBytes);
    const { overlap_ms, expires_in_ms } = asked.body;
    const replacement = { id, hash, ...expiry(ports, expires_in_ms) };
    const key = asked.params.id;
    const refused = await command(asked, callerOf(asked), { type: 'key_rotate', key, replacement, overlap_ms });
    return refused ?? { key: shownKey(ports, id), token };
  },
});

const revokePrincipal = route({
  method: 'DELETE',
  url: '/v1/principals/:issuer/:subject',
  access: ADMIN,
  tag: 'access',
  summary: 'Revoke a principal with all its keys',
  params: PrincipalRef,
  answer: RevokedPrincipal,
  async handle(asked) {
    const principal = asked.params;
    const refused = await command(asked, callerOf(asked), { type: 'user_remove', principal });
    return refused ?? { principal, state: 'revoked' as const };
  },
});

export const access: readonly Route[] = [
  whoami,
  listKeys,
  createKey,
  rotateKey,
  revokeKey,
  listPrincipals,
  createPrincipal,
  revokePrincipal,
];

function expiry({ clock }: Ports, lifetime_ms: number | undefined): { expires?: number } {
  return lifetime_ms === undefined ? {} : { expires: clock.now() + lifetime_ms };
}

/** The key as the control log has it: the bus answers only once the view holds what was decided. */
function shownKey({ control }: Ports, id: string): KeyView {
  const entry = control.state.keys.get(id);
  if (entry === undefined) throw new Error('a key that was made is not in the control state');
  return keyView(entry);
}

function principalView({ principal, roles, created, revoked }: PrincipalEntry) {
  return { principal, roles: [...roles], created, ...defined({ revoked }) };
}

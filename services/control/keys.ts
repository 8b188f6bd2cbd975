import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type Principal,
  type PrincipalRef,
  principalKey,
  type Role,
  SYSTEM,
  samePrincipal,
} from '../../schemas/principal.ts';
import type { ControlState } from './state.ts';

const ID_BYTES = 8;
/** 192 random bits: no guess finds one, so a fast hash without salt protects it. */
const SECRET_BYTES = 24;
const TOKEN = /^csk_([0-9a-f]{16})_[A-Za-z0-9_-]{32}$/;

/** Random bytes, as `node:crypto` makes them; passed in by the shell that mints a key. */
export type RandomBytes = (size: number) => Buffer;

export type MintedKey = { readonly id: string; readonly token: string; readonly hash: string };

/** Makes an API key `csk_<id>_<secret>`. The token is shown once; only its hash is stored. */
export function mintKey(randomBytes: RandomBytes): MintedKey {
  const id = randomBytes(ID_BYTES).toString('hex');
  const token = `csk_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { id, token, hash: hashToken(token).toString('hex') };
}

/** SHA-256 of a whole token: all tokens have 192 random bits. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

const AUTHENTICATION_REFUSALS = [
  'key_malformed',
  'key_refused',
  'key_revoked',
  'key_expired',
  'session_malformed',
  'session_refused',
  'session_ended',
  'session_expired',
  'session_idle',
  'session_elsewhere',
] as const;
export type AuthenticationRefusal = (typeof AUTHENTICATION_REFUSALS)[number];

export type Authentication =
  | {
      readonly kind: 'authenticated';
      readonly principal: Principal;
      readonly roles: readonly Role[];
      /** Id of the key: goes into the `credential` of every command. */
      readonly credential: string;
      readonly expires: number | undefined;
      /** Tenants that it sees; undefined: all. */
      readonly tenants: readonly string[] | undefined;
    }
  | { readonly kind: 'refused'; readonly code: AuthenticationRefusal };

const NOBODY = Buffer.alloc(32);

/**
 * Who a token belongs to, and what its key may do. The secret is compared in constant time, also for an id that does not
 * exist; the reason of a refusal is for the log, a caller over HTTP learns only that it is not authenticated.
 */
export function authenticate(token: string, state: ControlState, now: number): Authentication {
  const id = TOKEN.exec(token)?.[1];
  if (id === undefined) return { kind: 'refused', code: 'key_malformed' };
  const entry = state.keys.get(id);
  const expected = entry === undefined ? NOBODY : Buffer.from(entry.key.hash, 'hex');
  const equal = timingSafeEqual(hashToken(token), expected);
  if (!equal || entry === undefined) return { kind: 'refused', code: 'key_refused' };
  const refusal = keyRefusal(state, id, now);
  const holder = state.principals.get(principalKey(entry.key.principal));
  if (refusal !== undefined || holder === undefined) return { kind: 'refused', code: refusal ?? 'key_refused' };
  const roles = entry.key.roles.filter((role) => holder.roles.includes(role));
  return {
    kind: 'authenticated',
    principal: holder.principal,
    roles,
    credential: id,
    expires: entry.key.expires,
    tenants: entry.key.tenants,
  };
}

/** Whom a credential, key or session, belongs to; undefined when it is not known. */
export function holderOf(state: ControlState, credential: string): PrincipalRef | undefined {
  return state.keys.get(credential)?.key.principal ?? state.sessions.get(credential)?.session.principal;
}

/** Why a key or a session cannot be used now; undefined when it can. */
export function keyRefusal(state: ControlState, id: string, now: number): AuthenticationRefusal | undefined {
  const entry = state.keys.get(id);
  if (entry === undefined) return sessionRefusal(state, id, now);
  if (entry.revoked !== undefined) return 'key_revoked';
  return entry.key.expires !== undefined && now >= entry.key.expires ? 'key_expired' : undefined;
}

function sessionRefusal(state: ControlState, id: string, now: number): AuthenticationRefusal | undefined {
  const entry = state.sessions.get(id);
  if (entry === undefined) return 'key_refused';
  if (entry.ended !== undefined) return 'session_ended';
  return now >= entry.session.expires ? 'session_expired' : undefined;
}

/**
 * What a principal is at this point of the log, through the key or session it used: revoking the principal, the key or the
 * session takes all roles away, also for votes that were given with it. That a key or session has expired, or that its
 * holder signed out, is not looked at: it ended no earlier act.
 */
export function standingOf(
  state: ControlState,
  by: PrincipalRef,
  credential: string | undefined,
): { readonly human: boolean; readonly roles: readonly Role[] } {
  if (samePrincipal(by, SYSTEM)) return { human: false, roles: [] };
  const holder = state.principals.get(principalKey(by));
  if (holder === undefined || holder.revoked !== undefined) return { human: false, roles: [] };
  const granted = credential === undefined ? [] : grantedBy(state, by, credential);
  return { human: holder.principal.human, roles: holder.roles.filter((role) => granted.includes(role)) };
}

/** What a credential of this principal may do at most; nothing when it was revoked or is of somebody else. */
function grantedBy(state: ControlState, by: PrincipalRef, credential: string): readonly Role[] {
  const key = state.keys.get(credential);
  if (key !== undefined) return key.revoked === undefined && samePrincipal(key.key.principal, by) ? key.key.roles : [];
  const entry = state.sessions.get(credential);
  if (entry === undefined || entry.ended?.how === 'revoked') return [];
  return samePrincipal(entry.session.principal, by) ? entry.session.roles : [];
}

/** Tenants that a credential is bound to; undefined when it is bound to none. */
export function tenantsOf(state: ControlState, credential: string | undefined): readonly string[] | undefined {
  return credential === undefined ? undefined : state.keys.get(credential)?.key.tenants;
}

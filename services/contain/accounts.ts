import type { Command, Outcome } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import {
  LOCAL_ISSUER,
  type PrincipalRef,
  principalKey,
  type Role,
  SYSTEM,
  samePrincipal,
} from '../../schemas/principal.ts';
import type { SignInLink } from '../../schemas/session.ts';
import { keyRefusal, standingOf } from '../control/keys.ts';
import type { ControlState } from '../control/state.ts';
import { linkObjection, writeLink } from './sessions.ts';
import { audit, refusal, type Turn, write } from './turn.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;
type NewKey = Of<'key_create'>['key'];

export function addUser(turn: Turn, command: Of<'user_add'>): Outcome {
  const { principal, roles, key, link } = command;
  const { principals } = turn.state;
  if (principals.has(principalKey(principal)) || principal.issuer === SYSTEM.issuer) {
    return refusal('principal_exists', 'this name is taken, also by somebody who was removed; choose another');
  }
  if (principals.size >= LIMITS.principals_max)
    return refusal('too_many', `at most ${LIMITS.principals_max} principals`);
  if (roles.includes('approver') && !principal.human) {
    return refusal('approver_must_be_human', 'a machine cannot hold the role approver');
  }
  const objection = (key && keyObjection(turn, key, roles)) ?? (link && newLinkObjection(turn, command, link));
  if (objection !== undefined) return objection;
  const what = `principal ${principalKey(principal)} created`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'principal_created',
    principal,
    roles,
  });
  if (key !== undefined) writeKey(turn, command, key, principal);
  if (link !== undefined) writeLink(turn, link, command);
  return { kind: 'done', subject: principalKey(principal), state: 'created' };
}

function newLinkObjection(turn: Turn, { principal }: Of<'user_add'>, link: SignInLink): Outcome | undefined {
  if (!samePrincipal(link.principal, principal)) return refusal('link_refused', 'the link is of somebody else');
  return linkObjection(turn, link, principal);
}

/** Local people and machines; the roles of others are what their provider and the policy say. */
export function setRoles(turn: Turn, command: Of<'roles_set'>): Outcome {
  const { principal, roles } = command;
  const entry = turn.state.principals.get(principalKey(principal));
  if (entry === undefined || entry.revoked !== undefined) {
    return refusal('principal_unknown', 'there is no such principal, or it was removed');
  }
  if (principal.issuer !== LOCAL_ISSUER) {
    return refusal('not_local', 'the roles of people of a provider follow from its claims and the policy');
  }
  if (roles.includes('approver') && !entry.principal.human) {
    return refusal('approver_must_be_human', 'a machine cannot hold the role approver');
  }
  const keepsAdmin = roles.includes('admin') || adminRemains(turn, (of) => samePrincipal(of, principal));
  if (!keepsAdmin) return lastAdmin();
  const what = `principal ${principalKey(principal)} has the roles ${roles.join(', ')}`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'roles_set',
    principal: { issuer: principal.issuer, subject: principal.subject },
    roles,
  });
  return { kind: 'done', subject: principalKey(principal), state: 'roles_set' };
}

export function removeUser(turn: Turn, command: Of<'user_remove'>): Outcome {
  const { principal } = command;
  const entry = turn.state.principals.get(principalKey(principal));
  if (entry === undefined) return refusal('principal_unknown', 'there is no such principal');
  if (entry.revoked !== undefined) return refusal('already_revoked', 'this principal was removed before');
  if (!adminRemains(turn, (of) => samePrincipal(of, principal))) return lastAdmin();
  const what = `principal ${principalKey(principal)} revoked`;
  write(turn, { ...audit(turn, { who: command.by, what, command: command.id }), kind: 'principal_revoked', principal });
  return { kind: 'done', subject: principalKey(principal), state: 'revoked' };
}

export function createKey(turn: Turn, command: Of<'key_create'>): Outcome {
  const entry = turn.state.principals.get(principalKey(command.principal));
  if (entry === undefined || entry.revoked !== undefined) {
    return refusal('principal_unknown', 'there is no such principal, or it was removed');
  }
  const objection = keyObjection(turn, command.key, entry.roles);
  if (objection !== undefined) return objection;
  writeKey(turn, command, command.key, command.principal);
  return { kind: 'done', subject: command.key.id, state: 'created' };
}

/** A key with the rights of another takes its place; the other goes on for a while, so that nothing stands still. */
export function rotateKey(turn: Turn, command: Of<'key_rotate'>): Outcome {
  const { state, context } = turn;
  const entry = state.keys.get(command.key);
  const own = entry !== undefined && samePrincipal(entry.key.principal, command.by);
  if (!own && !standingOf(state, command.by, command.credential).roles.includes('admin')) {
    return refusal('role_missing', 'rotating the key of another needs the role admin');
  }
  if (entry === undefined) return refusal('key_unknown', 'there is no such key');
  if (keyRefusal(state, command.key, context.now) !== undefined || entry.replaced_by !== undefined) {
    return refusal('already_revoked', 'this key was revoked, rotated, or has expired; make a new one');
  }
  const { principal, roles, tenants } = entry.key;
  const key = { ...command.replacement, roles, ...(tenants !== undefined && { tenants }) };
  const objection = keyObjection(turn, key, roles);
  if (objection !== undefined) return objection;
  writeKey(turn, command, key, principal);
  const expires = Math.min(entry.key.expires ?? Number.POSITIVE_INFINITY, context.now + command.overlap_ms);
  const what = `key ${command.key} replaced by ${key.id}`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'key_rotated',
    key: command.key,
    replaced_by: key.id,
    expires,
  });
  return { kind: 'done', subject: key.id, state: 'created' };
}

/** Everybody may revoke their own keys, an admin any. */
export function revokeKey(turn: Turn, command: Of<'key_revoke'>): Outcome {
  const entry = turn.state.keys.get(command.key);
  const { roles } = standingOf(turn.state, command.by, command.credential);
  const own = entry !== undefined && samePrincipal(entry.key.principal, command.by);
  if (!own && !roles.includes('admin'))
    return refusal('role_missing', 'revoking the key of another needs the role admin');
  if (entry === undefined) return refusal('key_unknown', 'there is no such key');
  if (entry.revoked !== undefined) return refusal('already_revoked', 'this key was revoked before');
  if (!adminRemains(turn, (_, key) => key === command.key)) return lastAdmin();
  const what = `key ${command.key} revoked`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'key_revoked',
    key: command.key,
  });
  return { kind: 'done', subject: command.key, state: 'revoked' };
}

function keyObjection(turn: Turn, key: NewKey, held: readonly Role[]): Outcome | undefined {
  if (turn.state.keys.has(key.id)) return refusal('key_exists', 'a key with this id exists; make another');
  if (turn.state.keys.size >= LIMITS.keys_max) return refusal('too_many', `at most ${LIMITS.keys_max} keys`);
  if (key.roles.every((role) => held.includes(role))) return undefined;
  return refusal('role_not_held', `the principal holds only ${held.join(', ')}`);
}

function writeKey(turn: Turn, command: Command, key: NewKey, holder: PrincipalRef): void {
  const { id, hash, roles, expires, tenants } = key;
  const created_by = { issuer: command.by.issuer, subject: command.by.subject };
  const principal = { issuer: holder.issuer, subject: holder.subject };
  write(turn, {
    ...audit(turn, { who: command.by, what: `key ${id} created for ${principalKey(holder)}`, command: command.id }),
    kind: 'key_created',
    key: {
      id,
      hash,
      principal,
      roles,
      created: turn.context.now,
      created_by,
      ...(expires !== undefined && { expires }),
      ...(tenants !== undefined && { tenants }),
    },
  });
}

/** True when somebody can still administer after those that `goes` names are gone: nobody locks everybody out. */
function adminRemains(turn: Turn, goes: (principal: PrincipalRef, key?: string) => boolean): boolean {
  const { keys, passwords, principals }: ControlState = turn.state;
  for (const { key } of keys.values()) {
    if (goes(key.principal, key.id) || keyRefusal(turn.state, key.id, turn.context.now) !== undefined) continue;
    if (standingOf(turn.state, key.principal, key.id).roles.includes('admin')) return true;
  }
  for (const { principal, roles, revoked } of principals.values()) {
    if (revoked !== undefined || !roles.includes('admin') || goes(principal)) continue;
    if (passwords.has(principalKey(principal))) return true;
  }
  return false;
}

function lastAdmin(): Outcome {
  return refusal('last_admin', 'nobody could administer afterwards; create another admin key first');
}

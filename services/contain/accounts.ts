import type { Command, Outcome } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type PrincipalRef, principalKey, type Role, SYSTEM, samePrincipal } from '../../schemas/principal.ts';
import { keyRefusal, standingOf } from '../control/keys.ts';
import type { ControlState } from '../control/state.ts';
import { audit, refusal, type Turn, write } from './turn.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

export function addUser(turn: Turn, command: Of<'user_add'>): Outcome {
  const { principal, roles, key } = command;
  const { principals } = turn.state;
  if (principals.has(principalKey(principal)) || principal.issuer === SYSTEM.issuer) {
    return refusal('principal_exists', 'this name is taken, also by somebody who was removed; choose another');
  }
  if (principals.size >= LIMITS.principals_max)
    return refusal('too_many', `at most ${LIMITS.principals_max} principals`);
  if (roles.includes('approver') && !principal.human) {
    return refusal('approver_must_be_human', 'a machine cannot hold the role approver');
  }
  const objection = keyObjection(turn, key, roles);
  if (objection !== undefined) return objection;
  const what = `principal ${principalKey(principal)} created`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'principal_created',
    principal,
    roles,
  });
  writeKey(turn, command, principal);
  return { kind: 'done', subject: principalKey(principal), state: 'created' };
}

export function removeUser(turn: Turn, command: Of<'user_remove'>): Outcome {
  const { principal } = command;
  const entry = turn.state.principals.get(principalKey(principal));
  if (entry === undefined) return refusal('principal_unknown', 'there is no such principal');
  if (entry.revoked !== undefined) return refusal('already_revoked', 'this principal was removed before');
  if (!adminRemains(turn, (key) => samePrincipal(key.principal, principal))) return lastAdmin();
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
  writeKey(turn, command, command.principal);
  return { kind: 'done', subject: command.key.id, state: 'created' };
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
  if (!adminRemains(turn, (key) => key.id === command.key)) return lastAdmin();
  const what = `key ${command.key} revoked`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'key_revoked',
    key: command.key,
  });
  return { kind: 'done', subject: command.key, state: 'revoked' };
}

function keyObjection(turn: Turn, key: Of<'key_create'>['key'], held: readonly Role[]): Outcome | undefined {
  if (turn.state.keys.has(key.id)) return refusal('key_exists', 'a key with this id exists; make another');
  if (turn.state.keys.size >= LIMITS.keys_max) return refusal('too_many', `at most ${LIMITS.keys_max} keys`);
  if (key.roles.every((role) => held.includes(role))) return undefined;
  return refusal('role_not_held', `the principal holds only ${held.join(', ')}`);
}

function writeKey(turn: Turn, command: Of<'user_add'> | Of<'key_create'>, holder: PrincipalRef): void {
  const { id, hash, roles, expires } = command.key;
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
    },
  });
}

/** True when a usable admin key is left after those that `goes` names are gone: nobody locks everybody out. */
function adminRemains(turn: Turn, goes: (key: { id: string; principal: PrincipalRef }) => boolean): boolean {
  const { keys }: ControlState = turn.state;
  for (const { key } of keys.values()) {
    if (goes(key) || keyRefusal(turn.state, key.id, turn.context.now) !== undefined) continue;
    if (standingOf(turn.state, key.principal, key.id).roles.includes('admin')) return true;
  }
  return false;
}

function lastAdmin(): Outcome {
  return refusal('last_admin', 'nobody could administer afterwards; create another admin key first');
}

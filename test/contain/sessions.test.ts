import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Command } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { LOCAL_ISSUER, type Role, SYSTEM } from '../../schemas/principal.ts';
import type { Session, SignInLink } from '../../schemas/session.ts';
import { onCommand } from '../../services/contain/commands.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { openTurn } from '../../services/contain/turn.ts';
import { standingOf } from '../../services/control/keys.ts';
import { applyControl, type ControlState, emptyControlState } from '../../services/control/state.ts';

const NOW = Date.UTC(2026, 2, 2);
const CORP = 'https://login.example.com';
const HASH = 'a'.repeat(64);
const ANN = { issuer: LOCAL_ISSUER, subject: 'ann' };
const SYSTEM_REF = { issuer: SYSTEM.issuer, subject: SYSTEM.subject };
const VERIFIER = { algorithm: 'scrypt', n: 2 ** 15, r: 8, p: 3, salt: 'a'.repeat(24), key: 'b'.repeat(44) } as const;

describe('how somebody gets in, as the responder decides it', () => {
  let state: ControlState;
  let asked = 0;
  const audit = { v: 1, who: SYSTEM_REF, when: NOW, what: 'test' } as const;
  beforeEach(() => {
    state = emptyControlState();
    for (const [subject, human, roles] of [
      ['ann', true, ['admin', 'approver']],
      ['robot', false, ['viewer']],
    ] as const) {
      const principal = { issuer: LOCAL_ISSUER, subject, human };
      applyControl(state, { ...audit, kind: 'principal_created', principal, roles: [...roles] });
    }
    applyControl(state, { ...audit, kind: 'link_created', link: linkOf('ann') });
  });

  type Body<T> = T extends Command ? Omit<T, 'id' | 'by' | 'time'> : never;
  const ask = (body: Body<Command>, by: { issuer: string; subject: string } = SYSTEM_REF, now = NOW): string => {
    const command = { ...body, id: `command-${++asked}`, by, time: now } as Command;
    onCommand(openTurn(state, { now, policy: BUILT_IN_POLICY, executors: [], dispatches: true }), command);
    const outcome = state.outcomes.get(command.id)?.outcome;
    return outcome?.kind === 'refused' ? outcome.code : (outcome?.state ?? 'nothing');
  };
  const linkOf = (subject: string, expires = NOW + 1000): SignInLink => ({
    id: 'f'.repeat(32),
    hash: HASH,
    principal: { issuer: LOCAL_ISSUER, subject },
    expires,
  });
  const session = (over: Partial<Session> = {}): Session => ({
    id: (++asked).toString(16).padStart(32, '0'),
    hash: HASH,
    principal: ANN,
    roles: ['approver'],
    method: 'link',
    authenticated: NOW,
    created: NOW,
    expires: NOW + 3_600_000,
    ...over,
  });
  const link = 'f'.repeat(32);
  const corp = (subject: string, roles: Role[], over: Partial<Session> = {}) => {
    const principal = { issuer: CORP, subject };
    return {
      type: 'session_start',
      session: session({ principal, roles, method: 'oidc', ...over }),
      signed_in: { ...principal, human: true },
    } as const;
  };

  test('a link opens once, in time, for its person', () => {
    const start = { type: 'session_start', link, password: VERIFIER } as const;
    assert.equal(ask({ ...start, session: session() }, SYSTEM_REF, NOW + 1000), 'link_refused');
    assert.equal(ask({ ...start, session: session({ roles: ['viewer'] }) }), 'role_not_held');
    assert.equal(ask({ ...start, session: session({ principal: { ...ANN, subject: 'robot' } }) }), 'not_human');
    assert.equal(ask({ ...start, session: session() }), 'started');
    assert.equal(ask({ ...start, session: session() }), 'link_refused');
    assert.ok(state.passwords.size === 1);
  });

  test('nobody but a process of ours says who has signed in', () => {
    assert.equal(ask({ type: 'session_start', session: session(), link }), 'started');
    const [own] = state.sessions.keys();
    const forged = { type: 'session_start', session: session(), credential: own } as const;
    assert.equal(ask(forged, ANN), 'role_missing');
  });

  test('a provider speaks for its own people, with the roles of their last sign-in', () => {
    assert.equal(ask(corp('bob', ['approver'])), 'started');
    const local = {
      ...corp('bob', ['admin']),
      signed_in: { ...ANN, human: true },
      session: session({ method: 'oidc' }),
    };
    assert.equal(ask(local), 'sign_in_mismatch');
    assert.equal(
      ask({ ...corp('bob', ['viewer']), signed_in: { issuer: CORP, subject: 'eve', human: true } }),
      'sign_in_mismatch',
    );
    const [first] = state.sessions.keys();
    const bob = { issuer: CORP, subject: 'bob' };
    assert.deepEqual(standingOf(state, bob, first).roles, ['approver']);
    assert.equal(ask(corp('bob', ['viewer'])), 'started');
    assert.deepEqual(standingOf(state, bob, first).roles, []);
    applyControl(state, { ...audit, kind: 'principal_revoked', principal: bob });
    assert.equal(ask(corp('bob', ['approver'])), 'already_revoked');
  });

  test('no session outlasts its bound or lies in the future', () => {
    const late = { expires: NOW + LIMITS.sign_in_ms_max + LIMITS.oidc_skew_ms + 1 };
    assert.equal(ask(corp('bob', ['viewer'], late)), 'session_too_long');
    const future = { authenticated: NOW + LIMITS.oidc_skew_ms + 1 };
    assert.equal(ask(corp('bob', ['viewer'], future)), 'step_up_untimely');
  });

  test('signing out ends no earlier act; ending a session from elsewhere does', () => {
    assert.equal(ask({ type: 'session_start', session: session(), link }), 'started');
    const [id = ''] = state.sessions.keys();
    assert.equal(ask({ type: 'session_end', session: id, credential: id }, ANN), 'signed_out');
    assert.equal(ask({ type: 'session_end', session: id, credential: id }, ANN), 'credential_refused');
    assert.deepEqual(standingOf(state, ANN, id).roles, ['approver']);
    assert.equal(ask(corp('bob', ['viewer'])), 'started');
    const bobs = [...state.sessions.keys()].at(-1) ?? '';
    const bob = { issuer: CORP, subject: 'bob' };
    assert.equal(ask({ type: 'sessions_end', principal: ANN, credential: bobs }, bob), 'role_missing');
    assert.equal(ask({ type: 'sessions_end', principal: bob, credential: bobs }, bob), 'signed_out');
    assert.deepEqual(standingOf(state, bob, bobs).roles, []);
  });

  test('a policy that says something else of people has people of providers sign in anew, and nobody else', () => {
    assert.equal(ask({ type: 'session_start', session: session({ roles: ['admin'] }), link }), 'started');
    const [anns = ''] = state.sessions.keys();
    assert.equal(ask(corp('bob', ['viewer'])), 'started');
    const bobs = [...state.sessions.keys()].at(-1) ?? '';
    const set = (version: string, people: object) => {
      const policy = PolicyDocument.parse({ version, people });
      return ask({ type: 'policy_set', policy, reason: 'test', credential: anns }, ANN);
    };
    assert.equal(set('one', {}), 'in_force');
    assert.equal(state.sessions.get(bobs)?.ended, undefined);
    assert.equal(set('two', { claims: [{ claim: 'groups', value: 'x', roles: ['viewer'] }] }), 'in_force');
    assert.equal(state.sessions.get(bobs)?.ended?.how, 'revoked');
    assert.equal(state.sessions.get(anns)?.ended, undefined);
  });

  test('a further session replaces the oldest', () => {
    for (let i = 0; i <= LIMITS.sign_in_sessions_max; i++) assert.equal(ask(corp('bob', ['viewer'])), 'started');
    const ended = [...state.sessions.values()].filter((one) => one.ended !== undefined);
    assert.deepEqual(
      ended.map((one) => one.ended?.how),
      ['replaced'],
    );
  });
});

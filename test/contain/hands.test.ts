import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { type Role, SYSTEM } from '../../schemas/principal.ts';
import { handsOf } from '../../services/control/policies.ts';
import { applyControl } from '../../services/control/state.ts';
import { anew, approve, ask, audit, keyOf, passTo, ref, requested, requesting, said, stateNow } from './decisions.ts';
import { NOW } from './samples.ts';

/** Ways to act as somebody else, or as a second self: whoever could use an account does not count beside it. */

const names = (of: { issuer: string; subject: string }, at: number): string[] =>
  [...handsOf(stateNow(), of, at)].map((name) => (JSON.parse(name) as string[])[1] ?? '').toSorted();

beforeEach(anew);

describe('a key that somebody makes for another', () => {
  const make = (id: string) => ({
    type: 'key_create' as const,
    principal: ref('anna'),
    key: { id, hash: '1'.repeat(64), roles: ['analyst' as const] },
  });

  test('does not let its maker request by it and approve as themselves', () => {
    assert.equal(said(ask('root', make('a'.repeat(16)))), 'created');
    const byAnna = requested('anna');
    assert.equal(said(approve('root', byAnna)), 'made_by_participant');
    assert.equal(said(approve('ada', byAnna)), 'approved', 'others are not touched by it');
  });

  test('counts for a time, and so does one that takes the place of another', () => {
    const rotate = {
      type: 'key_rotate' as const,
      key: keyOf('anna'),
      replacement: { id: 'b'.repeat(16), hash: '2'.repeat(64) },
      overlap_ms: 0,
    };
    assert.deepEqual(names(ref('anna'), NOW), ['anna']);
    assert.equal(said(ask('root', rotate)), 'created');
    assert.deepEqual(names(ref('anna'), NOW), ['anna', 'root']);
    assert.deepEqual(names(ref('anna'), NOW + LIMITS.made_excluded_ms), ['anna']);
  });

  test('one’s own key is nobody else’s', () => {
    assert.equal(
      said(
        ask('anna', {
          type: 'key_rotate',
          key: keyOf('anna'),
          replacement: { id: 'c'.repeat(16), hash: '3'.repeat(64) },
          overlap_ms: 1,
        }),
      ),
      'created',
    );
    assert.deepEqual(names(ref('anna'), NOW), ['anna']);
  });
});

describe('somebody of a provider whom the policy names', () => {
  const CORP = 'https://login.example.com';
  const second = { issuer: CORP, subject: 'second-self' };
  const name = (by: string, version: string, roles: Role[], others: string[] = []) =>
    said(
      ask(by, {
        type: 'policy_set',
        reason: 'x',
        policy: PolicyDocument.parse({
          version,
          people: {
            named: [
              { principal: second, roles },
              ...others.map((subject) => ({ principal: { issuer: CORP, subject }, roles: ['approver'] })),
            ],
          },
        }),
      }),
    );
  /** What the responder writes when they sign in. */
  const comes = (roles: Role[], when: number, subject = second.subject): void => {
    const principal = { issuer: CORP, subject };
    const known = stateNow().principals.has(JSON.stringify([CORP, subject]));
    applyControl(
      stateNow(),
      known
        ? { ...audit, who: SYSTEM, when, kind: 'roles_set', principal, roles }
        : { ...audit, who: SYSTEM, when, kind: 'principal_created', principal: { ...principal, human: true }, roles },
    );
  };

  test('is in the hands of whoever named them, for a time', () => {
    assert.equal(name('root', 'one', ['approver']), 'in_force');
    comes(['approver'], NOW + 5);
    assert.deepEqual(names(second, NOW + 5), ['root', 'second-self']);
    assert.deepEqual(names(second, NOW + LIMITS.made_excluded_ms), ['second-self']);
  });

  test('and stays there when somebody else changes the policy after that', () => {
    name('root', 'one', ['approver']);
    name('olga', 'two', ['approver'], ['somebody']);
    comes(['approver'], NOW + 5);
    assert.deepEqual(names(second, NOW + 5), ['root', 'second-self']);
  });

  test('also when they were known before, with less', () => {
    name('olga', 'one', ['viewer']);
    comes(['viewer'], NOW);
    passTo(NOW + 2 * LIMITS.made_excluded_ms);
    name('root', 'two', ['viewer', 'approver']);
    const now = NOW + 2 * LIMITS.made_excluded_ms;
    comes(['viewer', 'approver'], now + 1);
    assert.deepEqual(names(second, now + 1), ['root', 'second-self']);
  });

  test('is in nobody’s when a claim of the provider gives the role', () => {
    const claims = [{ claim: 'groups', value: 'countersigners', roles: ['approver'] }];
    const policy = PolicyDocument.parse({ version: 'claims', people: { claims } });
    ask('root', { type: 'policy_set', reason: 'x', policy });
    comes(['approver'], NOW);
    assert.deepEqual(names(second, NOW), ['second-self']);
  });

  test('so that no administrator requests as themselves and approves as a second self', () => {
    name('root', 'one', ['approver']);
    comes(['approver'], NOW);
    const asked = ask('root', requesting());
    assert.equal(asked.kind, 'done');
    const [made] = stateNow().containments.values();
    assert.ok(made !== undefined);
    const own = handsOf(stateNow(), second, NOW);
    assert.ok([...handsOf(stateNow(), made.requested_by, NOW)].some((one) => own.has(one)));
  });
});

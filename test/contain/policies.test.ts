import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Command, type Outcome } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { LOCAL_ISSUER, SYSTEM } from '../../schemas/principal.ts';
import { onCommand } from '../../services/contain/commands.ts';
import { editorUntil, handsOf, madeBy } from '../../services/control/policies.ts';
import { applyControl } from '../../services/control/state.ts';
import {
  all,
  anew,
  approve,
  ask,
  audit,
  keyOf,
  passTo,
  person,
  raise,
  ref,
  requested,
  said,
  stateNow,
  timeNow,
  turn,
} from './decisions.ts';
import type { Body } from './harness.ts';
import { NOW } from './samples.ts';

beforeEach(anew);

describe('the policy', () => {
  const set = (subject: string, document: object): Outcome =>
    ask(subject, { type: 'policy_set', policy: PolicyDocument.parse(document), reason: 'RISK-77' });

  test('is set by people who administer, and on record', () => {
    assert.equal(said(set('robot', { version: 'a' })), 'not_human');
    assert.equal(said(set('ada', { version: 'a' })), 'role_missing');
    assert.equal(said(set('olga', { version: 'a' })), 'in_force');
    assert.equal(said(set('olga', { version: 'a' })), 'nothing_changed');
    assert.equal(said(set('olga', { version: 'a', defaults: { approvals: 2 } })), 'policy_version_used');
    assert.equal(said(set('olga', { version: 'b' })), 'in_force');
    assert.equal(said(set('olga', { version: 'a' })), 'in_force', 'an earlier one can be set again as it was');
    assert.deepEqual(
      [stateNow().policy?.by, stateNow().policy?.reason, stateNow().policies.length],
      [ref('olga'), 'RISK-77', 3],
    );
    assert.match(stateNow().policy?.digest ?? '', /^[0-9a-f]{64}$/);
  });

  test('whoever edits it stands back for the longer of both spans, and no later edit shortens that', () => {
    set('root', { version: 'a', defaults: { editors_excluded_ms: 0 } });
    assert.equal(
      editorUntil(stateNow(), ref('root')),
      NOW + LIMITS.editors_excluded_ms,
      'not by what they wrote themselves',
    );
    set('olga', { version: 'b', defaults: { editors_excluded_ms: 0 } });
    assert.equal(editorUntil(stateNow(), ref('olga')), NOW, 'both say so');
    passTo(NOW + 5);
    set('root', { version: 'c', defaults: { editors_excluded_ms: 7 } });
    assert.equal(editorUntil(stateNow(), ref('root')), NOW + LIMITS.editors_excluded_ms, 'the later one stays');
    assert.equal(editorUntil(stateNow(), ref('ada')), undefined);
    const made = requested();
    assert.equal(said(approve('root', made)), 'policy_editor_excluded');
    passTo(NOW + LIMITS.editors_excluded_ms);
    assert.equal(said(approve('root', made)), 'approved');
  });

  test('is remembered to a bound', () => {
    for (let n = 0; n < LIMITS.policies_kept_max + 2; n++) set('olga', { version: `v${n}` });
    assert.deepEqual(
      [stateNow().policies.length, stateNow().policies[0]?.document.version],
      [LIMITS.policies_kept_max, 'v2'],
    );
  });
});

describe('in whose hands an account is', () => {
  const names = (subject: string, at: number): string[] =>
    [...handsOf(stateNow(), ref(subject), at)].map((name) => (JSON.parse(name) as string[])[1] ?? '').toSorted();

  test('its own, its maker’s and the maker’s maker’s, for a time', () => {
    person('eve', ['admin'], { by: 'root', when: NOW });
    person('mallory', ['approver'], { by: 'eve', when: NOW + 10 });
    const over = NOW + LIMITS.made_excluded_ms;
    assert.deepEqual(names('mallory', NOW + 20), ['eve', 'mallory', 'root']);
    assert.deepEqual(names('mallory', over), ['eve', 'mallory']);
    assert.deepEqual(names('mallory', over + 10), ['mallory']);
    assert.deepEqual(names('root', NOW), ['root']);
    assert.deepEqual(names('nobody', NOW), ['nobody']);
  });

  test('makers are remembered once each, the last time, to a bound', () => {
    const known = stateNow().principals.get(JSON.stringify([LOCAL_ISSUER, 'ada']));
    assert.ok(known !== undefined);
    const entry = { ...known, made: [] as typeof known.made };
    const made = (before: typeof entry, by: string, when: number) => madeBy(stateNow(), before, ref(by), when);
    const twice = made(made(made(entry, 'root', 1), 'olga', 2), 'root', 3).made;
    assert.deepEqual(
      twice.map(({ by, when }) => [by.subject, when]),
      [
        ['olga', 2],
        ['root', 3],
      ],
    );
    assert.deepEqual(made(entry, 'ada', 1).made, [], 'what somebody does with their own account');
    let many = entry;
    for (let n = 0; n <= LIMITS.makers_max; n++) many = made(many, `maker-${n}`, n);
    assert.deepEqual([many.made.length, many.made[0]?.by.subject], [LIMITS.makers_max, 'maker-1']);
  });

  test('what processes of ours make is in nobody else’s', () => {
    const record = { ...audit, who: SYSTEM, when: NOW, kind: 'principal_created' } as const;
    applyControl(stateNow(), { ...record, principal: { ...ref('new'), human: true }, roles: ['approver'] });
    assert.deepEqual(names('new', NOW), ['new']);
    assert.deepEqual(stateNow().principals.get(JSON.stringify([LOCAL_ISSUER, 'new']))?.created_by, SYSTEM);
  });

  test('a policy can make the time longer afterwards, and not shorter', () => {
    person('eve', ['approver'], { by: 'root', when: NOW });
    const policy = (version: string, made_excluded_ms: number): Body => ({
      type: 'policy_set',
      policy: PolicyDocument.parse({ version, defaults: { made_excluded_ms } }),
      reason: 'x',
    });
    ask('olga', policy('none', 0));
    assert.deepEqual(names('eve', NOW + LIMITS.made_excluded_ms - 1), ['eve', 'root']);
    person('late', ['approver'], { by: 'root', when: NOW });
    assert.deepEqual(names('late', NOW), ['late']);
    ask('olga', policy('longer', 3 * LIMITS.made_excluded_ms));
    assert.deepEqual(names('eve', NOW + 2 * LIMITS.made_excluded_ms), ['eve', 'root']);
  });

  test('two accounts of one maker are one approval', () => {
    ask('olga', {
      type: 'policy_set',
      policy: PolicyDocument.parse({ version: 'two', defaults: { approvals: 2 } }),
      reason: 'x',
    });
    person('puppet-1', ['approver'], { by: 'root', when: NOW });
    person('puppet-2', ['approver'], { by: 'root', when: NOW });
    raise();
    const [proposed] = all();
    assert.ok(proposed !== undefined);
    assert.equal(said(approve('puppet-1', proposed)), 'pending');
    assert.equal(said(approve('puppet-2', proposed)), 'made_by_participant');
    assert.equal(said(approve('root', proposed)), 'made_by_participant');
    assert.equal(said(approve('ada', proposed)), 'approved');
  });
});

describe('a fresh authentication', () => {
  test('is told by processes of ours only, and counts for its containment, terms and credential', () => {
    raise();
    const [proposed] = all();
    assert.ok(proposed !== undefined);
    const { id, digest } = proposed;
    const step_up = {
      principal: ref('ada'),
      credential: keyOf('ada'),
      containment: id,
      digest,
      method: 'password' as const,
      authenticated: timeNow(),
    };
    assert.equal(said(ask('root', { type: 'step_up', step_up })), 'role_missing');
    const tell = (over: object, nth: string) =>
      turn((opened) =>
        onCommand(
          opened,
          Command.parse({
            id: `fresh-${nth}`,
            by: SYSTEM,
            time: timeNow(),
            type: 'step_up',
            step_up: { ...step_up, ...over },
          }),
        ),
      );
    const vote = (nth: string): string | undefined => {
      const shared = { id: `vote-${nth}`, by: ref('ada'), credential: keyOf('ada'), time: timeNow() };
      turn((opened) => onCommand(opened, Command.parse({ ...shared, type: 'approve', containment: id, digest })));
      return said(stateNow().outcomes.get(`vote-${nth}`)?.outcome as Outcome);
    };
    assert.equal(vote('none'), 'fresh_authentication_needed');
    const others = {
      principal: ref('ben'),
      credential: keyOf('ben'),
      containment: 'f'.repeat(32),
      digest: '0'.repeat(64),
    };
    for (const [name, value] of Object.entries(others)) {
      tell({ [name]: value }, name);
      assert.equal(vote(name), 'fresh_authentication_needed', `another ${name}`);
    }
    tell({ authenticated: timeNow() - LIMITS.step_up_ms_max - 1 }, 'old');
    assert.equal(vote('old'), 'fresh_authentication_needed');
    tell({}, 'right');
    assert.equal(vote('right'), 'approved');
  });
});

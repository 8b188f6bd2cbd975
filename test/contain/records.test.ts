import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import type { StepUp } from '../../schemas/session.ts';
import { type Decision, decide, type MachineCommand } from '../../services/contain/machine.ts';
import { BUILT_IN_POLICY, type ContainmentPolicy, definePolicy } from '../../services/contain/policy.ts';
import { isContained, tallyOf } from '../../services/contain/quorum.ts';
import { termsFrom } from '../../services/contain/terms.ts';
import { rememberStepUp, stepUpOf } from '../../services/control/step-ups.ts';
import { ada, alertOf, asker, ben, contextOf, NOW, policyOf } from './samples.ts';

function after(decision: Decision): Containment {
  if (decision.kind === 'refused') assert.fail(`refused: ${decision.code}`);
  return Containment.parse(decision.next);
}

const context = contextOf({ policy: policyOf({ approvals: 2 }) });
const terms = termsFrom(alertOf(), context.policy, []);
const pending = after(decide(undefined, { type: 'propose', terms, requested_by: SYSTEM }, context));
const by = (who: typeof ada, type: 'approve' | 'deny', comment?: string): MachineCommand => ({
  type,
  by: asker(who),
  digest: pending.digest,
  comment,
});
const once = after(decide(pending, by(ada, 'approve', 'seen'), context));

describe('what is on record of a vote', () => {
  test('who, what, on which terms, how fresh, when, and why if they said so', () => {
    const vote = {
      by: ada,
      decision: 'approve',
      digest: pending.digest,
      fresh: { method: 'password', authenticated: NOW },
      time: NOW,
      comment: 'seen',
    };
    assert.deepEqual(once.votes, [vote]);
    const denied = after(decide(once, by(ben, 'deny'), context));
    const { comment: _, ...silent } = vote;
    assert.deepEqual(denied.votes, [vote, { ...silent, by: ben, decision: 'deny' }]);
    assert.equal('comment' in (denied.votes[1] ?? {}), false);
    assert.equal('credential' in (denied.votes[1] ?? {}), false);
  });

  test('a denial is no approval, and votes of other terms than they say are none', () => {
    const [vote] = once.votes;
    assert.ok(vote !== undefined);
    const counted = (over: Partial<Containment>): number => tallyOf({ ...once, ...over }, context).counted.length;
    assert.equal(counted({}), 1);
    assert.equal(counted({ votes: [{ ...vote, decision: 'deny' }] }), 0);
    assert.equal(counted({ votes: [{ ...vote, digest: '0'.repeat(64) }] }), 0);
    assert.equal(counted({ digest: '0'.repeat(64) }), 0);
    assert.equal(counted({ approval_expires: vote.time }), 0);
  });

  test('after the end an earlier approval is told of only where it led somewhere', () => {
    const again = by(ada, 'approve');
    const code = (state: Containment['state'], who = ada): string => {
      const decision = decide({ ...once, state }, by(who, 'approve'), context);
      return decision.kind === 'refused' ? decision.code : decision.next.state;
    };
    assert.equal(code('denied'), 'already_denied');
    assert.equal(code('cancelled'), 'already_cancelled');
    assert.equal(code('expired'), 'expired');
    assert.equal(code('approved'), 'already_approved_by_you');
    assert.equal(code('approved', ben), 'already_approved');
    const mixed = { ...once, state: 'approved' as const, votes: [{ ...once.votes[0], by: ben }, ...once.votes] };
    const told = decide(mixed as Containment, again, context);
    assert.equal(told.kind === 'refused' && told.code, 'already_approved_by_you');
  });

  test('an owner that nobody named is nobody', () => {
    const { owner: _, ...identity } = terms.identity;
    assert.ok(!isContained({ ...terms, identity }, { issuer: 'local', subject: 'undefined' }));
    assert.ok(
      isContained({ ...terms, identity: { ...identity, id: 'STRASSE' } }, { issuer: 'local', subject: 'strasse' }),
    );
  });
});

describe('terms', () => {
  const PLAIN = ['approvals', 'roles', 'version'];
  const of = (demands: object) =>
    termsFrom(
      alertOf(),
      BUILT_IN_POLICY,
      [],
      PolicyDocument.parse({ version: 'x', rules: [{ name: 'one', ...demands }] }),
    );

  test('say what the policy asks for, and nothing of what it does not', () => {
    assert.deepEqual(Object.keys(termsFrom(alertOf(), BUILT_IN_POLICY, []).policy).toSorted(), PLAIN);
    assert.deepEqual(of({ approvals: 2 }).policy, {
      version: 'x',
      approvals: 2,
      roles: ['approver'],
      rules: ['one'],
    });
    const exclude = [{ issuer: 'local', subject: 'ada' }];
    const quotas = [{ role: 'admin' as const, approvals: 1 }];
    assert.deepEqual(of({ roles: ['admin'], quotas, exclude, break_glass_only: true }).policy, {
      version: 'x',
      approvals: 1,
      roles: ['admin'],
      further_roles: [['approver']],
      quotas,
      exclude,
      rules: ['one'],
      break_glass_only: true,
    });
  });
});

describe('what the configuration may ask for', () => {
  const wrong: readonly (readonly [string, Partial<ContainmentPolicy>])[] = [
    ['a role that does not exist', { roles: ['approver', 'wizard' as never] }],
    ['no version', { version: '' }],
    ['no time to approve', { approval_expiry_ms: 0 }],
    ['no time to execute', { execution_expiry_ms: -1 }],
    ['half a millisecond', { dispatch_deadline_ms: 0.5 }],
    ['an executor without time', { executor_timeout_ms: 0 }],
    ['an executor that outlasts the deadline', { executor_timeout_ms: BUILT_IN_POLICY.dispatch_deadline_ms + 1 }],
  ];
  for (const [name, over] of wrong) {
    test(`not ${name}`, () => assert.throws(() => definePolicy({ ...BUILT_IN_POLICY, ...over })));
  }

  test('an executor may take until the deadline', () => {
    const { dispatch_deadline_ms: executor_timeout_ms } = BUILT_IN_POLICY;
    assert.equal(definePolicy({ ...BUILT_IN_POLICY, executor_timeout_ms }).executor_timeout_ms, executor_timeout_ms);
  });
});

describe('fresh authentications', () => {
  const stepUp = (containment: string, over: Partial<StepUp> = {}): StepUp => ({
    principal: { issuer: 'local', subject: 'ada' },
    credential: 'c'.repeat(16),
    containment,
    digest: '0'.repeat(64),
    method: 'password',
    authenticated: NOW,
    ...over,
  });

  test('the last of a credential for a containment counts, and it is the youngest then', () => {
    const stepUps = new Map<string, StepUp>();
    rememberStepUp(stepUps, stepUp('a'));
    rememberStepUp(stepUps, stepUp('b'));
    rememberStepUp(stepUps, stepUp('a', { authenticated: NOW + 1 }));
    assert.deepEqual(
      [...stepUps.values()].map(({ containment, authenticated }) => [containment, authenticated]),
      [
        ['b', NOW],
        ['a', NOW + 1],
      ],
    );
    const of = { containment: 'a', digest: '0'.repeat(64) };
    assert.equal(stepUpOf({ stepUps }, ada, 'c'.repeat(16), of)?.authenticated, NOW + 1);
    assert.equal(stepUpOf({ stepUps }, ada, undefined, of), undefined);
  });

  test('so many are remembered, the oldest go first', () => {
    const stepUps = new Map<string, StepUp>();
    for (let n = 0; n < LIMITS.step_ups_max; n++) rememberStepUp(stepUps, stepUp(`${n}`));
    assert.equal(stepUps.size, LIMITS.step_ups_max);
    rememberStepUp(stepUps, stepUp('one more'));
    assert.equal(stepUps.size, LIMITS.step_ups_max);
    assert.deepEqual([...stepUps.values()][0]?.containment, '1');
  });
});

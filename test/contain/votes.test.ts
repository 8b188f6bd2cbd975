import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { type Principal, type PrincipalRef, principalKey, type Role, SYSTEM } from '../../schemas/principal.ts';
import { isFresh } from '../../services/contain/freshness.ts';
import { type Decision, decide, type MachineCommand, type MachineContext } from '../../services/contain/machine.ts';
import { isContained, tallyOf } from '../../services/contain/quorum.ts';
import { termsFrom, termsOf } from '../../services/contain/terms.ts';
import { ada, alertOf, asker, ben, bot, cleo, contextOf, freshAt, human, NOW, policyOf, standing } from './samples.ts';

const documentOf = (document: object): PolicyDocument => PolicyDocument.parse({ version: 'test-1', ...document });
const demanding = (demands: object): PolicyDocument => documentOf({ rules: [{ name: 'one', ...demands }] });

function after(decision: Decision): Containment {
  if (decision.kind === 'refused') assert.fail(`refused: ${decision.code}`);
  return Containment.parse(decision.next);
}

const codeOf = (decision: Decision): string => (decision.kind === 'refused' ? decision.code : decision.next.state);

function proposed(context: MachineContext, requested_by: Principal = SYSTEM, alert = alertOf()): Containment {
  const terms = termsFrom(alert, context.policy, [], context.document);
  return after(decide(undefined, { type: 'propose', terms, requested_by }, context));
}

const vote = (type: 'approve' | 'deny', current: Containment, who: PrincipalRef): MachineCommand => ({
  type,
  by: asker(who, 'c'.repeat(16)),
  digest: current.digest,
});
const approve = (current: Containment, who: PrincipalRef, context: MachineContext): Decision =>
  decide(current, vote('approve', current, who), context);
const deny = (current: Containment, who: PrincipalRef, context: MachineContext): Decision =>
  decide(current, vote('deny', current, who), context);
const DISPATCH: MachineCommand = { type: 'dispatch', executor: 'webhook' };

describe('a vote rests on a fresh authentication', () => {
  const pending = proposed(contextOf());
  const oldest = NOW - LIMITS.step_up_ms_max;
  const latest = NOW + LIMITS.step_up_skew_ms;
  const cases: readonly [string, MachineContext['stepUpOf'], string, string][] = [
    ['none', () => undefined, 'fresh_authentication_needed', 'fresh_authentication_needed'],
    ['one right now', freshAt(NOW), 'approved', 'denied'],
    ['the oldest that counts', freshAt(oldest), 'approved', 'denied'],
    ['one that is too old', freshAt(oldest - 1), 'fresh_authentication_needed', 'fresh_authentication_needed'],
    ['one as far in the future as clocks may differ', freshAt(latest), 'approved', 'denied'],
    ['one further in the future', freshAt(latest + 1), 'fresh_authentication_needed', 'fresh_authentication_needed'],
  ];
  for (const [name, stepUpOf, approved, denied] of cases) {
    test(name, () => {
      const context = contextOf({ stepUpOf });
      assert.equal(codeOf(approve(pending, ada, context)), approved);
      assert.equal(codeOf(deny(pending, ada, context)), denied);
    });
  }

  test('it is asked for who votes, by which credential, and on exactly what', () => {
    const asked: unknown[] = [];
    const stepUpOf: MachineContext['stepUpOf'] = (...all) => {
      asked.push(all);
      return freshAt(NOW)(...all);
    };
    const next = after(approve(pending, ada, contextOf({ stepUpOf })));
    const { id, digest } = pending;
    const { human: _, ...who } = ada;
    assert.deepEqual(asked, [[who, 'c'.repeat(16), { containment: id, digest }]]);
    assert.deepEqual(next.votes[0]?.fresh, { method: 'password', authenticated: NOW });
  });

  test('a vote on record that rested on none, or on an old one, does not count', () => {
    const approved = after(approve(pending, ada, contextOf()));
    const [given] = approved.votes;
    assert.ok(given !== undefined);
    const { fresh: _, ...without } = given;
    const old = { ...given, fresh: { method: 'oidc' as const, authenticated: oldest - 1 } };
    for (const votes of [[without], [old]]) {
      assert.equal(codeOf(decide({ ...approved, votes }, DISPATCH, contextOf())), 'quorum_lost');
    }
    // It is as old as it was when the vote was given, however long the dispatch takes.
    const later = contextOf({ now: NOW + LIMITS.step_up_ms_max + 1 });
    assert.equal(codeOf(decide(approved, DISPATCH, later)), 'dispatching');
  });

  test('nobody is asked to authenticate for a vote that is refused anyway', () => {
    const stepUpOf = () => undefined;
    assert.equal(codeOf(approve(pending, human('vera'), contextOf({ stepUpOf }))), 'role_missing');
    const late = contextOf({ stepUpOf, now: pending.approval_expires });
    assert.equal(codeOf(approve(pending, ada, late)), 'expired');
    const excluded = contextOf({ stepUpOf, document: demanding({ exclude: [{ issuer: 'local', subject: 'ada' }] }) });
    assert.equal(codeOf(approve(pending, ada, excluded)), 'excluded_by_policy');
  });

  test('times', () => {
    assert.ok(isFresh(NOW, NOW));
    assert.ok(!isFresh(Number.NaN, NOW));
  });
});

describe('who does not count', () => {
  test('whom the policy excludes, by issuer and subject; a denial still stops it', () => {
    const context = contextOf({ document: demanding({ exclude: [{ issuer: 'local', subject: 'ada' }] }) });
    const pending = proposed(context);
    assert.equal(codeOf(approve(pending, ada, context)), 'excluded_by_policy');
    assert.equal(codeOf(approve(pending, ben, context)), 'approved');
    assert.equal(codeOf(deny(pending, ada, context)), 'denied');
    const elsewhere = contextOf({ document: demanding({ exclude: [{ issuer: 'idp', subject: 'ada' }] }) });
    assert.equal(codeOf(approve(proposed(elsewhere), ada, elsewhere)), 'approved');
  });

  test('an exclusion that the terms told of stays, also when the policy drops it', () => {
    const pending = proposed(contextOf({ document: demanding({ exclude: [{ issuer: 'local', subject: 'ada' }] }) }));
    assert.equal(codeOf(approve(pending, ada, contextOf())), 'excluded_by_policy');
  });

  test('one that comes after the vote takes the vote away', () => {
    const approved = after(approve(proposed(contextOf()), ada, contextOf()));
    const document = demanding({ exclude: [{ issuer: 'local', subject: 'ada' }] });
    assert.equal(codeOf(decide(approved, DISPATCH, contextOf({ document }))), 'quorum_lost');
  });

  test('whoever edits the policy, until a time, and what they voted before it', () => {
    const until = NOW + 1000;
    const editorUntil: MachineContext['editorUntil'] = ({ subject }) => (subject === 'ada' ? until : undefined);
    const pending = proposed(contextOf());
    assert.equal(codeOf(approve(pending, ada, contextOf({ editorUntil }))), 'policy_editor_excluded');
    assert.equal(codeOf(approve(pending, ada, contextOf({ editorUntil, now: until - 1 }))), 'policy_editor_excluded');
    assert.equal(codeOf(approve(pending, ada, contextOf({ editorUntil, now: until }))), 'approved');
    assert.equal(codeOf(approve(pending, ben, contextOf({ editorUntil }))), 'approved');
    assert.equal(codeOf(deny(pending, ada, contextOf({ editorUntil }))), 'denied');
    const approved = after(approve(pending, ada, contextOf()));
    assert.equal(codeOf(decide(approved, DISPATCH, contextOf({ editorUntil }))), 'quorum_lost');
  });

  test('the identity itself and its owner decide nothing, in whatever letters', () => {
    const alert = alertOf({ identity: { id: 'ADA', kind: 'human', owner: ' Ben ', name: 'cleo' } });
    const pending = proposed(contextOf(), SYSTEM, alert);
    for (const who of [ada, ben]) {
      assert.equal(codeOf(approve(pending, who, contextOf())), 'contained_cannot_decide');
      assert.equal(codeOf(deny(pending, who, contextOf())), 'contained_cannot_decide');
      const cancel: MachineCommand = { type: 'cancel', by: asker(who), reason: 'withdrawn' };
      assert.equal(codeOf(decide(pending, cancel, contextOf())), 'contained_cannot_decide');
      const given = after(approve(proposed(contextOf()), who, contextOf())).votes;
      const forged = { ...pending, votes: given.map((one) => ({ ...one, digest: pending.digest })) };
      assert.equal(tallyOf(forged, contextOf()).counted.length, 0);
    }
    assert.equal(codeOf(approve(pending, cleo, contextOf())), 'approved', 'a display name names nobody');
    assert.ok(!isContained(proposed(contextOf()).terms, { issuer: 'local', subject: '' }));
  });
});

describe('accounts that somebody made', () => {
  const two = policyOf({ approvals: 2 });
  const name = (who: PrincipalRef): string => principalKey({ issuer: who.issuer, subject: who.subject });
  /** Who is in whose hands, until a time of voting. */
  const hands =
    (made: Readonly<Record<string, readonly PrincipalRef[]>>, until = Number.POSITIVE_INFINITY) =>
    (by: PrincipalRef, at: number): ReadonlySet<string> =>
      new Set([name(by), ...(at < until ? (made[by.subject] ?? []) : []).map(name)]);

  test('by the requester, or the requester by them', () => {
    for (const handsOf of [hands({ ben: [ada] }), hands({ ada: [ben] }), hands({ ada: [cleo], ben: [cleo] })]) {
      const context = contextOf({ handsOf });
      const pending = proposed(context, ada);
      assert.equal(codeOf(approve(pending, ben, context)), 'made_by_participant');
    }
    const apart = contextOf({ handsOf: hands({ ben: [ada] }) });
    assert.equal(codeOf(approve(proposed(apart, ada), cleo, apart)), 'approved');
  });

  test('by another approver who counts, in either order, or by the same person', () => {
    for (const made of [{ ben: [ada] }, { ada: [ben] }, { ada: [human('root')], ben: [human('root')] }]) {
      const context = contextOf({ policy: two, handsOf: hands(made) });
      const once = after(approve(proposed(context), ada, context));
      assert.equal(codeOf(approve(once, ben, context)), 'made_by_participant');
      assert.equal(codeOf(approve(once, cleo, context)), 'approved');
    }
  });

  test('is no matter for a single approval, nor after the time is over, nor for a denial', () => {
    const context = contextOf({ handsOf: hands({ ben: [ada] }) });
    assert.equal(codeOf(approve(proposed(context), ben, context)), 'approved');
    const over = contextOf({ policy: two, handsOf: hands({ ben: [ada] }, NOW) });
    const once = after(approve(proposed(over), ada, over));
    assert.equal(codeOf(approve(once, ben, over)), 'approved');
    const requested = proposed(context, ada);
    assert.equal(codeOf(deny(requested, ben, context)), 'denied');
  });

  test('is looked at again when it is dispatched', () => {
    const before = contextOf({ policy: two });
    const approved = after(approve(after(approve(proposed(before), ada, before)), ben, before));
    assert.equal(approved.state, 'approved');
    const context = contextOf({ policy: two, handsOf: hands({ ben: [ada] }) });
    assert.equal(codeOf(decide(approved, DISPATCH, context)), 'quorum_lost');
    assert.deepEqual(
      tallyOf(approved, context).counted.map(({ by }) => by.subject),
      ['ada'],
    );
  });
});

describe('roles and quotas', () => {
  const roles: Readonly<Record<string, readonly Role[]>> = {
    ada: ['approver', 'admin'],
    ben: ['approver'],
    cleo: ['approver', 'analyst'],
    olga: ['admin'],
  };
  const standingOf: MachineContext['standingOf'] = (by) => ({
    human: roles[by.subject] !== undefined,
    roles: roles[by.subject] ?? [],
  });
  const under = (demands: object, over: Partial<MachineContext> = {}) =>
    contextOf({ document: demanding(demands), standingOf, ...over });

  test('an approver holds one role of each list', () => {
    const context = under({ roles: ['admin', 'analyst'] });
    const pending = proposed(context);
    assert.equal(codeOf(approve(pending, ben, context)), 'role_missing');
    assert.equal(codeOf(approve(pending, human('olga'), context)), 'role_missing');
    assert.equal(codeOf(approve(pending, ada, context)), 'approved');
    assert.equal(codeOf(approve(pending, cleo, context)), 'approved');
    // The terms remember both lists, and so does a policy that comes later.
    assert.equal(codeOf(approve(pending, ben, contextOf({ standingOf }))), 'role_missing');
    assert.equal(codeOf(approve(proposed(contextOf()), ben, context)), 'role_missing');
  });

  test('so many of the approvals from holders of a role', () => {
    const context = under({ approvals: 2, quotas: [{ role: 'admin', approvals: 1 }] });
    const pending = proposed(context);
    const once = after(approve(pending, ben, context));
    const twice = after(approve(once, cleo, context));
    assert.equal(twice.state, 'pending', 'two approvals, none of them by an administrator');
    assert.equal(after(approve(twice, ada, context)).state, 'approved');
    assert.equal(after(approve(after(approve(pending, ada, context)), ben, context)).state, 'approved');
  });

  test('a quota asks for as many approvals as it counts', () => {
    const context = under({ quotas: [{ role: 'approver', approvals: 2 }] });
    const once = after(approve(proposed(context), ada, context));
    assert.equal(once.state, 'pending');
    assert.equal(once.terms.policy.approvals, 2);
  });

  test('a role that is lost no longer fills its quota', () => {
    const context = under({ quotas: [{ role: 'admin', approvals: 1 }] });
    const approved = after(approve(proposed(context), ada, context));
    const without: MachineContext['standingOf'] = () => ({ human: true, roles: ['approver'] });
    assert.equal(codeOf(decide(approved, DISPATCH, under({}, { standingOf: without }))), 'quorum_lost');
  });

  test('a policy that asks for more by now counts for the next vote and for the dispatch', () => {
    const pending = proposed(contextOf({ standingOf }));
    const context = under({ approvals: 2 });
    assert.equal(codeOf(approve(pending, ada, context)), 'pending');
    const approved = after(approve(pending, ada, contextOf({ standingOf })));
    assert.equal(codeOf(decide(approved, DISPATCH, context)), 'quorum_lost');
  });

  test('somebody whose approval no longer counts can give it again', () => {
    const context = contextOf({ policy: policyOf({ approvals: 2 }) });
    const once = after(approve(proposed(context), ada, context));
    const revoked: MachineContext['standingOf'] = (by, credential) =>
      credential === 'c'.repeat(16) ? { human: true, roles: [] } : standing(by);
    const anew = { ...context, standingOf: revoked };
    const again: MachineCommand = { type: 'approve', by: asker(ada, 'd'.repeat(16)), digest: once.digest };
    const twice = after(decide(once, again, anew));
    assert.equal(twice.state, 'pending');
    assert.deepEqual(
      tallyOf(twice, anew).counted.map(({ credential }) => credential),
      ['d'.repeat(16)],
    );
    assert.equal(codeOf(decide(twice, again, anew)), 'already_approved_by_you');
  });

  test('the times of the policy', () => {
    const context = under({ approval_expiry_ms: 120_000, execution_expiry_ms: 60_000 });
    const pending = proposed(context);
    assert.equal(pending.approval_expires, NOW + 120_000);
    assert.equal(after(approve(pending, ada, context)).execution_expires, NOW + 60_000);
  });
});

describe('breaking the glass', () => {
  const document = documentOf({ defaults: { approvals: 2 }, rules: [{ name: 'protected', break_glass_only: true }] });
  const context = contextOf({ document });
  const emergency = (policy: MachineContext): Containment => {
    const { tenant, identity, recommendation, uid, revision, severity, title, summary, evidence } = alertOf();
    const alert = { uid, revision, severity, title, summary, evidence };
    const draft = { tenant, identity, recommendation, alert, break_glass: { why: 'it is on fire' } };
    const terms = termsOf(draft, { policy: policy.policy, document: policy.document, executors: [] });
    return after(decide(undefined, { type: 'propose', terms, requested_by: human('vera') }, policy));
  };

  test('what is protected is on record, and only an emergency can be approved', () => {
    const pending = proposed(context);
    assert.equal(pending.terms.policy.break_glass_only, true);
    assert.equal(codeOf(approve(pending, ada, context)), 'break_glass_needed');
    assert.equal(codeOf(approve(pending, ada, contextOf())), 'break_glass_needed', 'also once the policy drops it');
    assert.equal(
      codeOf(approve(proposed(contextOf()), ada, context)),
      'break_glass_needed',
      'also when it comes later',
    );
    assert.equal(codeOf(deny(pending, ada, context)), 'denied');
    const approved = after(approve(proposed(contextOf()), ada, contextOf()));
    assert.equal(codeOf(decide(approved, DISPATCH, context)), 'quorum_lost');
  });

  test('never lowers the quorum', () => {
    const pending = emergency(context);
    assert.equal(pending.terms.policy.approvals, 2);
    const once = after(approve(pending, ada, context));
    assert.equal(once.state, 'pending');
    assert.equal(after(approve(once, ben, context)).state, 'approved');
    assert.equal(codeOf(approve(pending, bot, context)), 'not_human');
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Containment, type ContainmentTerms } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { type Principal, SYSTEM } from '../../schemas/principal.ts';
import { type Decision, decide, type MachineCommand } from '../../services/contain/machine.ts';
import { containmentId, idempotencyKey, requestId, termsDigest, termsFrom } from '../../services/contain/terms.ts';
import { ada, alertOf, asker, ben, bot, cleo, contextOf, human, NOW, policyOf } from './samples.ts';

function after(decision: Decision): Containment {
  if (decision.kind === 'refused') assert.fail(`refused: ${decision.code}`);
  return Containment.parse(decision.next);
}
const codeOf = (decision: Decision): string => (decision.kind === 'refused' ? decision.code : decision.next.state);

const policy = policyOf({ approvals: 2 });
const context = contextOf({ policy });
const pending = after(
  decide(undefined, { type: 'propose', terms: termsFrom(alertOf(), policy, []), requested_by: SYSTEM }, context),
);

/** The terms with another target, or whatever else is changed. */
const changedTerms = (
  over: Partial<ContainmentTerms['recommendation']> = { target: 'mail.read' },
): ContainmentTerms => ({
  ...pending.terms,
  recommendation: { ...pending.terms.recommendation, reason: 'rather this', ...over },
  origin: { kind: 'requested', why: 'rather this' },
});

const amendBy = (who: Principal, terms = changedTerms(), digest = pending.digest): MachineCommand => ({
  type: 'amend',
  by: asker(who),
  digest,
  terms,
});
const approveBy = (current: Containment, who: Principal, digest = current.digest): Decision =>
  decide(current, { type: 'approve', by: asker(who), digest }, context);

describe('a change of what is asked for', () => {
  test('voids the votes, keeps them on record, and makes its author the requester', () => {
    const once = after(approveBy(pending, ada));
    const amended = after(decide(once, amendBy(ben), contextOf({ policy, now: NOW + 5000 })));
    assert.deepEqual(amended.votes, []);
    assert.deepEqual(amended.voided_votes, once.votes);
    assert.deepEqual(amended.requested_by, ben);
    assert.equal(amended.digest, termsDigest(amended.terms));
    assert.notEqual(amended.digest, once.digest);
    assert.equal(amended.id, once.id);
    assert.equal(amended.state, 'pending');
    assert.equal(amended.updated, NOW + 5000);
    assert.equal(amended.approval_expires, NOW + 5000 + policy.approval_expiry_ms);
    assert.equal(codeOf(approveBy(amended, ben)), 'requester_cannot_approve');
    assert.equal(codeOf(approveBy(amended, ada, once.digest)), 'digest_mismatch', 'the old digest is void');
    const again = after(approveBy(amended, ada));
    assert.equal(again.state, 'pending', 'the void vote does not count');
    assert.equal(after(approveBy(again, cleo)).state, 'approved');
  });

  test('of the action or the parameters is one as well, and of the reason alone is none', () => {
    for (const over of [{ action: 'suspend_agent' as const }, { parameters: { tool: 'other' } }]) {
      const amended = after(decide(pending, amendBy(ben, changedTerms(over)), context));
      assert.notEqual(amended.digest, pending.digest);
      assert.equal('voided_votes' in amended, false, 'there were none');
    }
    assert.equal(codeOf(decide(pending, amendBy(ben, changedTerms({})), context)), 'nothing_changed');
  });

  test('is for humans who are analysts or approvers, and not contained', () => {
    assert.equal(codeOf(decide(pending, amendBy(bot), context)), 'not_human');
    assert.equal(codeOf(decide(pending, amendBy(human('vera')), context)), 'role_missing');
    const analyst = contextOf({ policy, standingOf: () => ({ human: true, roles: ['analyst'] }) });
    assert.equal(codeOf(decide(pending, amendBy(human('anna')), analyst)), 'pending');
    assert.equal(codeOf(decide(pending, amendBy(human('agent-7')), analyst)), 'contained_cannot_decide');
  });

  test('is bound to what was seen, and comes in time', () => {
    assert.equal(codeOf(decide(pending, amendBy(ben, changedTerms(), '0'.repeat(64)), context)), 'digest_mismatch');
    const last = contextOf({ policy, now: pending.approval_expires - 1 });
    assert.equal(codeOf(decide(pending, amendBy(ben), last)), 'pending');
    const late = contextOf({ policy, now: pending.approval_expires });
    assert.equal(codeOf(decide(pending, amendBy(ben), late)), 'expired');
    const approved = after(approveBy(after(approveBy(pending, ada)), cleo));
    assert.equal(codeOf(decide(approved, amendBy(ben), context)), 'already_approved');
  });

  test('asks again what the policy demands of the new action', () => {
    const document = PolicyDocument.parse({
      version: 'x',
      rules: [{ name: 'short', when: { actions: ['suspend_agent'] }, approval_expiry_ms: 60_000 }],
    });
    const amended = decide(pending, amendBy(ben, changedTerms({ action: 'suspend_agent' })), { ...context, document });
    assert.equal(after(amended).approval_expires, NOW + 60_000);
  });

  test('keeps the snapshot: another identity, alert, tenant or emergency is a programmer error', () => {
    const { terms } = pending;
    for (const over of [
      { tenant: 'other' },
      { identity: { ...terms.identity, id: 'agent-8' } },
      { alert: { ...terms.alert, evidence: [] } },
      { break_glass: { why: 'now it is one' } },
    ]) {
      assert.throws(() => decide(pending, amendBy(ben, { ...changedTerms(), ...over }), context));
    }
  });

  test('a roll-back is not changed', () => {
    const back = { ...pending.terms, origin: { kind: 'rollback' as const, of: pending.id, why: 'x' } };
    const rollback = { ...pending, terms: back, digest: termsDigest(back) };
    const asked = { ...changedTerms(), origin: back.origin };
    assert.equal(codeOf(decide(rollback, amendBy(ben, asked, rollback.digest), context)), 'not_amendable');
  });

  test('void votes are kept to a bound', () => {
    const vote = after(approveBy(pending, ada)).votes;
    const full = { ...pending, voided_votes: Array.from({ length: LIMITS.voided_votes_max }, () => vote).flat() };
    assert.equal(codeOf(decide(full, amendBy(ben), context)), 'pending');
    assert.equal(codeOf(decide({ ...full, votes: vote }, amendBy(ben), context)), 'too_many');
  });
});

describe('what a person found out', () => {
  const resolveBy = (who: Principal, took_effect = true): MachineCommand => ({
    type: 'resolve',
    by: asker(who),
    took_effect,
    comment: 'the key is gone',
  });
  const dispatched = [ada, cleo].reduce((current, who) => after(approveBy(current, who)), pending);
  const dispatching = after(decide(dispatched, { type: 'dispatch', executor: 'webhook' }, context));
  const ended = (kind: 'done' | 'unclear'): Containment =>
    after(decide(dispatching, { type: 'report', result: { kind, detail: '' }, repeatable: false }, context));

  test('about an unknown outcome is recorded, once, and changes nothing else', () => {
    const unknown = ended('unclear');
    const resolved = after(decide(unknown, resolveBy(ben, false), contextOf({ now: NOW + 9 })));
    const resolution = { by: ben, took_effect: false, comment: 'the key is gone', time: NOW + 9 };
    assert.deepEqual(resolved, { ...unknown, resolution, updated: NOW + 9 });
    assert.equal(codeOf(decide(resolved, resolveBy(ada), context)), 'already_resolved');
  });

  test('is for humans with a say', () => {
    const unknown = ended('unclear');
    assert.equal(codeOf(decide(unknown, resolveBy(bot), context)), 'not_human');
    assert.equal(codeOf(decide(unknown, resolveBy(human('vera')), context)), 'role_missing');
  });

  test('is asked only where something is unclear', () => {
    const done = ended('done');
    for (const current of [pending, dispatched, dispatching, { ...done, effect: undefined }]) {
      assert.equal(codeOf(decide(current, resolveBy(ben), context)), 'not_resolvable');
    }
    const watch = {
      containment: done.id,
      action: 'restrict_tool',
      predicate: { tenant: 'default', identity: 'agent-7' },
      from: NOW,
      until: NOW + 1,
    };
    const unclear: Containment = { ...done, effect: { state: 'needs_human', watch } };
    assert.equal(codeOf(decide(unclear, resolveBy(ben), context)), 'succeeded');
    const watching: Containment = { ...done, effect: { state: 'watching', watch } };
    assert.equal(codeOf(decide(watching, resolveBy(ben), context)), 'not_resolvable');
  });
});

describe('names', () => {
  const { terms } = pending;
  const all = [
    containmentId(terms),
    containmentId(terms, 1),
    containmentId(terms, 2),
    containmentId(changedTerms()),
    containmentId(changedTerms({ action: 'suspend_agent' })),
    containmentId({ ...terms, alert: { ...terms.alert, uid: 'b' } }),
    requestId('one'),
    requestId('two'),
    idempotencyKey(pending.id, pending.digest).slice(4),
    idempotencyKey(pending.id, '0'.repeat(64)).slice(4),
    idempotencyKey('0'.repeat(32), pending.digest).slice(4),
  ];
  test('of different things are different, and of the same the same', () => {
    assert.equal(new Set(all).size, all.length);
    for (const one of all) assert.match(one, /^[0-9a-f]{32}$/);
    assert.equal(containmentId(terms, 0), containmentId(structuredClone(terms)));
    assert.match(idempotencyKey('a', 'b'), /^ctn_[0-9a-f]{32}$/);
  });

  test('a proposal has the id that it is given, or that of its kind', () => {
    const propose = (over: object): Decision =>
      decide(undefined, { type: 'propose', terms, requested_by: ada, ...over } as MachineCommand, context);
    assert.equal(after(propose({})).id, containmentId(terms));
    assert.equal(after(propose({ id: 'f'.repeat(32) })).id, 'f'.repeat(32));
  });
});

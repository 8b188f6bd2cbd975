import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Command, type Outcome } from '../../schemas/command.ts';
import type { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { onCommand } from '../../services/contain/commands.ts';
import type { Order } from '../../services/contain/executor.ts';
import { rollBack as rollBackOf } from '../../services/contain/requests.ts';
import { commandDigest } from '../../services/control/command-bus.ts';
import { applyControl } from '../../services/control/state.ts';
import {
  all,
  anew,
  approve,
  ask,
  audit,
  keyOf,
  pass,
  person,
  raise,
  recommending,
  ref,
  requested,
  requesting,
  said,
  snapshotOf,
  stateNow,
  statesOf,
  timeNow,
  turn,
} from './decisions.ts';
import type { Body } from './harness.ts';
import { alertOf } from './samples.ts';

beforeEach(anew);

describe('a request', () => {
  test('waits in the name of whoever asked, with the alert as they saw it, whatever the alert becomes', () => {
    const made = requested();
    const { terms, requested_by } = made;
    assert.deepEqual(requested_by, { ...ref('anna'), human: true });
    assert.deepEqual(terms.origin, { kind: 'requested', why: 'it leaked' });
    assert.deepEqual(terms.recommendation, {
      action: 'revoke_credential',
      target: 'key-7',
      parameters: {},
      reason: 'it leaked',
    });
    assert.deepEqual(terms.alert, snapshotOf(alertOf()).alert);
    assert.equal(terms.executor, 'webhook');
    raise({ revision: 2, evidence: [], summary: 'more' });
    assert.deepEqual(stateNow().containments.get(made.id), made);
  });

  test('is decided once per command, and the snapshot is not part of what was asked', () => {
    const shared = { id: 'the-same-id', by: ref('anna'), credential: keyOf('anna'), time: timeNow() };
    const first = Command.parse({ ...shared, ...requesting() });
    const later = Command.parse({
      ...shared,
      time: timeNow() + 1,
      ...requesting({ snapshot: snapshotOf(alertOf({ revision: 2 })) }),
    });
    const other = Command.parse({ ...shared, ...requesting({ target: 'key-8' }) });
    assert.equal(commandDigest(first), commandDigest(later));
    assert.notEqual(commandDigest(first), commandDigest(other));
    turn((opened) => onCommand(opened, first));
    assert.equal(turn((opened) => onCommand(opened, later)).records.length, 0);
  });

  test('who may', () => {
    assert.equal(said(ask('robot', requesting())), 'not_human');
    assert.equal(said(ask('vera', requesting())), 'role_missing');
    assert.equal(said(ask('olga', requesting())), 'role_missing');
    person('agent-7', ['analyst']);
    assert.equal(said(ask('agent-7', requesting())), 'contained_cannot_decide');
    assert.equal(said(ask('ada', requesting())), 'pending');
  });

  test('about another identity than the alert is refused', () => {
    assert.equal(said(ask('anna', requesting({ identity: 'agent-8' }))), 'snapshot_mismatch');
    assert.equal(said(ask('anna', requesting({ alert_uid: 'b'.repeat(32) }))), 'snapshot_mismatch');
    raise();
    assert.equal(said(ask('anna', requesting({ tenant: 'other' }))), 'snapshot_mismatch');
    const other = { ...snapshotOf(alertOf()), identity: { id: 'agent-8', kind: 'agent' } };
    assert.equal(said(ask('anna', requesting({ identity: 'agent-8', snapshot: other }))), 'snapshot_mismatch');
  });

  test('suspends nobody but whom the approvers see', () => {
    assert.equal(said(ask('anna', requesting({ action: 'suspend_agent', target: 'agent-8' }))), 'target_refused');
    assert.equal(said(ask('anna', requesting({ action: 'suspend_agent', target: 'agent-7' }))), 'pending');
  });

  test('for what somebody has asked for already waits for that; once it is decided, it can be asked again', () => {
    const first = requested();
    assert.equal(said(ask('root', requesting())), 'already_proposed');
    assert.equal(said(ask('root', requesting({ parameters: { a: 'b' } }))), 'pending', 'other parameters are another');
    ask('ada', { type: 'deny', containment: first.id, digest: first.digest });
    assert.equal(said(ask('root', requesting())), 'pending');
  });

  test('so many are open on one alert', () => {
    for (let n = 0; n < LIMITS.requests_per_alert_max; n++) requested('anna', { target: `key-${n}` });
    assert.equal(said(ask('anna', requesting({ target: 'one-more' }))), 'too_many');
    raise();
    assert.equal(statesOf().length, LIMITS.requests_per_alert_max + 1, 'detection still proposes');
  });

  test('runs once others have approved it', () => {
    const made = requested('root');
    assert.equal(said(approve('root', made)), 'requester_cannot_approve');
    assert.equal(said(approve('ada', made)), 'approved');
    assert.equal(pass().effects.length, 1);
  });
});

describe('an emergency', () => {
  const glass = { break_glass: { why: 'it is on fire' } };
  const protect = (): Outcome =>
    ask('olga', {
      type: 'policy_set',
      policy: PolicyDocument.parse({
        version: 'p',
        rules: [{ name: 'protected', approvals: 2, break_glass_only: true }],
      }),
      reason: 'x',
    });

  test('is said in every record of it, and takes as many approvals', () => {
    protect();
    const made = requested('anna', glass);
    assert.deepEqual(made.terms.break_glass, { why: 'it is on fire' });
    assert.equal(said(approve('ada', made)), 'pending');
    assert.equal(said(approve('ben', made)), 'approved');
    const records = pass().records.filter(({ kind }) => kind === 'containment_changed');
    assert.ok(records.length === 1 && records.every(({ what }) => what.endsWith('breaking the glass')));
  });

  test('is the only way to what the policy protects', () => {
    protect();
    assert.equal(said(ask('anna', requesting())), 'break_glass_needed');
    raise();
    const [proposed] = all();
    assert.ok(proposed !== undefined);
    assert.equal(proposed.state, 'pending', 'what detection proposes is on record');
    assert.equal(said(approve('ada', proposed)), 'break_glass_needed');
  });

  test('does not wait for what asks for the same, and takes its place if nobody has voted on it', () => {
    const plain = requested();
    const made = requested('root', glass);
    assert.equal(stateNow().containments.get(plain.id)?.cancellation?.reason, 'superseded');
    assert.equal(said(ask('anna', requesting(glass))), 'already_proposed');
    assert.equal(said(ask('anna', requesting())), 'already_proposed', made.id);
  });

  test('leaves what has votes', () => {
    ask('olga', {
      type: 'policy_set',
      policy: PolicyDocument.parse({ version: 'q', defaults: { approvals: 2 } }),
      reason: 'x',
    });
    const plain = requested();
    approve('ada', plain);
    requested('root', glass);
    assert.equal(stateNow().containments.get(plain.id)?.state, 'pending');
  });
});

describe('a change', () => {
  test('of what detection proposed is the request of whoever changes it', () => {
    raise();
    const [proposed] = all();
    assert.ok(proposed !== undefined);
    const { id, digest } = proposed;
    const asked = ask('anna', {
      type: 'containment_amend',
      containment: id,
      digest,
      target: 'mail.read',
      why: 'rather',
    });
    assert.equal(said(asked), 'pending');
    const amended = stateNow().containments.get(id);
    assert.deepEqual(amended?.terms.recommendation, {
      ...proposed.terms.recommendation,
      target: 'mail.read',
      reason: 'rather',
    });
    assert.deepEqual(amended?.terms.origin, { kind: 'requested', why: 'rather' });
    assert.equal(amended?.requested_by.subject, 'anna');
    raise({ revision: 2, ...recommending('something-new') });
    assert.equal(stateNow().containments.get(id)?.state, 'pending', 'what a person asks for gives way to nothing');
  });

  test('of everything, and its refusals', () => {
    const { id, digest } = requested();
    const amend = (over: object): string | undefined =>
      said(ask('root', { type: 'containment_amend', containment: id, digest, why: 'x', ...over } as Body));
    assert.equal(amend({ action: 'suspend_agent' }), 'target_refused');
    assert.equal(amend({ target: 'key-7' }), 'nothing_changed');
    assert.equal(amend({ containment: 'f'.repeat(32), target: 'x' }), 'unknown_containment');
    assert.equal(amend({ action: 'suspend_agent', target: 'agent-7', parameters: { a: 'b' } }), 'pending');
    const { action, target, parameters } = stateNow().containments.get(id)?.terms.recommendation ?? {};
    assert.deepEqual([action, target, parameters], ['suspend_agent', 'agent-7', { a: 'b' }]);
  });

  test('to what the policy protects needs an emergency from the start', () => {
    const { id, digest } = requested();
    const policy = {
      version: 'p',
      rules: [{ name: 'p', when: { actions: ['suspend_agent'] }, break_glass_only: true }],
    };
    ask('olga', { type: 'policy_set', policy: PolicyDocument.parse(policy), reason: 'x' });
    const asked = {
      type: 'containment_amend',
      containment: id,
      digest,
      action: 'suspend_agent',
      target: 'agent-7',
      why: 'x',
    };
    assert.equal(said(ask('root', asked as Body)), 'break_glass_needed');
  });
});

describe('a roll-back', () => {
  const executed = (): Containment => {
    const made = requested();
    approve('ada', made);
    const { records } = pass();
    const last = records.findLast((record) => record.kind === 'containment_changed');
    assert.ok(last?.kind === 'containment_changed' && last.containment.state === 'dispatching');
    const done: Containment = { ...last.containment, state: 'succeeded' };
    applyControl(stateNow(), { ...last, from: 'dispatching', containment: done });
    return done;
  };
  const rollBack = (subject: string, { id }: { id: string }, over: object = {}): Outcome =>
    ask(subject, { type: 'containment_rollback', containment: id, why: 'a mistake', ...over } as Body);

  test('is a request of its own with approvals of its own, and is not taken back itself', () => {
    const done = executed();
    const outcome = rollBack('root', done);
    const back = stateNow().containments.get(outcome.kind === 'done' ? outcome.subject : '');
    assert.deepEqual(back?.terms.origin, { kind: 'rollback', of: done.id, why: 'a mistake' });
    assert.deepEqual(back.terms.recommendation, done.terms.recommendation);
    assert.deepEqual([back.votes, back.requested_by.subject], [[], 'root']);
    assert.equal(said(rollBack('anna', done)), 'already_proposed');
    raise({ revision: 9, status: 'closed', closed_reason: 'false_positive' });
    assert.equal(stateNow().containments.get(back.id)?.state, 'pending', 'an alert that was none is what it is for');
    assert.equal(said(approve('root', back)), 'requester_cannot_approve');
    approve('ada', back);
    assert.equal(pass().effects.length, 1);
    assert.equal(said(rollBack('anna', back)), 'nothing_to_roll_back');
  });

  test('is refused at once where nobody could carry it out', () => {
    const done = executed();
    const cannot = { name: 'webhook', repeatable: true, carriesOut: ({ direction }: Order) => direction === 'contain' };
    const command = { type: 'containment_rollback', containment: done.id, why: 'a mistake' } as const;
    const by = { issuer: 'local', subject: 'root' };
    turn((opened) => {
      const without = { ...opened, context: { ...opened.context, executors: [cannot] } };
      const asked = rollBackOf(without, { ...command, id: 'root-asks-back', by, time: 0 });
      assert.equal(said(asked), 'cannot_be_restored');
    });
    assert.equal(all().length, 1);
  });

  test('only of what was carried out, by people', () => {
    const waiting = requested('anna', { target: 'other' });
    assert.equal(said(rollBack('anna', waiting)), 'nothing_to_roll_back');
    assert.equal(said(rollBack('anna', { id: 'f'.repeat(32) })), 'unknown_containment');
    const done = executed();
    assert.equal(said(rollBack('robot', done)), 'not_human');
    const record = {
      ...audit,
      who: ref('x'),
      when: timeNow(),
      kind: 'containment_changed',
      from: 'dispatching',
    } as const;
    applyControl(stateNow(), { ...record, containment: { ...done, state: 'unknown' } });
    assert.equal(said(rollBack('anna', done, { break_glass: { why: 'now' } })), 'pending');
  });
});

describe('one proposal of a story at a time', () => {
  test('an older one that nobody has voted on gives way to the next', () => {
    raise();
    raise({ revision: 2, ...recommending('mail.read') });
    assert.deepEqual(statesOf(), ['superseded', 'pending']);
    raise({ revision: 3, ...recommending('mail.read') });
    assert.deepEqual(statesOf(), ['superseded', 'pending'], 'the same again changes nothing');
    raise({ revision: 4 });
    assert.deepEqual(
      statesOf(),
      ['superseded', 'superseded', 'pending'],
      'what is recommended again is proposed again',
    );
    raise({ revision: 5 });
    assert.equal(all().length, 3);
  });

  test('one that somebody has voted on stays, and so does what was decided', () => {
    ask('olga', {
      type: 'policy_set',
      policy: PolicyDocument.parse({ version: 'q', defaults: { approvals: 2 } }),
      reason: 'x',
    });
    raise();
    const [first] = all();
    assert.ok(first !== undefined);
    approve('ada', first);
    raise({ revision: 2, ...recommending('mail.read') });
    assert.deepEqual(statesOf(), ['pending', 'pending']);
    ask('ben', { type: 'deny', containment: first.id, digest: first.digest });
    raise({ revision: 3 });
    assert.deepEqual(statesOf(), ['denied', 'pending'], 'what was denied is not proposed again');
  });

  test('proposals of one alert have an end, and what is refused displaces nothing', () => {
    for (let n = 1; n <= LIMITS.proposals_per_alert_max + 3; n++) raise({ revision: n, ...recommending(`tool-${n}`) });
    assert.equal(all().length, LIMITS.proposals_per_alert_max);
    assert.equal(statesOf().at(-1), 'pending');
  });
});

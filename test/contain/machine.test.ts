import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Refusal } from '../../schemas/command.ts';
import { CONTAINMENT_STATES, Containment, type ContainmentState } from '../../schemas/containment.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import {
  type Decision,
  decide,
  dueAt,
  type MachineCommand,
  type MachineContext,
} from '../../services/contain/machine.ts';
import { BUILT_IN_POLICY, definePolicy } from '../../services/contain/policy.ts';
import { termsDigest, termsFrom } from '../../services/contain/terms.ts';
import { ada, alertOf, asker, ben, bot, contextOf, human, NOW, policyOf } from './samples.ts';

const PROPOSE: MachineCommand = {
  type: 'propose',
  terms: termsFrom(alertOf(), BUILT_IN_POLICY, []),
  requested_by: SYSTEM,
};

function after(decision: Decision): Containment {
  if (decision.kind === 'refused') assert.fail(`refused: ${decision.code}`);
  // What the machine makes must always be what the control log can hold.
  return Containment.parse(decision.next);
}

function codeOf(decision: Decision): string {
  return decision.kind === 'refused' ? decision.code : 'changed';
}

const pending = after(decide(undefined, PROPOSE, contextOf()));
const approveBy = (who = ada, digest = pending.digest): MachineCommand => ({ type: 'approve', by: asker(who), digest });
const denyBy = (who = ada, digest = pending.digest): MachineCommand => ({ type: 'deny', by: asker(who), digest });
const cancelBy = (who = ada): MachineCommand => ({ type: 'cancel', by: asker(who), reason: 'withdrawn' });
const report = (kind: 'done' | 'failed' | 'unclear', repeatable = false): MachineCommand => ({
  type: 'report',
  result: { kind, detail: `it was ${kind}` },
  repeatable,
});

const approved = after(decide(pending, approveBy(ada), contextOf()));
const dispatching = after(decide(approved, { type: 'dispatch', executor: 'webhook' }, contextOf()));
const BY_STATE: Record<ContainmentState, Containment> = {
  pending,
  approved,
  denied: after(decide(pending, denyBy(ben), contextOf())),
  expired: after(decide(pending, { type: 'tick' }, contextOf({ now: pending.approval_expires }))),
  cancelled: after(decide(pending, cancelBy(), contextOf())),
  dispatching,
  succeeded: after(decide(dispatching, report('done'), contextOf())),
  failed: after(decide(dispatching, report('failed'), contextOf())),
  unknown: after(decide(dispatching, report('unclear'), contextOf())),
};

describe('every state and every command', () => {
  /** Who asks is Ben, who has not voted on `approved`; a state in capitals is a change to it. */
  const TABLE: Record<
    string,
    { command: MachineCommand; answers: Record<ContainmentState, Refusal | Uppercase<string>> }
  > = {
    propose: {
      command: PROPOSE,
      answers: everywhere('already_proposed', {}),
    },
    approve: {
      command: approveBy(ben),
      answers: late({ pending: 'APPROVED', approved: 'already_approved' }),
    },
    'approve again': {
      command: approveBy(ada),
      answers: late({
        pending: 'APPROVED',
        approved: 'already_approved_by_you',
        dispatching: 'already_approved_by_you',
        succeeded: 'already_approved_by_you',
        failed: 'already_approved_by_you',
        unknown: 'already_approved_by_you',
      }),
    },
    deny: { command: denyBy(ben), answers: late({ pending: 'DENIED', approved: 'already_approved' }) },
    cancel: { command: cancelBy(ben), answers: late({ pending: 'CANCELLED', approved: 'CANCELLED' }) },
    tick: { command: { type: 'tick' }, answers: everywhere('nothing_due', {}) },
    dispatch: {
      command: { type: 'dispatch', executor: 'webhook' },
      answers: late({ pending: 'not_approved', approved: 'DISPATCHING' }),
    },
    retry: {
      command: { type: 'retry' },
      answers: late({ pending: 'not_dispatching', approved: 'not_dispatching', dispatching: 'DISPATCHING' }),
    },
    'report done': {
      command: report('done'),
      answers: late({ pending: 'not_dispatching', approved: 'not_dispatching', dispatching: 'SUCCEEDED' }),
    },
    'report failed': {
      command: report('failed'),
      answers: late({ pending: 'not_dispatching', approved: 'not_dispatching', dispatching: 'FAILED' }),
    },
    'report unclear': {
      command: report('unclear'),
      answers: late({ pending: 'not_dispatching', approved: 'not_dispatching', dispatching: 'UNKNOWN' }),
    },
    'report unclear, repeatable': {
      command: report('unclear', true),
      answers: late({ pending: 'not_dispatching', approved: 'not_dispatching', dispatching: 'DISPATCHING' }),
    },
  };

  function everywhere<T>(answer: T, over: Partial<Record<ContainmentState, T>>): Record<ContainmentState, T> {
    const all = CONTAINMENT_STATES.map((state) => [state, over[state] ?? answer] as const);
    return Object.fromEntries(all) as Record<ContainmentState, T>;
  }

  function late(over: Partial<Record<ContainmentState, Refusal | Uppercase<string>>>) {
    return {
      ...everywhere<Refusal | Uppercase<string>>('nothing_due', {}),
      denied: 'already_denied',
      expired: 'expired',
      cancelled: 'already_cancelled',
      dispatching: 'already_dispatching',
      succeeded: 'already_succeeded',
      failed: 'already_failed',
      unknown: 'outcome_unknown',
      ...over,
    } as const satisfies Record<ContainmentState, Refusal | Uppercase<string>>;
  }

  for (const [name, { command, answers }] of Object.entries(TABLE)) {
    for (const state of CONTAINMENT_STATES) {
      test(`${name} when ${state}: ${answers[state]}`, () => {
        const current = BY_STATE[state];
        const frozen = structuredClone(current);
        const decision = decide(current, command, contextOf({ now: NOW + 1 }));
        assert.equal(decision.kind === 'changed' ? decision.next.state.toUpperCase() : decision.code, answers[state]);
        assert.deepEqual(current, frozen, 'a decision leaves what it was given as it was');
        if (decision.kind === 'changed') after(decision);
      });
    }
    if (command.type === 'propose') continue;
    test(`${name} of what does not exist`, () => {
      assert.equal(codeOf(decide(undefined, command, contextOf())), 'unknown_containment');
    });
  }
});

describe('votes', () => {
  const cases: [string, MachineCommand, string][] = [
    ['a machine cannot approve, whatever role it holds', approveBy(bot), 'not_human'],
    ['a machine cannot deny', denyBy(bot), 'not_human'],
    ['a machine cannot cancel', cancelBy(bot), 'not_human'],
    ['a human without the role cannot approve', approveBy(human('vera')), 'role_missing'],
    ['a human without the role cannot deny', denyBy(human('vera')), 'role_missing'],
    ['a human without the role cannot cancel', cancelBy(human('vera')), 'role_missing'],
    ['nobody cannot approve', approveBy(human('nobody')), 'not_human'],
    ['the same name from elsewhere is somebody else', approveBy({ ...ada, issuer: 'elsewhere' }), 'not_human'],
    ['the system cannot approve', approveBy(SYSTEM), 'not_human'],
    ['another digest is refused', approveBy(ada, '0'.repeat(64)), 'digest_mismatch'],
    ['a denial is bound to the digest too', denyBy(ada, '0'.repeat(64)), 'digest_mismatch'],
  ];
  for (const [name, command, code] of cases) {
    test(name, () => assert.equal(codeOf(decide(pending, command, contextOf())), code));
  }

  test('the requester can neither approve nor deny, but cancel', () => {
    const own = after(decide(undefined, { ...PROPOSE, requested_by: ada }, contextOf()));
    assert.equal(codeOf(decide(own, approveBy(ada), contextOf())), 'requester_cannot_approve');
    assert.equal(codeOf(decide(own, denyBy(ada), contextOf())), 'requester_cannot_deny');
    assert.equal(after(decide(own, cancelBy(ada), contextOf())).state, 'cancelled');
    assert.equal(after(decide(own, approveBy(ben), contextOf())).state, 'approved');
  });

  test('two approvals mean two people', () => {
    const context = contextOf({ policy: policyOf({ approvals: 2, version: 'two' }) });
    const terms = termsFrom(alertOf(), context.policy, []);
    const proposed = after(decide(undefined, { type: 'propose', terms, requested_by: SYSTEM }, context));
    const once = after(decide(proposed, approveBy(ada, proposed.digest), context));
    assert.equal(once.state, 'pending');
    assert.equal(codeOf(decide(once, approveBy(ada, proposed.digest), context)), 'already_approved_by_you');
    assert.equal(after(decide(once, denyBy(ada, proposed.digest), context)).state, 'denied');
    assert.equal(after(decide(once, denyBy(ben, proposed.digest), context)).state, 'denied');
    assert.equal(after(decide(once, approveBy(ben, proposed.digest), context)).state, 'approved');
  });

  test('an approver who lost the role meanwhile does not count for the next vote', () => {
    const policy = policyOf({ approvals: 2 });
    const terms = termsFrom(alertOf(), policy, []);
    const proposed = after(decide(undefined, { type: 'propose', terms, requested_by: SYSTEM }, contextOf({ policy })));
    const once = after(decide(proposed, approveBy(ada, proposed.digest), contextOf({ policy })));
    const context = contextOf({ policy, standingOf: withoutRole('ada') });
    assert.equal(after(decide(once, approveBy(ben, proposed.digest), context)).state, 'pending');
  });

  test('a vote at the moment of expiry comes too late', () => {
    const at = (now: number): MachineContext => contextOf({ now });
    assert.equal(codeOf(decide(pending, approveBy(), at(pending.approval_expires))), 'expired');
    assert.equal(after(decide(pending, approveBy(), at(pending.approval_expires - 1))).state, 'approved');
  });
});

const withoutRole = (subject: string): MachineContext['standingOf'] => {
  const { standingOf } = contextOf();
  return (by, credential) => (by.subject === subject ? { human: true, roles: [] } : standingOf(by, credential));
};

describe('the step that dispatches checks everything again', () => {
  const dispatch: MachineCommand = { type: 'dispatch', executor: 'webhook' };

  test('an approver without the role', () => {
    const context = contextOf({ standingOf: withoutRole('ada') });
    assert.equal(codeOf(decide(approved, dispatch, context)), 'quorum_lost');
  });

  test('a policy that asks for more by now', () => {
    const context = contextOf({ policy: policyOf({ approvals: 2 }) });
    assert.equal(codeOf(decide(approved, dispatch, context)), 'quorum_lost');
  });

  test('a policy that asks for less does not lower what the terms say', () => {
    const terms = termsFrom(alertOf(), policyOf({ approvals: 2 }), []);
    const proposed = after(decide(undefined, { type: 'propose', terms, requested_by: SYSTEM }, contextOf()));
    assert.equal(after(decide(proposed, approveBy(ada, proposed.digest), contextOf())).state, 'pending');
  });

  test('terms that are not those of the digest', () => {
    const recommendation = { ...approved.terms.recommendation, target: 'everything' };
    const forged = { ...approved, terms: { ...approved.terms, recommendation } };
    assert.equal(codeOf(decide(forged, dispatch, contextOf())), 'digest_mismatch');
    const resigned = { ...forged, digest: termsDigest(forged.terms) };
    assert.equal(codeOf(decide(resigned, dispatch, contextOf())), 'quorum_lost');
  });

  test('votes written into the record by anyone but an approver', () => {
    const fresh = { method: 'password', authenticated: NOW } as const;
    const vote = { decision: 'approve', digest: pending.digest, time: NOW, fresh } as const;
    const forge = (by: typeof ada) => ({ ...approved, votes: [{ ...vote, by }] });
    for (const by of [bot, SYSTEM, human('vera'), { ...bot, human: true }]) {
      assert.equal(codeOf(decide(forge(by), dispatch, contextOf())), 'quorum_lost', by.subject);
    }
    const twice = { ...approved, votes: [...approved.votes, ...approved.votes] };
    const two = contextOf({ policy: policyOf({ approvals: 2 }) });
    assert.equal(codeOf(decide(twice, dispatch, two)), 'quorum_lost', 'one person twice is one person');
    const own = { ...approved, requested_by: ada };
    assert.equal(codeOf(decide(own, dispatch, contextOf())), 'quorum_lost', 'the requester');
    assert.equal(codeOf(decide(forge(ada), dispatch, contextOf())), 'changed', 'and by an approver it counts');
    const at = approved.approval_expires;
    const late = { ...vote, by: ada, time: at, fresh: { ...fresh, authenticated: at } };
    const tooLate = { ...approved, votes: [late] };
    assert.equal(codeOf(decide(tooLate, dispatch, contextOf())), 'quorum_lost');
  });

  test('the time for execution', () => {
    const expires = approved.execution_expires ?? 0;
    assert.equal(codeOf(decide(approved, dispatch, contextOf({ now: expires }))), 'expired');
    assert.equal(after(decide(approved, { type: 'tick' }, contextOf({ now: expires }))).state, 'expired');
    const last = after(decide(approved, dispatch, contextOf({ now: expires - 1 })));
    assert.equal(last.execution?.deadline, expires, 'nothing is sent after the approval has run out');
  });

  test('no setting asks for less than one human', () => {
    for (const approvals of [0, -1, 0.5, Number.NaN]) {
      assert.throws(() => definePolicy({ ...BUILT_IN_POLICY, approvals }));
    }
    assert.throws(() => definePolicy({ ...BUILT_IN_POLICY, roles: [] }));
    // Even a policy object that was never checked cannot do it.
    const unchecked = { ...BUILT_IN_POLICY, approvals: 0 };
    const unvoted = { ...approved, votes: [] };
    assert.equal(codeOf(decide(unvoted, dispatch, contextOf({ policy: unchecked }))), 'quorum_lost');
    const terms = { ...pending.terms, policy: { ...pending.terms.policy, approvals: 0 } };
    assert.throws(() => decide(undefined, { type: 'propose', terms, requested_by: SYSTEM }, contextOf()));
  });
});

describe('execution', () => {
  test('the idempotency key is the same in every attempt and every run', () => {
    const again = after(decide(dispatching, { type: 'retry' }, contextOf()));
    assert.equal(again.execution?.idempotency_key, dispatching.execution?.idempotency_key);
    assert.equal(again.execution?.attempts, 2);
    assert.equal(again.execution?.deadline, dispatching.execution?.deadline);
  });

  test('nothing is sent after the deadline', () => {
    const now = dispatching.execution?.deadline ?? 0;
    assert.equal(codeOf(decide(dispatching, { type: 'retry' }, contextOf({ now }))), 'deadline_passed');
    assert.equal(after(decide(dispatching, report('unclear', true), contextOf({ now }))).state, 'unknown');
    assert.equal(after(decide(dispatching, report('done'), contextOf({ now }))).state, 'succeeded');
  });

  test('an unanswered dispatch is unknown only a timeout after its deadline', () => {
    const due = dueAt(dispatching, BUILT_IN_POLICY) ?? 0;
    assert.equal(due, (dispatching.execution?.deadline ?? 0) + BUILT_IN_POLICY.executor_timeout_ms);
    assert.equal(codeOf(decide(dispatching, { type: 'tick' }, contextOf({ now: due - 1 }))), 'nothing_due');
    assert.equal(after(decide(dispatching, { type: 'tick' }, contextOf({ now: due }))).state, 'unknown');
  });

  test('effects follow only a durable change', () => {
    const effects = (current: Containment, command: MachineCommand) => {
      const decision = decide(current, command, contextOf());
      return decision.kind === 'changed' ? decision.effects.map((effect) => effect.kind) : decision.code;
    };
    assert.deepEqual(effects(approved, { type: 'dispatch', executor: 'webhook' }), ['execute']);
    assert.deepEqual(effects(dispatching, { type: 'retry' }), ['execute']);
    assert.deepEqual(effects(dispatching, report('unclear', true)), ['retry_later']);
    assert.deepEqual(effects(dispatching, report('done')), []);
    assert.deepEqual(effects(pending, approveBy()), []);
  });

  test('what an executor says is cut to a bound', () => {
    const long: MachineCommand = {
      type: 'report',
      result: { kind: 'done', detail: '😀'.repeat(5000) },
      repeatable: false,
    };
    const detail = after(decide(dispatching, long, contextOf())).execution?.detail ?? '';
    assert.ok(detail.length === 1024 && detail.isWellFormed());
  });
});

describe('terms', () => {
  test('any change of action, target, parameters, evidence or policy is another digest', () => {
    const base = pending.terms;
    const variants = [
      { ...base, recommendation: { ...base.recommendation, action: 'suspend_agent' as const } },
      { ...base, recommendation: { ...base.recommendation, target: 'mail.read' } },
      { ...base, recommendation: { ...base.recommendation, parameters: {} } },
      { ...base, alert: { ...base.alert, evidence: [] } },
      { ...base, policy: { ...base.policy, version: 'builtin-2' } },
      { ...base, tenant: 'other' },
    ].map(termsDigest);
    assert.equal(new Set([pending.digest, ...variants]).size, variants.length + 1);
  });

  test('the order of fields does not matter', () => {
    const { policy, alert, recommendation, identity, tenant } = pending.terms;
    assert.equal(termsDigest({ tenant, identity, recommendation, alert, policy }), pending.digest);
  });

  test('a lone surrogate in a name of an agent is repaired, not fatal', () => {
    const recommendation = { ...alertOf().recommendation, target: 'mail\ud800', parameters: { note: '\ud800' } };
    const terms = termsFrom(alertOf({ recommendation }), BUILT_IN_POLICY, []);
    assert.equal(terms.recommendation.target, 'mail\ufffd');
    assert.match(termsDigest(terms), /^[0-9a-f]{64}$/);
  });
});

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { PolicyDocument } from '../../schemas/policy.ts';
import { dryRunPolicy } from '../../services/contain/dry-run.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { policyWarnings } from '../../services/contain/policy-check.ts';
import { applyControl } from '../../services/control/state.ts';
import { all, anew, approve, ask, audit, raise, ref, requested, stateNow, timeNow } from './decisions.ts';

beforeEach(anew);

const documentOf = (document: object): PolicyDocument => PolicyDocument.parse({ version: 'tried', ...document });
const dryRun = (document: object) => dryRunPolicy(stateNow(), BUILT_IN_POLICY, documentOf(document));
const itemOf = (document: object) => {
  const [item] = dryRun(document).items;
  assert.ok(item !== undefined);
  return item;
};

describe('what a policy would have meant', () => {
  test('for what was approved: whether the votes that it got would have sufficed', () => {
    const made = requested();
    approve('ada', made);
    const outcome = (document: object): string => itemOf(document).outcome;
    assert.equal(outcome({}), 'still_approved');
    assert.equal(outcome({ rules: [{ name: 'a', approvals: 2 }] }), 'no_longer_approved');
    assert.equal(outcome({ defaults: { quotas: [{ role: 'admin', approvals: 1 }] } }), 'no_longer_approved');
    assert.equal(outcome({ defaults: { exclude: [ref('ada')] } }), 'no_longer_approved');
    assert.equal(outcome({ defaults: { roles: ['admin'] } }), 'no_longer_approved');
    assert.equal(outcome({ rules: [{ name: 'a', break_glass_only: true }] }), 'no_longer_approved');
    assert.equal(
      outcome({ rules: [{ name: 'a', approvals: 2, when: { actions: ['suspend_agent'] } }] }),
      'still_approved',
    );
    assert.deepEqual(itemOf({}).counted, [ref('ada')]);
  });

  test('for what was not: what it would have needed', () => {
    raise();
    const item = itemOf({ rules: [{ name: 'two', approvals: 2 }] });
    assert.deepEqual([item.outcome, item.change, item.state], ['not_approved', 'stricter', 'pending']);
    assert.deepEqual([item.before.approvals, item.after.approvals, item.after.rules], [1, 2, ['two']]);
    assert.deepEqual([item.identity, item.action, item.tenant], ['agent-7', 'restrict_tool', 'default']);
  });

  test('what asks for less says so, and changes nothing of what waits', () => {
    const policy = documentOf({ version: 'strict', defaults: { approvals: 3, roles: ['admin'] } });
    ask('olga', { type: 'policy_set', policy, reason: 'x' });
    raise();
    assert.equal(itemOf({}).change, 'weaker');
    assert.equal(itemOf({ defaults: { approvals: 3, roles: ['admin'] } }).change, 'same');
    assert.equal(itemOf({ defaults: { approvals: 4 } }).change, 'different');
    assert.equal(all()[0]?.terms.policy.approvals, 3);
  });

  test('approvers who left count with the roles that they had', () => {
    const made = requested();
    approve('ada', made);
    const revoked = { ...audit, who: ref('root'), when: timeNow(), kind: 'principal_revoked' } as const;
    applyControl(stateNow(), { ...revoked, principal: ref('ada') });
    assert.equal(itemOf({}).outcome, 'still_approved');
  });

  test('what rests on votes that cannot be counted any more is not judged', () => {
    const made = requested();
    approve('ada', made);
    const now = stateNow().containments.get(made.id);
    assert.ok(now !== undefined);
    const votes = now.votes.map(({ fresh: _, ...vote }) => vote);
    const record = { ...audit, when: timeNow(), kind: 'containment_changed' } as const;
    applyControl(stateNow(), { ...record, containment: { ...now, votes } });
    assert.equal(itemOf({}).outcome, 'cannot_tell');
  });

  test('sums up, and shows what differs most first', () => {
    const made = requested();
    approve('ada', made);
    raise();
    const { summary, items } = dryRun({
      rules: [{ name: 'a', approvals: 2, when: { actions: ['revoke_credential'] } }],
    });
    assert.deepEqual(summary, {
      containments: 2,
      same: 1,
      stricter: 1,
      weaker: 0,
      different: 0,
      still_approved: 0,
      no_longer_approved: 1,
      cannot_tell: 0,
    });
    assert.deepEqual(
      items.map(({ containment }) => containment),
      [made.id, all()[1]?.id],
    );
  });

  test('names what the people there are now could not fulfil', () => {
    const warned = (document: object): number => dryRun(document).warnings.length;
    assert.equal(warned({ defaults: { approvals: 3 } }), 0, 'ada, ben and root');
    assert.equal(warned({ defaults: { approvals: 4 } }), 1);
    assert.equal(warned({ rules: [{ name: 'a', approvals: 3, exclude: [ref('ben')] }] }), 1);
    assert.equal(warned({ rules: [{ name: 'a', quotas: [{ role: 'analyst', approvals: 2 }] }] }), 1);
    assert.equal(warned({ rules: [{ name: 'a', roles: ['admin'] }] }), 0, 'root');
  });
});

describe('what is odd about a policy', () => {
  const cases: readonly [string, object, RegExp][] = [
    ['roles of machines', { rules: [{ name: 'a', roles: ['siem', 'ingest'] }] }, /^rule a asks for roles that only/],
    [
      'a quota of machines',
      { defaults: { quotas: [{ role: 'siem', approvals: 1 }] } },
      /^defaults asks for approvals by siem/,
    ],
    [
      'a quota beyond the approvals',
      { rules: [{ name: 'a', approvals: 2, quotas: [{ role: 'admin', approvals: 3 }] }] },
      /^rule a asks for 2 approvals and for more of one role/,
    ],
    ['a rule for nothing', { rules: [{ name: 'a', when: { kinds: ['agent'] } }] }, /^rule a asks for nothing$/],
    ['no time for editors', { defaults: { editors_excluded_ms: 0 } }, /^whoever edits/],
    ['no time for makers', { defaults: { made_excluded_ms: 0 } }, /^whoever makes/],
  ];
  for (const [name, document, expected] of cases) {
    test(name, () => {
      const found = policyWarnings(documentOf(document));
      assert.equal(found.length, 1, found.join());
      assert.match(found[0] ?? '', expected);
    });
  }

  test('an ordinary one is not odd', () => {
    const quotas = [{ role: 'admin', approvals: 1 }];
    assert.deepEqual(
      policyWarnings(
        documentOf({ defaults: { roles: ['admin', 'siem'] }, rules: [{ name: 'a', approvals: 2, quotas }] }),
      ),
      [],
    );
  });
});

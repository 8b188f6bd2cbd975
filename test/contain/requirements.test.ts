import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CONTAINMENT_ACTIONS, SEVERITIES } from '../../schemas/alert.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { ROLES } from '../../schemas/principal.ts';
import {
  type Demands,
  demandsOf,
  demandsOfTerms,
  matches,
  type PolicyFacts,
  policyFacts,
  requirementsFor,
  requirementsNow,
  stricter,
} from '../../services/contain/requirements.ts';
import { termsFrom, termsOf } from '../../services/contain/terms.ts';
import { alertOf, policyOf } from './samples.ts';

const FACTS: PolicyFacts = {
  action: 'restrict_tool',
  kind: 'agent',
  tenant: 'default',
  identity: 'agent-7',
  peer_group: 'payments',
  severity: 'high',
  origin: 'recommended',
};

const documentOf = (document: object): PolicyDocument => PolicyDocument.parse({ version: 'test-1', ...document });
const rule = (name: string, demands: object, when: object = {}) => ({ name, when, ...demands });

const role = fc.constantFrom(...ROLES);
const principal = fc.record({ issuer: fc.constantFrom('local', 'idp'), subject: fc.constantFrom('a', 'b', 'c') });
const part = fc.record(
  {
    approvals: fc.integer({ min: 1, max: 10 }),
    roles: fc.array(role, { minLength: 1, maxLength: 3 }),
    quotas: fc.array(fc.record({ role, approvals: fc.integer({ min: 1, max: 10 }) }), { minLength: 1, maxLength: 3 }),
    exclude: fc.array(principal, { minLength: 1, maxLength: 3 }),
    approval_expiry_ms: fc.integer({ min: 60_000, max: 86_400_000 }),
    execution_expiry_ms: fc.integer({ min: 60_000, max: 86_400_000 }),
    break_glass_only: fc.boolean(),
  },
  { requiredKeys: [] },
);
const demands: fc.Arbitrary<Demands> = part.map((one) => stricter(demandsOf(one), demandsOf(one)));

/** True when whoever fulfils `a` has fulfilled `b`. */
function asksNoLess(a: Demands, b: Demands): boolean {
  const has = <T>(all: readonly T[], one: T): boolean =>
    all.some((other) => JSON.stringify(other) === JSON.stringify(one));
  return (
    a.approvals >= b.approvals &&
    b.roles.every((list) => a.roles.some((other) => other.every((one) => list.includes(one)))) &&
    b.quotas.every((quota) => a.quotas.some((one) => one.role === quota.role && one.approvals >= quota.approvals)) &&
    b.exclude.every((one) => has(a.exclude, one)) &&
    (a.break_glass_only || !b.break_glass_only)
  );
}

describe('demands are a lattice', () => {
  test('joining is commutative, associative and idempotent, and asks no less than either', () => {
    fc.assert(
      fc.property(demands, demands, demands, (a, b, c) => {
        assert.deepEqual(stricter(a, b), stricter(b, a));
        assert.deepEqual(stricter(stricter(a, b), c), stricter(a, stricter(b, c)));
        assert.deepEqual(stricter(a, a), a);
        assert.ok(asksNoLess(stricter(a, b), a) && asksNoLess(stricter(a, b), b));
      }),
    );
  });

  test('no rule and no order of rules lowers anything, and the floor stays', () => {
    const rules = fc.array(part, { maxLength: 5 });
    fc.assert(
      fc.property(part, rules, part, fc.integer({ min: 1, max: 4 }), (defaults, some, more, approvals) => {
        const floor = policyOf({ approvals });
        const named = some.map((one, index) => rule(`rule-${index}`, one));
        const of = (list: readonly object[]) => requirementsFor(documentOf({ defaults, rules: list }), floor, FACTS);
        const { rules: _, ...before } = of(named);
        const { rules: __, ...reversed } = of(named.toReversed());
        assert.deepEqual(reversed, before, 'their order does not matter');
        const after = of([...named, rule('one-more', more)]);
        assert.ok(asksNoLess(after, before), 'a rule more asks for no less');
        assert.ok(asksNoLess(before, requirementsFor(undefined, floor, FACTS)), 'and never less than the floor');
        for (const name of ['approval_expiry_ms', 'execution_expiry_ms'] as const) {
          assert.ok(after[name] <= before[name] && before[name] <= floor[name], name);
        }
      }),
    );
  });

  test('terms carry all demands: read back they are what was asked', () => {
    fc.assert(
      fc.property(part, (one) => {
        const document = documentOf({ rules: [rule('one', one)] });
        const policy = policyOf();
        const terms = termsFrom(alertOf(), policy, [], document);
        const asked = requirementsFor(document, policy, policyFacts(terms));
        assert.deepEqual(stricter(demandsOfTerms(terms), demandsOf({})), stricter(asked, demandsOf({})));
        // A later policy that asks for nothing takes nothing away.
        const now = requirementsNow({ terms }, { document: undefined, policy });
        assert.ok(asksNoLess(now, asked));
      }),
    );
  });
});

describe('what a policy asks for', () => {
  const floor = policyOf();
  const of = (document: object, facts: Partial<PolicyFacts> = {}) =>
    requirementsFor(documentOf(document), floor, { ...FACTS, ...facts });

  test('without a document, what the configuration says', () => {
    assert.deepEqual(requirementsFor(undefined, policyOf({ approvals: 3, version: 'config-3' }), FACTS), {
      version: 'config-3',
      approvals: 3,
      roles: [['approver']],
      quotas: [],
      exclude: [],
      break_glass_only: false,
      approval_expiry_ms: floor.approval_expiry_ms,
      execution_expiry_ms: floor.execution_expiry_ms,
      rules: [],
    });
  });

  test('the strictest of all that fit, field by field', () => {
    const asked = of({
      defaults: { approvals: 2, exclude: [{ issuer: 'local', subject: 'b' }] },
      rules: [
        rule('a', { approvals: 3, roles: ['admin', 'approver'], approval_expiry_ms: 120_000 }),
        rule('b', { roles: ['admin', 'analyst'], execution_expiry_ms: 180_000, approval_expiry_ms: 600_000 }),
        rule('c', { quotas: [{ role: 'admin', approvals: 1 }], exclude: [{ issuer: 'local', subject: 'a' }] }),
        rule('d', {
          quotas: [
            { role: 'admin', approvals: 4 },
            { role: 'analyst', approvals: 2 },
          ],
        }),
        rule('e', { approvals: 9, break_glass_only: true }, { identities: ['somebody-else'] }),
      ],
    });
    assert.deepEqual(asked, {
      version: 'test-1',
      approvals: 4,
      // A list that a narrower one implies is left out.
      roles: [['analyst', 'admin'], ['approver']],
      quotas: [
        { role: 'analyst', approvals: 2 },
        { role: 'admin', approvals: 4 },
      ],
      exclude: [
        { issuer: 'local', subject: 'a' },
        { issuer: 'local', subject: 'b' },
      ],
      break_glass_only: false,
      approval_expiry_ms: 120_000,
      execution_expiry_ms: 180_000,
      rules: ['a', 'b', 'c', 'd'],
    });
  });

  test('a policy document can only shorten times', () => {
    const asked = of({ defaults: { approval_expiry_ms: 30 * 86_400_000, execution_expiry_ms: 86_400_000 } });
    assert.equal(asked.approval_expiry_ms, floor.approval_expiry_ms);
    assert.equal(asked.execution_expiry_ms, floor.execution_expiry_ms);
  });

  const fitting: readonly [string, object, boolean][] = [
    ['nothing named', {}, true],
    ['its action', { actions: ['suspend_agent', 'restrict_tool'] }, true],
    ['another action', { actions: CONTAINMENT_ACTIONS.filter((one) => one !== 'restrict_tool') }, false],
    ['its kind', { kinds: ['agent'] }, true],
    ['another kind', { kinds: ['human'] }, false],
    ['its severity', { severities: ['high'] }, true],
    ['another severity', { severities: SEVERITIES.filter((one) => one !== 'high') }, false],
    ['its origin', { origins: ['recommended'] }, true],
    ['another origin', { origins: ['requested', 'rollback'] }, false],
    ['its tenant', { tenants: ['other', 'def*'] }, true],
    ['another tenant', { tenants: ['other'] }, false],
    ['its identity', { identities: ['agent-*'] }, true],
    ['another identity', { identities: ['agent-8'] }, false],
    ['its peer group', { peer_groups: ['pay*'] }, true],
    ['another peer group', { peer_groups: ['kind:*'] }, false],
    ['its action and another kind', { actions: ['restrict_tool'], kinds: ['human'] }, false],
  ];
  for (const [name, when, fits] of fitting) {
    test(`a rule for ${name} ${fits ? 'fits' : 'does not fit'}`, () => {
      assert.deepEqual(of({ rules: [rule('one', { approvals: 5 }, when)] }).approvals, fits ? 5 : 1);
    });
  }

  test('who is looked at: the identity, its group or that of its kind, and whose idea it was', () => {
    const policy = policyOf();
    const terms = termsFrom(alertOf(), policy, []);
    assert.deepEqual(policyFacts(terms), { ...FACTS, peer_group: 'kind:agent' });
    const { policy: _, ...draft } = terms;
    const asked = termsOf(
      { ...draft, identity: { ...draft.identity, peer_group: 'g' }, origin: { kind: 'requested', why: 'x' } },
      { policy, document: undefined, executors: [] },
    );
    assert.deepEqual(policyFacts(asked), { ...FACTS, peer_group: 'g', origin: 'requested' });
  });
});

describe('patterns', () => {
  const cases: readonly [string, string, boolean][] = [
    ['agent-7', 'agent-7', true],
    ['agent-7', 'agent-77', false],
    ['agent-7', 'xagent-7', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['agent-*', 'agent-', true],
    ['agent-*', 'agent', false],
    ['*-7', 'agent-7', true],
    ['*-7', 'agent-78', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['a*b*b*c', 'abc', false],
    ['a*bc*c', 'abc', false],
    ['a*bc', 'abcbc', true],
    ['a.c', 'abc', false],
    ['a**c', 'ac', true],
  ];
  for (const [pattern, value, expected] of cases) {
    test(`${pattern} ${expected ? 'fits' : 'does not fit'} ${JSON.stringify(value)}`, () => {
      assert.equal(matches(pattern, value), expected);
    });
  }

  test('are those of a regular expression in which only the star means something', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const values = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    fc.assert(
      fc.property(letters, values, (pattern, value) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 's').test(value);
        assert.equal(matches(pattern, value), expected);
      }),
    );
  });

  test('of an attacker take no longer than they are', () => {
    assert.equal(matches('*a'.repeat(128), `${'a'.repeat(127)}b`), false);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onAlert } from '../../services/contain/alerts.ts';
import {
  amends,
  answers,
  asks,
  everyOrder,
  folded,
  keyOf,
  later,
  only,
  POLICY,
  passes,
  restarts,
  type Step,
  step,
  take,
  votes,
  type World,
  worldWithAlert,
} from './orders.ts';
import { alertOf } from './samples.ts';

const policy = {
  version: 'three',
  defaults: { approvals: 3, editors_excluded_ms: 1000, made_excluded_ms: 1000 },
  rules: [],
  people: { claims: [], named: [] },
};

/** Who does what; each actor's steps in their order, those of different actors in any. */
const SCENARIOS: Readonly<
  Record<string, { readonly actors: readonly (readonly Step[])[]; readonly ends: readonly string[] }>
> = {
  'two approvals, a denial, expiry and dispatch': {
    actors: [
      votes('ada', 'approve'),
      votes('ben', 'approve'),
      votes('cleo', 'deny'),
      [later(POLICY.approval_expiry_ms)],
      [passes, passes],
    ],
    ends: ['denied', 'expired', 'dispatching', 'approved'],
  },
  'three approvals and a change of what is asked': {
    actors: [
      votes('ada', 'approve'),
      votes('ben', 'approve'),
      votes('cleo', 'approve'),
      [amends('dora')],
      [passes, passes],
    ],
    ends: ['pending', 'approved', 'dispatching'],
  },
  'three approvals, and the key behind one is revoked': {
    actors: [
      votes('ada', 'approve'),
      votes('ben', 'approve'),
      votes('cleo', 'approve'),
      [step('root revokes the key of ada', (turn) => asks(turn, 'root', { type: 'key_revoke', key: keyOf('ada') }))],
      [passes, passes],
    ],
    ends: ['approved', 'cancelled', 'dispatching'],
  },
  'three approvals, one by the administrator who sets a stricter policy': {
    actors: [
      votes('ada', 'approve'),
      votes('ben', 'approve'),
      votes('root', 'approve'),
      [
        step('root asks for three approvals', (turn) =>
          asks(turn, 'root', { type: 'policy_set', policy, reason: 'x' }),
        ),
      ],
      [passes, passes],
    ],
    ends: ['pending', 'cancelled', 'dispatching'],
  },
  'an approver is removed, and the responder dies': {
    actors: [
      votes('ada', 'approve'),
      votes('ben', 'approve'),
      [
        step('root removes ben', (turn) =>
          asks(turn, 'root', { type: 'user_remove', principal: { issuer: 'local', subject: 'ben' } }),
        ),
      ],
      [passes, restarts, passes],
      [answers],
    ],
    ends: ['pending', 'approved', 'cancelled', 'dispatching', 'succeeded'],
  },
  'the alert turns out to be none, or recommends something else': {
    actors: [
      votes('ada', 'approve'),
      votes('ben', 'approve'),
      [
        step('the alert recommends something else', (turn) =>
          onAlert(turn, alertOf({ revision: 2, recommendation: { ...alertOf().recommendation, target: 'mail.read' } })),
        ),
        step('the alert is judged harmless', (turn) =>
          onAlert(turn, alertOf({ revision: 3, status: 'closed', closed_reason: 'false_positive' })),
        ),
      ],
      [passes, passes],
    ],
    ends: ['cancelled', 'dispatching'],
  },
};

describe('every order of what people, time and crashes do', () => {
  let orders = 0;

  for (const [name, { actors, ends }] of Object.entries(SCENARIOS)) {
    test(name, (t) => {
      const start = worldWithAlert();
      const reached = new Map<string, number>();
      const count = everyOrder(start, actors, (last, order) => {
        const { state } = only(folded(last.records));
        reached.set(state, (reached.get(state) ?? 0) + 1);
        if (orders++ % 499 === 0) sameWithoutRestarts(start, last, order);
      });
      assert.equal(count, ordersOf(actors.map(({ length }) => length)), 'all orders, each once');
      for (const end of ends) assert.ok(reached.has(end), `some order ends ${end}`);
      t.diagnostic(`${count} interleavings: ${[...reached].map(([state, times]) => `${times} ${state}`).join(', ')}`);
    });
  }

  test('these are at least 100,000 interleavings', (t) => {
    t.diagnostic(`${orders} interleavings in all`);
    assert.ok(orders >= 100_000, `${orders} interleavings`);
  });
});

/** A process that lives through all steps writes what one writes that dies between any two. */
function sameWithoutRestarts(start: World, last: World, order: readonly Step[]): void {
  const state = folded(start.records);
  let world = start;
  for (const one of order) world = take(world, one, state);
  assert.deepEqual(world, last);
  assert.deepEqual(state, folded(last.records));
}

/** The multinomial coefficient: in how many orders such sequences can be merged. */
function ordersOf(lengths: readonly number[]): number {
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const whole = factorial(lengths.reduce((sum, length) => sum + length, 0));
  return lengths.reduce((left, length) => left / factorial(length), whole);
}

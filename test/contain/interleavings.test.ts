import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Containment, OPEN_STATES } from '../../schemas/containment.ts';
import { type PrincipalRef, principalKey } from '../../schemas/principal.ts';
import { decide, type MachineCommand } from '../../services/contain/machine.ts';
import { termsDigest, termsFrom } from '../../services/contain/terms.ts';
import { ada, alertOf, asker, ben, bot, cleo, contextOf, human, NOW, policyOf, standing } from './samples.ts';

/**
 * All interleavings, to a depth, of two approvers, the requester, a denier, a machine, time, dispatch, outcomes, the loss
 * of a role and crashes. The world beside the machine is what a responder knows: what it has sent and not yet heard of.
 */
type World = {
  readonly containment: Containment;
  readonly now: number;
  /** Attempts on the wire whose answer the living responder still expects. */
  readonly onTheWire: number;
  /** Idempotency keys that ever left, and how often. */
  readonly sent: readonly string[];
  readonly adaRemoved: boolean;
};

const policy = policyOf({
  approvals: 2,
  approval_expiry_ms: 100,
  execution_expiry_ms: 100,
  dispatch_deadline_ms: 50,
  executor_timeout_ms: 20,
});
const REQUESTER = cleo;
const terms = termsFrom(alertOf(), policy, []);

function contextIn(world: World) {
  const standingOf = (by: PrincipalRef) =>
    world.adaRemoved && by.subject === 'ada' ? { human: false, roles: [] } : standing(by);
  return contextOf({ now: world.now, policy, standingOf });
}

function moves(world: World): [string, MachineCommand][] {
  const { digest } = world.containment;
  const always: [string, MachineCommand][] = [
    ['ada approves', { type: 'approve', by: asker(ada), digest }],
    ['ben approves', { type: 'approve', by: asker(ben), digest }],
    ['the requester approves', { type: 'approve', by: asker(REQUESTER), digest }],
    ['a machine approves', { type: 'approve', by: asker(bot), digest }],
    ['ben approves something else', { type: 'approve', by: asker(ben), digest: '0'.repeat(64) }],
    ['ben denies', { type: 'deny', by: asker(ben), digest }],
    ['vera denies', { type: 'deny', by: asker(human('vera')), digest }],
    ['ada cancels', { type: 'cancel', by: asker(ada), reason: 'withdrawn' }],
    ['tick', { type: 'tick' }],
    ['dispatch', { type: 'dispatch', executor: 'webhook' }],
    ['propose again', { type: 'propose', terms, requested_by: ada }],
    ['retry', { type: 'retry' }],
  ];
  if (world.onTheWire === 0) return always;
  const answer = (kind: 'done' | 'failed' | 'unclear', repeatable: boolean): [string, MachineCommand] => [
    `answer ${kind}${repeatable ? ', repeatable' : ''}`,
    { type: 'report', result: { kind, detail: '' }, repeatable },
  ];
  return [...always, answer('done', false), answer('failed', false), answer('unclear', true), answer('unclear', false)];
}

/** What the machine decided, and what happens in the world because of it. */
function step(world: World, command: MachineCommand): World {
  const decision = decide(world.containment, command, contextIn(world));
  const heard = command.type === 'report' ? 1 : 0;
  if (decision.kind === 'refused') return { ...world, onTheWire: world.onTheWire - heard };
  const { next, effects } = decision;
  const sends = effects.filter((effect) => effect.kind === 'execute').map(() => next.execution?.idempotency_key ?? '');
  checkChange(world, next, sends.length);
  return {
    ...world,
    containment: next,
    onTheWire: world.onTheWire - heard + sends.length,
    sent: [...world.sent, ...sends],
  };
}

const OPEN: readonly string[] = OPEN_STATES;

function checkChange(before: World, next: Containment, sends: number): void {
  const from = before.containment;
  assert.ok(OPEN.includes(from.state), `${from.state} is terminal`);
  assert.equal(next.digest, termsDigest(from.terms), 'terms never change');
  assert.deepEqual(next.terms, from.terms);
  assert.deepEqual(next.requested_by, from.requested_by);
  assert.deepEqual(next.votes.slice(0, from.votes.length), from.votes, 'votes are only ever added');
  if (sends > 0) assert.ok(before.now < (next.execution?.deadline ?? 0), 'nothing is sent after the deadline');
  if (next.state === 'dispatching' && from.state !== 'dispatching') {
    assert.equal(from.state, 'approved');
    const approvers = next.votes.filter((vote) => vote.decision === 'approve' && vote.digest === next.digest);
    const people = new Set(approvers.map((vote) => principalKey(vote.by)));
    assert.ok(people.size >= 2, 'two distinct people');
    assert.ok(approvers.every((vote) => vote.by.human && vote.by.subject !== REQUESTER.subject));
    assert.ok(!before.adaRemoved || !people.has(principalKey(ada)) || people.size > 2, 'each still in the role');
    assert.ok(next.votes.every((vote) => vote.decision !== 'deny'));
    assert.ok(before.now < (from.execution_expires ?? 0));
  }
  if (next.state === 'approved') assert.ok(before.now < next.approval_expires);
  if (next.state === 'unknown' && before.onTheWire === 0) {
    const { deadline } = next.execution ?? { deadline: Number.POSITIVE_INFINITY };
    assert.ok(before.now >= deadline + policy.executor_timeout_ms, 'unknown only after deadline plus timeout');
  }
}

function successors(world: World): World[] {
  const commanded = moves(world).map(([, command]) => step(world, command));
  const times = [0, 49, 50, 70, 100].map((ms) => NOW + ms).concat(world.containment.approval_expires - 1);
  const later = times.filter((time) => time > world.now).map((now) => ({ ...world, now }));
  // The responder dies: what it sent may still arrive, but nobody listens for the answer.
  const crashed = { ...world, onTheWire: 0 };
  return [...commanded, ...later, crashed, { ...world, adaRemoved: true }, { ...world, now: world.now + 70 }];
}

function fingerprint(world: World): string {
  const { state, votes, execution, execution_expires, cancellation, updated } = world.containment;
  const voted = votes.map((vote) => [vote.by.subject, vote.decision, vote.time]);
  return JSON.stringify([
    state,
    voted,
    execution,
    execution_expires,
    cancellation,
    updated,
    world.now,
    world.onTheWire,
    world.sent,
    world.adaRemoved,
  ]);
}

test('no interleaving breaks a promise', () => {
  const proposed = decide(undefined, { type: 'propose', terms, requested_by: REQUESTER }, contextOf({ policy }));
  assert.equal(proposed.kind, 'changed');
  if (proposed.kind !== 'changed') return;
  const first: World = { containment: proposed.next, now: NOW, onTheWire: 0, sent: [], adaRemoved: false };
  const seen = new Set([fingerprint(first)]);
  const reached = new Map<string, number>();
  let frontier = [first];
  for (let depth = 0; depth < 9 && frontier.length > 0; depth++) {
    const next: World[] = [];
    for (const world of frontier) {
      for (const successor of successors(world)) {
        const name = fingerprint(successor);
        if (seen.has(name)) continue;
        seen.add(name);
        assert.ok(new Set(successor.sent).size <= 1, 'at most one dispatch, whatever the number of attempts');
        reached.set(successor.containment.state, (reached.get(successor.containment.state) ?? 0) + 1);
        if (successor.sent.length <= 3) next.push(successor);
      }
    }
    frontier = next;
  }
  for (const state of ['approved', 'denied', 'expired', 'cancelled', 'dispatching', 'succeeded', 'failed', 'unknown']) {
    assert.ok((reached.get(state) ?? 0) > 0, `the search reaches ${state}`);
  }
  assert.ok(seen.size > 20_000, `the search looks at ${seen.size} situations`);
});

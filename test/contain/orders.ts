import assert from 'node:assert/strict';
import type { Command } from '../../schemas/command.ts';
import type { Containment } from '../../schemas/containment.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { LOCAL_ISSUER, principalKey, type Role, SYSTEM } from '../../schemas/principal.ts';
import { onAlert } from '../../services/contain/alerts.ts';
import { onCommand } from '../../services/contain/commands.ts';
import type { ContainmentPolicy } from '../../services/contain/policy.ts';
import { termsDigest } from '../../services/contain/terms.ts';
import { change, dispatchApproved, openTurn, passTime, resume, type Turn } from '../../services/contain/turn.ts';
import { applyControl, type ControlState, emptyControlState } from '../../services/control/state.ts';
import { freshly } from './harness.ts';
import { alertOf, NOW, policyOf } from './samples.ts';

/**
 * The pure core of the responder under every order of what people, time and crashes do. Each step begins with a state that
 * was folded from the records alone, so between any two steps the process may have died and begun again.
 */
export const POLICY: ContainmentPolicy = policyOf({
  approvals: 2,
  approval_expiry_ms: 100_000,
  execution_expiry_ms: 100_000,
  dispatch_deadline_ms: 50_000,
  executor_timeout_ms: 20_000,
});

const ROLES: Readonly<Record<string, readonly Role[]>> = {
  ada: ['approver'],
  ben: ['approver'],
  cleo: ['approver', 'analyst'],
  dora: ['analyst'],
  root: ['admin', 'approver'],
};
type Name = 'ada' | 'ben' | 'cleo' | 'dora' | 'root';

const ref = (subject: string) => ({ issuer: LOCAL_ISSUER, subject });
export const keyOf = (name: Name): string => Buffer.from(name.padEnd(8, '-')).toString('hex');

export type World = {
  readonly records: readonly ControlRecord[];
  readonly now: number;
  /** The digest that somebody was shown. */
  readonly seen: Readonly<Record<string, string>>;
  /** Idempotency keys that left, in order. */
  readonly sent: readonly string[];
  /** True while the living process expects an answer of the executor. */
  readonly listening: boolean;
};

export type Step = { readonly name: string; readonly run: (turn: Turn, world: World) => Partial<World> | undefined };

export function worldWithAlert(): World {
  const people = (Object.keys(ROLES) as Name[]).flatMap((name): ControlRecord[] => {
    const audit = { v: 1, who: ref('setup'), when: NOW - 10 * LIMITS.made_excluded_ms, what: '' } as const;
    const roles = [...(ROLES[name] ?? [])];
    const key = {
      id: keyOf(name),
      hash: '0'.repeat(64),
      principal: ref(name),
      roles,
      created: 0,
      created_by: ref('setup'),
    };
    return [
      { ...audit, kind: 'principal_created', principal: { ...ref(name), human: true }, roles },
      { ...audit, kind: 'key_created', key },
    ];
  });
  const world = { records: people, now: NOW, seen: {}, sent: [], listening: false };
  return take(world, { name: 'alert', run: (turn) => void onAlert(turn, alertOf()) });
}

export function folded(records: readonly ControlRecord[]): ControlState {
  const state = emptyControlState();
  for (const record of records) applyControl(state, record);
  return state;
}

/** One step, on `state` where it goes on in memory, else on what the records say. */
export function take(world: World, step: Step, state: ControlState = folded(world.records)): World {
  const executors = [{ name: 'webhook', carriesOut: () => true, repeatable: true }];
  const turn = openTurn(state, { now: world.now, policy: POLICY, executors, dispatches: true });
  const changes = step.run(turn, world) ?? {};
  const sends = turn.effects
    .filter(({ effect }) => effect.kind === 'execute')
    .map(({ containment }) => containment.execution?.idempotency_key ?? 'none');
  const next = {
    ...world,
    ...changes,
    records: turn.records.length === 0 ? world.records : [...world.records, ...turn.records],
    ...(sends.length > 0 && { sent: [...world.sent, ...sends], listening: true }),
  };
  check(world, turn);
  return next;
}

export const only = ({ containments }: ControlState): Containment => {
  const [first] = containments.values();
  if (first === undefined) throw new Error('there is no containment');
  return first;
};

type Body<T> = T extends Command ? Omit<T, 'id' | 'by' | 'credential' | 'time'> : never;

/** What somebody asks for, as the API process puts it into the log. */
export function asks(turn: Turn, name: Name, body: Body<Command>): void {
  const command = {
    ...body,
    id: `${name}-${body.type}`,
    by: ref(name),
    credential: keyOf(name),
    time: turn.context.now,
  };
  onCommand(turn, command as Command);
}

/** Looks at the containment, authenticates for a vote on what is shown, and votes on that. */
export function votes(name: Name, type: 'approve' | 'deny'): Step[] {
  const vote = (digest: string, containment: string): Extract<Command, { type: 'approve' | 'deny' }> => {
    const shared = { by: ref(name), credential: keyOf(name), time: NOW, containment, digest };
    return { id: `${name}-${type}`, type, ...shared };
  };
  return [
    {
      name: `${name} looks and authenticates`,
      run(turn, { seen, now }) {
        const { id, digest } = only(turn.state);
        onCommand(turn, freshly(vote(digest, id), now));
        return { seen: { ...seen, [name]: digest } };
      },
    },
    {
      name: `${name} ${type === 'approve' ? 'approves' : 'denies'}`,
      run: (turn, { seen }) => void onCommand(turn, vote(seen[name] ?? '', only(turn.state).id)),
    },
  ];
}

export const amends = (name: Name): Step => ({
  name: `${name} changes the target`,
  run(turn) {
    const { id, digest } = only(turn.state);
    asks(turn, name, { type: 'containment_amend', containment: id, digest, target: 'mail.read', why: 'rather this' });
    return undefined;
  },
});

export const step = (name: string, run: (turn: Turn) => void): Step => ({ name, run: (turn) => void run(turn) });
export const passes = step('the responder looks at the time', (turn) => {
  passTime(turn);
  dispatchApproved(turn);
});
export const later = (ms: number): Step => ({ name: `${ms} ms pass`, run: (_, { now }) => ({ now: now + ms }) });

/** The process dies and begins again: nobody listens for the answer, and what was under way is asked again. */
export const restarts: Step = {
  name: 'the responder dies and begins again',
  run(turn) {
    resume(turn);
    return { listening: false };
  },
};

export const answers: Step = {
  name: 'the executor answers',
  run(turn, { listening }) {
    if (!listening) return undefined;
    const result = { kind: 'done', detail: '' } as const;
    change(turn, only(turn.state).id, { type: 'report', result, repeatable: true }, { who: SYSTEM });
    return { listening: false };
  },
};

const FINAL: ReadonlySet<Containment['state']> = new Set([
  'denied',
  'expired',
  'cancelled',
  'succeeded',
  'failed',
  'unknown',
]);

/** Promises P5 and P6, looked at from outside: nothing of the quorum's own reckoning is used. */
function check(before: World, turn: Turn): void {
  let state: ControlState | undefined;
  for (const record of turn.records) {
    if (record.kind !== 'containment_changed') continue;
    state ??= folded(before.records);
    const { containment: next } = record;
    const from = state.containments.get(next.id);
    if (from !== undefined) checkChange(from, next, before.now);
    if (next.state === 'dispatching' && from?.state !== 'dispatching') checkDispatch(next, turn, before);
  }
  const keys = new Set(before.sent);
  for (const { containment, effect } of turn.effects) {
    if (effect.kind !== 'execute') continue;
    assert.equal(containment.state, 'dispatching', 'only what is dispatched is sent');
    assert.ok(before.now < (containment.execution?.deadline ?? 0), 'nothing is sent after the deadline');
    keys.add(containment.execution?.idempotency_key ?? '');
  }
  assert.ok(keys.size <= 1, 'however often it is sent, under one key');
}

function checkChange(from: Containment, next: Containment, now: number): void {
  assert.ok(!FINAL.has(from.state), `${from.state} is final`);
  assert.equal(next.digest, termsDigest(next.terms));
  if (next.digest === from.digest) {
    assert.deepEqual(next.votes.slice(0, from.votes.length), from.votes, 'votes are only ever added');
    assert.deepEqual(next.requested_by, from.requested_by);
  } else {
    assert.equal(from.state, 'pending', 'only what waits is changed');
    assert.deepEqual([next.votes, next.state], [[], 'pending'], 'a change voids all votes');
    assert.deepEqual(
      next.voided_votes?.slice(-from.votes.length || next.voided_votes.length),
      from.votes.length > 0 ? from.votes : next.voided_votes,
    );
  }
  if (next.state === 'approved') assert.ok(now < next.approval_expires, 'silence denies');
  if (next.state === 'dispatching' && from.state !== 'dispatching') assert.equal(from.state, 'approved');
}

function checkDispatch(next: Containment, { state }: Turn, { now, seen }: World): void {
  const editors = new Set(state.policies.map(({ by }) => principalKey(by)));
  const people = new Set<string>();
  for (const vote of next.votes) {
    assert.equal(vote.decision, 'approve', 'one denial ends it');
    const name = principalKey(vote.by);
    const holder = state.principals.get(name);
    const key = state.keys.get(vote.credential ?? '');
    if (holder?.revoked !== undefined || key?.revoked !== undefined || editors.has(name)) continue;
    assert.ok(holder?.roles.includes('approver') && holder.principal.human, 'a human in the role');
    assert.equal(vote.digest, next.digest, 'on these terms');
    assert.equal(seen[vote.by.subject], vote.digest, 'which they were shown');
    assert.notEqual(name, principalKey(next.requested_by), 'who did not ask for it');
    const age = vote.time - (vote.fresh?.authenticated ?? Number.NEGATIVE_INFINITY);
    assert.ok(age <= LIMITS.step_up_ms_max, 'freshly authenticated');
    assert.ok(vote.time < next.approval_expires, 'in time');
    people.add(name);
  }
  const asked = state.policy?.document.defaults.approvals ?? 0;
  assert.ok(people.size >= Math.max(POLICY.approvals, asked), `${people.size} people`);
  assert.ok(now < (next.execution_expires ?? 0), 'while the approval is good');
}

/** Walks every order in which the steps of all actors can fall, each actor's own in their order; counts whole orders. */
export function everyOrder(
  start: World,
  actors: readonly (readonly Step[])[],
  end: (last: World, order: readonly Step[]) => void,
): number {
  let orders = 0;
  const walk = (world: World, done: readonly number[], order: readonly Step[]): void => {
    let over = true;
    for (const [index, steps] of actors.entries()) {
      const next = steps[done[index] ?? 0];
      if (next === undefined) continue;
      over = false;
      walk(take(world, next), done.with(index, (done[index] ?? 0) + 1), [...order, next]);
    }
    if (!over) return;
    orders += 1;
    end(world, order);
  };
  walk(
    start,
    actors.map(() => 0),
    [],
  );
  return orders;
}

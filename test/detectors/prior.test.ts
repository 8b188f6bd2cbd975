import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BUDGET_LADDER, levelsOf, reachedPer1000, thresholdsAt } from '../../detectors/budget.ts';
import { Group, KIND, keyOf } from '../../detectors/group.ts';
import { DAY_SCORES, SESSION_SCORES } from '../../detectors/layout.ts';
import { hashText } from '../../detectors/math/hash.ts';
import { createModel } from '../../detectors/model.ts';
import type { OpenPrior } from '../../detectors/prior.ts';
import { DEFAULT_ALERT_BITS, thresholdsOf } from '../../detectors/threshold.ts';
import { event, workedFleet } from './fleet.ts';

const model = createModel();

function groupOf(seed: number): Group {
  return [...workedFleet({ identities: 2, days: 2, seed }).groups.values()][0] as Group;
}

test('the same groups in any order of partitions and names give the same bytes', () => {
  const parts = [groupOf(1), groupOf(2), groupOf(3)];
  const build = (order: readonly number[], names: readonly string[]): Uint8Array =>
    model.buildPrior(new Map(names.map((name) => [name, order.map((i) => parts[i]!)])), 100);
  const expected = build([0, 1, 2], ['t\0a', 't\0b', 'u\0a']);
  assert.deepEqual(build([2, 0, 1], ['u\0a', 't\0b', 't\0a']), expected);
  assert.deepEqual(build([1, 2, 0], ['t\0b', 'u\0a', 't\0a']), expected);
});

test('building leaves the groups as they were', () => {
  const group = groupOf(4);
  const before = model.encodeGroup(group);
  const older = groupOf(5);
  older.day -= 3;
  model.buildPrior(new Map([['t\0a', [older, group]]]), 100);
  assert.deepEqual(model.encodeGroup(group), before);
});

test('an opened prior counts what the groups counted, by tenant', () => {
  const [a, b] = [groupOf(1), groupOf(2)];
  const open = model.openPrior(
    model.buildPrior(
      new Map([
        ['t\0a', [a]],
        ['t\0b', [b]],
        ['u\0c', [b]],
      ]),
      100,
    ),
    'v',
  ) as OpenPrior;
  const key = keyOf(KIND.tool, hashText('read_customer'));
  const all = (group: Group): number =>
    [group, ...group.parts.values()].reduce((total, part) => total + part.count(key), 0);
  const trusted = (group: Group): number => Math.floor(all(group) / 8);
  assert.equal(open.group('t\0a')!.count(key), trusted(a));
  assert.equal(open.population('t\0unknown')!.count(key), Math.floor((all(a) + all(b)) / 8));
  assert.equal(open.population('u\0unknown')!.count(key), trusted(b));
  assert.equal(open.population('v\0unknown'), undefined);
  assert.equal(open.version, 'v');
});

test('a group forgets the rare, not the frequent, when it is full', () => {
  const group = new Group();
  for (let i = 0; i < 2000; i++) group.add(keyOf(KIND.tool, hashText('habit')), 8);
  for (let i = 0; i < 200_000; i++) group.add(keyOf(KIND.resource, hashText(`noise ${i}`)), 1);
  assert.ok(group.entries < 65_536);
  assert.ok(group.count(keyOf(KIND.tool, hashText('habit'))) > 8000);
  assert.ok(model.encodeGroup(group).length < 1024 * 1024);
});

test('group bytes round-trip exactly and do not depend on the order of learning', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 9 })), {
    maxLength: 400,
  });
  fc.assert(
    fc.property(pairs, (list) => {
      const [forward, backward] = [new Group(), new Group()];
      for (const [key, count] of list) forward.add(keyOf(KIND.pair, hashText(`${key}`)), count);
      for (const [key, count] of list.toReversed()) backward.add(keyOf(KIND.pair, hashText(`${key}`)), count);
      assert.deepEqual(forward.encode(), backward.encode());
      assert.deepEqual(Group.decode(forward.encode()).encode(), forward.encode());
    }),
    { numRuns: 50 },
  );
});

test('thresholds follow the budget, and a fleet that just started is not flooded', () => {
  const day_scores = Float64Array.from({ length: DAY_SCORES.buckets }, (_, b) => 1000 >> b);
  const session_scores = Float64Array.from({ length: SESSION_SCORES.buckets }, (_, b) => 10_000 >> b);
  const days = day_scores.reduce((a, b) => a + b);
  const fleet = { first_day: 100, day: 130 };
  const strict = thresholdsOf({ ...fleet, day_scores, session_scores }, 10);
  const generous = thresholdsOf({ ...fleet, day_scores, session_scores }, 100);
  assert.ok(strict.alert_bits > generous.alert_bits);
  assert.ok(strict.finding_bits < strict.alert_bits);
  const reached = (bits: number): number =>
    day_scores.reduce((sum, count, b) => (b * DAY_SCORES.bits >= bits ? sum + count : sum), 0);
  assert.ok(reached(generous.alert_bits) <= days / 10);
  assert.ok(reached(generous.alert_bits - 2 * DAY_SCORES.bits) > days / 10);
  const few = {
    ...fleet,
    day_scores: day_scores.map((n) => n >> 10),
    session_scores: session_scores.map((n) => n >> 10),
  };
  assert.ok(thresholdsOf(few, 100_000).alert_bits > DEFAULT_ALERT_BITS * 0.9);
  const young = { first_day: 100, day: 100, day_scores, session_scores };
  assert.equal(thresholdsOf(young, 100_000).alert_bits, DEFAULT_ALERT_BITS);
  assert.equal(model.emptyPrior().alert_bits, DEFAULT_ALERT_BITS);
});

test('another budget has the threshold that a fleet with this budget would have', () => {
  const fleet = {
    first_day: 100,
    day: 130,
    day_scores: Float64Array.from({ length: DAY_SCORES.buckets }, (_, b) => 100_000 >> b),
    session_scores: Float64Array.from({ length: SESSION_SCORES.buckets }, () => 1000),
  };
  const levels = Float32Array.from(levelsOf(fleet));
  for (const budget of BUDGET_LADDER) {
    const { alert_bits, finding_bits } = thresholdsAt(levels, budget);
    assert.equal(alert_bits, thresholdsOf(fleet, budget).alert_bits);
    assert.ok(Math.abs(finding_bits - thresholdsOf(fleet, budget).finding_bits) < 1e-5);
  }
  for (const budget of [0.3, 3, 15, 70, 700]) {
    const between = thresholdsAt(levels, budget).alert_bits;
    assert.ok(Math.abs(between - thresholdsOf(fleet, budget).alert_bits) < 1, `${budget}: ${between}`);
  }
  assert.deepEqual(thresholdsAt(levels, 0.01), thresholdsAt(levels, 0.1));
  assert.deepEqual(thresholdsAt(levels, 9_999), thresholdsAt(levels, 1_000));
});

test('how many identity-days reach a score is what a budget of so many has as its level', () => {
  const levels = Float32Array.from(BUDGET_LADDER, (_budget, rung) => 30 - 2 * rung);
  for (const budget of [0.1, 0.3, 1, 7, 20, 400, 1000]) {
    const { alert_bits } = thresholdsAt(levels, budget);
    const reached = reachedPer1000(levels, alert_bits) ?? 0;
    assert.ok(Math.abs(reached / budget - 1) < 1e-3, `${budget}: ${reached}`);
  }
  assert.equal(reachedPer1000(levels, 90), 0.1);
  assert.equal(reachedPer1000(levels, 0), 1000);
  assert.equal(reachedPer1000(new Float32Array(BUDGET_LADDER.length).fill(24), 25), undefined, 'a fleet not known yet');
});

test('a prior carries the levels of other budgets, and one of an earlier version has one level for all', () => {
  const fleet = workedFleet({ days: 10, identities: 8 });
  const groups = new Map([...fleet.groups].map(([name, group]) => [name, [group]]));
  const bytes = model.buildPrior(groups, 20);
  const prior = model.openPrior(bytes, 'v');
  assert.ok(prior.thresholdsAt(1000).alert_bits <= prior.thresholdsAt(1).alert_bits);
  const before = bytes.slice(0, bytes.length - 4 * (BUDGET_LADDER.length + 1));
  const { alert_bits, finding_bits } = model.openPrior(before, 'v');
  const flat = model.openPrior(before, 'v').thresholdsAt(1000);
  assert.deepEqual([flat.alert_bits, flat.finding_bits], [alert_bits, finding_bits]);
});

test('a budget per day is as many per identity-day as identities are active a day', () => {
  const active = 200;
  const group = new Group();
  for (let day = 1; day <= 60; day++) {
    group.enterDay(100 + day);
    for (let i = 0; i < active; i++) group.day_scores[i % 8] = (group.day_scores[i % 8] as number) + 1;
  }
  const { day, first_day, day_scores } = group;
  const fleet = { day, first_day, day_scores, session_scores: new Float64Array(SESSION_SCORES.buckets).fill(1000) };
  const per_day = thresholdsOf(fleet, { alerts_per_day: 4 });
  const per_1000 = thresholdsOf(fleet, (4 / active) * 1000);
  assert.ok(Math.abs(per_day.alert_bits - per_1000.alert_bits) < 0.5, `${per_day.alert_bits} ${per_1000.alert_bits}`);
  assert.ok(thresholdsOf(fleet, { alerts_per_day: 60 }).alert_bits < per_day.alert_bits);
});

test('one identity that surprises all day moves the threshold no more than one that does once', () => {
  const threshold = (attacks: number): number => {
    const fleet = workedFleet({ days: 10, identities: 8 });
    const attack = (i: number) =>
      event({ identity: 'agent-0', time: fleet.log_ms + i, tool: `t${i}`, operation: 'export', resources: [`r${i}`] });
    for (let i = 0; i < attacks; i++) fleet.session([attack(i)], { learn: false });
    fleet.session([event({ identity: 'agent-0', time: fleet.log_ms + 10_000, tool: 'search_tickets' })]);
    fleet.adoptPrior();
    return fleet.prior.alert_bits;
  };
  assert.equal(threshold(200), threshold(1));
  assert.ok(threshold(1) > threshold(0) - 1);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAMILIES } from '../../schemas/finding.ts';
import type { AlertFacts, Hit, Peak } from './facts.ts';
import { aimsOf } from './metrics/aims.ts';
import { isRightFamily, JUDGED_BY_FAMILY } from './metrics/families.ts';
import { learningNoise, lookAlikesOf, noiseAtBudget, noiseAtLevel, worstSources } from './metrics/noise.ts';
import { levelFor, median, perThousand, quantile, wilson } from './metrics/numbers.ts';
import { curvesOf, faintEnd } from './metrics/recall.ts';
import { ATTACKS } from './plan.ts';
import type { Judged } from './recorded/referee.ts';
import { fleet, story } from './support.ts';

const hit = (change: Partial<Hit> = {}): Hit => ({
  events: 2,
  minutes: 1,
  family: 'data_volume',
  detector: 'window_volume',
  pattern: 'volume_hour',
  bits: 20,
  ...change,
});
const peaks = (...bits: readonly number[]): Peak[] => bits.map((one, i) => ({ events: i, minutes: i * 2, bits: one }));

describe('numbers', () => {
  test('quantiles are values that were there', () => {
    assert.equal(median([]), undefined);
    assert.equal(median([3]), 3);
    assert.equal(median([4, 1, 3, 2]), 2);
    assert.equal(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9), 9);
  });

  test('the level is what one in a thousand exceeds, and the largest where there are too few', () => {
    const values = Array.from({ length: 2500 }, (_, i) => i);
    assert.equal(levelFor(values, 1), 2497);
    assert.equal(values.filter((value) => value > levelFor(values, 1)).length, 2);
    assert.equal(levelFor([5, 9, 7], 1), 9);
    assert.equal(levelFor([], 1), 0);
  });

  test('a share of few says little', () => {
    assert.equal(perThousand(3, 2000), 1.5);
    assert.equal(wilson(0, 0), undefined);
    assert.ok(Math.abs((wilson(20, 20)?.low ?? 0) - 0.8389) < 0.001);
    assert.ok(Math.abs((wilson(5, 10)?.low ?? 0) - 0.2366) < 0.001);
  });
});

describe('recall', () => {
  test('is by alerts at the budget, by scores at the level, with delays of what was caught', () => {
    const facts = [
      story({ hit: hit({ events: 4, minutes: 8 }), peaks: peaks(10, 18) }),
      story({ hit: hit({ events: 2, minutes: 2, family: 'tool_usage' }), peaks: peaks(25) }),
      story({ peaks: peaks(3, 12) }),
      story({ hit: hit({ events: 9, minutes: 4 }), peaks: peaks(1, 2, 3, 16) }),
    ];
    const [curve] = curvesOf(facts, 15);
    const [point] = curve?.points ?? [];
    assert.equal(point?.runs, 4);
    assert.deepEqual([point?.budget.caught, point?.budget.recall, point?.budget.delay_events], [3, 0.75, 4]);
    assert.equal(point?.budget.delay_minutes, 4);
    assert.deepEqual(curve?.told_by, [{ pattern: 'volume_hour', stories: 3 }]);
    assert.ok(Math.abs((point?.budget.right_family ?? 0) - 2 / 3) < 1e-9);
    assert.deepEqual([point?.level.caught, point?.level.delay_events, point?.level.delay_minutes], [3, 1, 2]);
  });

  test('a score at the level is not above it', () => {
    const [curve] = curvesOf([story({ peaks: peaks(15) })], 15);
    assert.equal(curve?.points[0]?.level.caught, 0);
  });

  test('look-alikes have no recall, and intensities come in order', () => {
    const facts = [story({ intensity: 1 }), story({ intensity: 0 }), story({ kind: 'benign', story: 'retry_storm' })];
    const curves = curvesOf(facts, 15);
    assert.deepEqual(
      curves.map((one) => [one.story, one.points.map(({ intensity }) => intensity)]),
      [['volume_burst', [0, 1]]],
    );
  });

  test('the faint end is where recall begins to stay', () => {
    const at = (...recall: readonly number[]) => recall.map((one, i) => ({ intensity: i / 10, recall: one }));
    assert.equal(faintEnd(at(0.2, 0.98, 1)), 0.1);
    assert.equal(faintEnd(at(1, 0.97, 1)), 0.2);
    assert.equal(faintEnd(at(1, 1, 0.9)), undefined);
    assert.equal(faintEnd(at(1, 1)), 0);
    assert.equal(faintEnd([]), undefined);
  });

  test('every attack has families that fit it', () => {
    assert.deepEqual([...JUDGED_BY_FAMILY].sort(), [...ATTACKS].sort());
    for (const attack of ATTACKS)
      assert.ok(
        FAMILIES.some((family) => isRightFamily(attack, family)),
        attack,
      );
    assert.ok(!isRightFamily('volume_burst', 'tool_usage'));
  });
});

describe('aims', () => {
  const judged = (change: Partial<Judged> = {}): Judged => ({
    stream: 'one',
    variant: 'as_shipped',
    poisoned_sessions: 0,
    auroc: 0.96,
    recall_at_1: 0.6,
    recall_at_5: 0.88,
    delay_events: 0,
    budget: { alerts: 0, alerts_per_1000: 0, precision: 0, recall: 0, delay_events: undefined },
    ...change,
  });

  test('are held against the recorded streams as they are', () => {
    const poisoned = judged({ variant: 'poisoned', auroc: 0.5 });
    const met = aimsOf({ stories: undefined, recorded: [judged(), poisoned] }).map((one) => one.met);
    assert.deepEqual(met, [true, false, true, true]);
    assert.equal(aimsOf({ stories: undefined, recorded: [judged({ delay_events: undefined })] }).at(-1)?.met, false);
  });
});

describe('noise', () => {
  const alert = (owner: AlertFacts['owner'], change: Partial<AlertFacts> = {}): AlertFacts => ({
    owner,
    story: undefined,
    learning: false,
    detector: 'tool_frequency',
    pattern: 'first_seen_tool',
    ...change,
  });
  const storm = { owner: 'look_alike', story: 'retry_storm' } as const;
  const runs = [
    fleet({
      learning_identity_days: 500,
      alerts: [alert('attack'), alert('nobody'), alert('beside'), alert('nobody', { learning: true })],
      days: [
        { bits: 30, owner: 'nobody', story: undefined },
        { bits: 5, owner: 'nobody', story: undefined },
        { bits: 40, owner: 'beside', story: 'volume_burst' },
        { bits: 25, ...storm },
      ],
      stories: [
        story({ peaks: peaks(40) }),
        story({ story: 'retry_storm', kind: 'benign', peaks: peaks(25) }),
        story({ story: 'new_project', kind: 'benign' }),
      ],
    }),
    fleet({ learning_identity_days: 500, alerts: [alert('look_alike', { story: 'retry_storm' })] }),
  ];

  test('counts alerts by whose they are, those beside an attack neither for nor against', () => {
    const noise = noiseAtBudget(runs);
    assert.deepEqual([noise.attack, noise.beside, noise.look_alike, noise.nobody], [1, 1, 1, 1]);
    assert.equal(noise.identity_days, 4);
    assert.equal(noise.false_per_1000, 250);
    assert.ok(Math.abs((noise.precision ?? 0) - 1 / 3) < 1e-9);
    assert.equal(learningNoise(runs), 1);
  });

  test('counts identity-days above a level, and attacks by story', () => {
    const noise = noiseAtLevel(runs, 20);
    assert.deepEqual([noise.attack, noise.beside, noise.look_alike, noise.nobody], [1, 1, 1, 1]);
    assert.deepEqual([noiseAtLevel(runs, 35).attack, noiseAtLevel(runs, 35).nobody], [1, 0]);
  });

  test('shows look-alikes one by one', () => {
    assert.deepEqual(lookAlikesOf(runs, 20), [
      { story: 'retry_storm', runs: 1, alerted_runs: 1, alerts: 1, runs_above_level: 1 },
      { story: 'new_project', runs: 1, alerted_runs: 0, alerts: 0, runs_above_level: 0 },
    ]);
  });

  test('names what raises false alarms', () => {
    assert.deepEqual(worstSources(runs, 5), [
      { detector: 'tool_frequency', pattern: 'first_seen_tool', false_alarms: 1 },
    ]);
  });
});

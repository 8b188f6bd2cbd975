import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNITS } from '../../schemas/limits.ts';
import { createCutPolicy } from '../../services/cli/recorded/cut-policy.ts';

test('a cut is taken when the population has grown by a quarter', () => {
  const policy = createCutPolicy();
  policy.add(1000);
  assert.equal(policy.take(0), true);
  policy.add(249);
  assert.equal(policy.take(UNITS.HOUR_MS), false);
  policy.add(1);
  assert.equal(policy.take(2 * UNITS.HOUR_MS), true);
  policy.add(250);
  assert.equal(policy.take(3 * UNITS.HOUR_MS), false, 'a quarter of what there is now, not of what there was');
});

test('a cut is taken once a day in any case', () => {
  const policy = createCutPolicy();
  policy.add(1000);
  policy.take(0);
  policy.add(60);
  assert.equal(policy.take(UNITS.DAY_MS - 1), false);
  assert.equal(policy.take(UNITS.DAY_MS), true);
});

test('few events are no reason for a cut, however long they took', () => {
  const policy = createCutPolicy();
  policy.add(49);
  assert.equal(policy.take(365 * UNITS.DAY_MS), false);
  policy.add(1);
  assert.equal(policy.take(365 * UNITS.DAY_MS), true);
  assert.equal(policy.take(730 * UNITS.DAY_MS), false, 'nothing is new');
});

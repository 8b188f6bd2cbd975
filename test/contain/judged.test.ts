import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { onAlert } from '../../services/contain/alerts.ts';
import { all, anew, approve, ask, raise, requested, said, statesOf, turn } from './decisions.ts';
import type { Body } from './harness.ts';
import { alertOf } from './samples.ts';

/** A machine that was taken over must not be able to call off what would contain it, by whichever door. */
describe('an alert that is judged harmless', () => {
  beforeEach(anew);
  const harmless: Body = {
    type: 'verdict',
    alert_uid: alertOf().uid,
    tenant: 'default',
    identity: 'agent-7',
    verdict: 'false_positive',
  };
  const closes = () =>
    turn((opened) => onAlert(opened, alertOf({ revision: 2, status: 'closed', closed_reason: 'false_positive' })));

  test('by a person, takes with it what waits', () => {
    raise();
    assert.equal(said(ask('anna', harmless)), 'false_positive');
    assert.deepEqual(statesOf(), ['alert_false_positive']);
  });

  test('by a machine, is refused, and takes nothing with it', () => {
    raise();
    requested();
    assert.equal(said(ask('robot', harmless)), 'not_human');
    assert.deepEqual(statesOf(), ['pending', 'pending']);
    const [first] = all();
    assert.ok(first !== undefined);
    assert.equal(said(approve('ada', first)), 'approved');
    assert.equal(said(ask('robot', harmless)), 'not_human', 'nor once it is approved');
  });

  test('by a machine and then by a person, takes it with it', () => {
    raise();
    ask('robot', harmless);
    assert.equal(said(ask('anna', { ...harmless, verdict: 'expected_change' })), 'expected_change');
    assert.deepEqual(statesOf(), ['alert_expected_change']);
  });

  test('by detection alone, as when a person’s word was forgotten, takes it with it', () => {
    raise();
    closes();
    assert.deepEqual(statesOf(), ['alert_false_positive']);
  });
});

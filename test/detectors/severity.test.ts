import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeAlert } from '../../detectors/recommend.ts';
import { SEVERITIES } from '../../schemas/alert.ts';
import { type Impact, SeverityGround } from '../../schemas/alert-facts.ts';
import type { Finding } from '../../schemas/finding.ts';
import { findingOf } from './findings.ts';

const NOTHING: Impact = { events: 1, refused: 0, failed: 0, operations: [], bytes_out: 0, records: 0 };
const ALERT_BITS = 15;

function judged(findings: readonly Finding[], impact: Partial<Impact> = {}, bits = ALERT_BITS) {
  const { severity, grounds = [] } = describeAlert({
    identity: { id: 'a', kind: 'agent' },
    findings,
    scored: { bits, alert_bits: ALERT_BITS, impact: { ...NOTHING, ...impact } },
  });
  for (const ground of grounds) SeverityGround.parse(ground);
  return { severity, grounds: grounds.map(({ ground, points }) => `${ground} ${points}`) };
}

describe('how bad it would be', () => {
  const strange = [findingOf('first_seen_tool', 12)];

  test('follows what the calls could do, and what they touched', () => {
    assert.deepEqual(judged(strange, { operations: ['read'] }), { severity: 'low', grounds: [] });
    assert.deepEqual(judged(strange, { operations: ['export'] }).grounds, ['sends 1']);
    assert.deepEqual(judged(strange, { operations: ['export', 'delegate'] }).grounds, ['acts 2']);
    assert.deepEqual(judged(strange, { classification: 'restricted' }).grounds, ['sensitive 1']);
    assert.deepEqual(judged(strange, { classification: 'internal' }).grounds, []);
  });

  test('counts an amount, a run, a target or a place only where they are surprising by themselves', () => {
    const kinds = [
      ['volume_hour', 'amount 1'],
      ['resource_sweep', 'sweep 1'],
      ['first_seen_target', 'new_target 1'],
      ['first_seen_network', 'elsewhere 1'],
    ] as const;
    for (const [pattern, ground] of kinds) {
      assert.deepEqual(judged([findingOf(pattern, ALERT_BITS)]).grounds, [ground], pattern);
      assert.deepEqual(judged([findingOf(pattern, 4)]).grounds, [], pattern);
    }
    assert.deepEqual(judged([findingOf('unusual_hour', 12)]).grounds, []);
  });

  test('is nothing where nothing went through', () => {
    const refused: Partial<Impact> = { events: 9, refused: 9, classification: 'restricted' };
    assert.deepEqual(judged([findingOf('first_seen_target', 12), findingOf('denial_burst', 20)], refused), {
      severity: 'low',
      grounds: [],
    });
  });
});

describe('how sure it is', () => {
  const strange = [findingOf('first_seen_tool', 12)];

  test('follows the multiple of what an alert needs, not the bits themselves', () => {
    const at = (times: number): string[] => judged(strange, {}, times * ALERT_BITS).grounds;
    assert.deepEqual([at(1.05), at(1.2), at(1.5), at(4)], [[], ['surprise 1'], ['surprise 2'], ['surprise 3']]);
  });

  test('grows with surprising calls that went through', () => {
    assert.deepEqual(judged(strange, { events: 5 }).grounds, ['repeated 1']);
    assert.deepEqual(judged(strange, { events: 25, failed: 4 }).grounds, ['repeated 2']);
    assert.deepEqual(judged(strange, { events: 5, refused: 3 }).grounds, []);
  });

  test('sinks where most calls fail, where only the pace is unusual, and where little is known', () => {
    assert.deepEqual(judged([findingOf('error_burst', 30)], { events: 20, failed: 19 }).grounds, ['failing -2']);
    const pace = [findingOf('call_rate', 20), findingOf('error_burst', 30), findingOf('out_of_context', 9)];
    assert.deepEqual(judged(pace).grounds, ['more_of_the_same -2']);
    assert.deepEqual(judged([...pace, findingOf('first_seen_tool', 21)]).grounds, []);
    assert.deepEqual(judged([findingOf('rare_tool', 30, undefined, 'learning')]).grounds, ['learning -1']);
  });
});

test('both together make the level', () => {
  const findings = [findingOf('volume_session', 30), findingOf('first_seen_target', 14)];
  const levels = [
    judged([findingOf('rare_tool', 16)]),
    judged(findings, { operations: ['export'] }),
    judged(findings, { operations: ['export'], classification: 'secret' }),
    judged(findings, { operations: ['export'], classification: 'secret', events: 20 }, 2 * ALERT_BITS),
  ].map(({ severity }) => severity);
  assert.deepEqual(levels, SEVERITIES);
});

test('an alert of before impacts were kept is judged by its findings', () => {
  const operation = findingOf('new_operation', 14, { kind: 'operation', value: 'execute' });
  const secret = findingOf('sensitivity_reached', 14, { kind: 'classification', value: 'restricted' });
  const { severity, grounds = [] } = describeAlert({
    identity: { id: 'a', kind: 'agent' },
    findings: [operation, secret],
  });
  assert.deepEqual([severity, grounds.map(({ ground }) => ground)], ['medium', ['acts', 'sensitive']]);
});

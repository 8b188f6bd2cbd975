import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAlert } from '../../detectors/recommend.ts';
import { MAPPED_PATTERNS, techniquesOf } from '../../detectors/techniques.ts';
import { CONTAINMENT_ACTIONS, Recommendation, Severity, Technique } from '../../schemas/alert.ts';
import type { Impact } from '../../schemas/alert-facts.ts';
import type { Finding } from '../../schemas/finding.ts';
import { findingOf as finding } from './findings.ts';

const identity = { id: 'agent-7', kind: 'agent', name: 'Invoice bot' } as const;

const tool = { kind: 'tool', value: 'send_money' };
const secret = { kind: 'classification', value: 'restricted' };

test('every pattern gives a valid description with techniques of both frameworks', () => {
  for (const pattern of MAPPED_PATTERNS) {
    const said = describeAlert({ identity, findings: [finding(pattern, 20, tool)], session: 's1', credential: 'c1' });
    Severity.parse(said.severity);
    Recommendation.parse(said.recommendation);
    for (const technique of said.techniques) Technique.parse(technique);
    assert.deepEqual(new Set(said.techniques.map((one) => one.framework)), new Set(['mitre_atlas', 'owasp_asi']));
    assert.ok(said.title.startsWith('Invoice bot ') && said.recommendation.target !== '');
    assert.ok(said.recommendation.reason.includes(`Because of ${pattern}.`));
  }
});

test('ids are of the published form, names are not shared by two ids', () => {
  const all = techniquesOf(MAPPED_PATTERNS).concat(MAPPED_PATTERNS.flatMap((pattern) => techniquesOf([pattern])));
  for (const { framework, id } of all) {
    assert.match(id, framework === 'mitre_atlas' ? /^AML\.T\d{4}(\.\d{3})?$/ : /^ASI(0[1-9]|10)$/);
  }
  const names = new Map(all.map(({ id, name }) => [name, id]));
  for (const { id, name } of all) assert.equal(names.get(name), id);
  assert.deepEqual(techniquesOf(['no such pattern', 'constructor', '__proto__']), []);
});

test('the proposal is the narrowest that fits the story', () => {
  const action = (findings: Finding[], rest: object = {}): string =>
    describeAlert({ identity, findings, ...rest }).recommendation.action;
  assert.equal(action([finding('first_seen_tool', 18, tool)], { session: 's' }), 'restrict_tool');
  assert.equal(action([finding('denial_burst', 20)], { credential: 'c', session: 's' }), 'revoke_credential');
  assert.equal(action([finding('sensitivity_reached', 20, secret)], { session: 's' }), 'restrict_data_class');
  assert.equal(action([finding('out_of_context', 20, tool)], { session: 's' }), 'quarantine_session');
  assert.equal(action([finding('out_of_context', 20, tool)]), 'restrict_tool');
  assert.equal(action([finding('unlikely_sequence', 20)]), 'suspend_agent');
  const network = finding('first_seen_network', 9, { kind: 'network', value: 'internet' });
  assert.equal(action([finding('first_seen_tool', 18, tool), network], { credential: 'c' }), 'revoke_credential');
  assert.equal(action([finding('first_seen_tool', 18, tool), network]), 'restrict_tool');
  assert.equal(
    action([finding('first_seen_tool', 18, tool), finding('unusual_hour', 9)], { credential: 'c' }),
    'restrict_tool',
  );
  assert.equal(action([finding('foreign_credential', 11)], { credential: 'c', session: 's' }), 'revoke_credential');
  const leak = [finding('volume_hour', 40), finding('sensitivity_reached', 9, secret)];
  const scored = (times: number): object => ({ bits: times * 15, alert_bits: 15, impact: EXPORTED });
  assert.equal(action(leak, { session: 's', scored: scored(1) }), 'quarantine_session');
  assert.equal(action(leak, { session: 's', sessions: 3, scored: scored(1.5) }), 'suspend_agent', 'it is spreading');
  assert.equal(action(leak, { session: 's', scored: scored(3) }), 'suspend_agent', 'it is critical');
});

const EXPORTED: Impact = {
  events: 20,
  refused: 0,
  failed: 0,
  operations: ['export'],
  classification: 'restricted',
  bytes_out: 9e8,
  records: 0,
};

test('every other containment is named with what speaks against it', () => {
  const said = (findings: Finding[], rest: object = {}) => describeAlert({ identity, findings, ...rest });
  const all = { session: 's', credential: 'c' };
  const { recommendation, alternatives = [] } = said([finding('first_seen_tool', 18, tool)], all);
  assert.equal(
    recommendation.reason,
    'What is unusual is the use of this tool; without it the identity can go on with its other work. Because of first_seen_tool.',
  );
  assert.deepEqual(alternatives, [
    { action: 'restrict_data_class', why_not: 'No data more sensitive than usual was touched.' },
    { action: 'quarantine_session', target: 's', why_not: 'Wider than needed: it stops all that the session does.' },
    {
      action: 'revoke_credential',
      target: 'c',
      why_not: 'Wider than needed: nothing shows that the credential is in other hands.',
    },
    { action: 'suspend_agent', target: 'agent-7', why_not: 'Wider than needed: it stops all work of the identity.' },
  ]);
  const stolen = [
    finding('first_seen_network', 12, { kind: 'network', value: 'internet' }),
    finding('rare_tool', 20, tool),
  ];
  for (const findings of [stolen, [finding('volume_day', 30)], [finding('sensitivity_reached', 20, secret)]]) {
    for (const rest of [
      {},
      all,
      { session: 's' },
      { ...all, sessions: 4, scored: { bits: 60, alert_bits: 15, impact: EXPORTED } },
    ]) {
      const proposal = said(findings, rest);
      const weighed = [proposal.recommendation.action, ...(proposal.alternatives ?? []).map(({ action }) => action)];
      assert.deepEqual(weighed.toSorted(), [...CONTAINMENT_ACTIONS].sort());
      for (const { why_not } of proposal.alternatives ?? []) assert.match(why_not, /^[A-Z].*\.$/);
    }
  }
});

test('the summary is the strongest sentences, strongest first, and says when history is short', () => {
  const said = describeAlert({
    identity,
    findings: [finding('rare_tool', 8), finding('volume_hour', 30, undefined, 'learning'), finding('call_rate', 12)],
  });
  assert.match(said.summary, /^Because of volume_hour\. Because of call_rate\. Because of rare_tool\./);
  assert.match(said.summary, /still being learned \(90 sessions\)/);
});

test('a place or credential that carries the surprise is in the title', () => {
  const stolen = finding('two_places', 14, { kind: 'credential', value: 'oauth-7' });
  const { title, recommendation } = describeAlert({ identity, findings: [stolen], credential: 'oauth-7' });
  assert.match(title, /^Invoice bot acts with a credential, from a place or at a time it usually does not: oauth-7$/);
  assert.match(recommendation.reason, /^Somebody else may hold the credential; .* Because of two_places\.$/);
});

test('a sweep is called one only where there is one', () => {
  const store = finding('first_seen_store', 14, { kind: 'store', value: 'bi' });
  const title = (findings: Finding[]): string => describeAlert({ identity, findings }).title;
  assert.equal(title([store]), 'Invoice bot touches what it does not usually touch: bi');
  assert.match(title([store, finding('resource_sweep', 9)]), /^Invoice bot sweeps through resources .*: bi$/);
});

test('an alert without findings is a programmer error', () => {
  assert.throws(() => describeAlert({ identity, findings: [] }), RangeError);
});

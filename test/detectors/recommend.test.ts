import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAlert } from '../../detectors/recommend.ts';
import { MAPPED_PATTERNS, techniquesOf } from '../../detectors/techniques.ts';
import { Recommendation, Severity, Technique } from '../../schemas/alert.ts';
import type { Finding } from '../../schemas/finding.ts';

const identity = { id: 'agent-7', kind: 'agent', name: 'Invoice bot' } as const;

function finding(
  pattern: string,
  bits: number,
  subject?: Finding['subject'],
  maturity: 'learning' | 'mature' = 'mature',
): Finding {
  return {
    id: pattern,
    detector: 'd',
    family: 'tool_usage',
    pattern,
    time: 0,
    log_time: 0,
    probability: 2 ** -bits,
    bits,
    ...(subject === undefined ? {} : { subject }),
    observed: { name: 'o', value: 1 },
    expected: { name: 'e', value: 1 },
    history: { events: 900, sessions: 90, days: 9, maturity, basis: 'identity' },
    evidence: [{ key: 'k', id: 'i', time: 0 }],
    sentence: `Because of ${pattern}.`,
  };
}
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
  assert.equal(action(leak, { session: 's' }), 'suspend_agent');
});

test('severity grows with surprise, sensitivity and what leaves; short history lowers it', () => {
  const severity = (...findings: Finding[]): string => describeAlert({ identity, findings }).severity;
  assert.equal(severity(finding('rare_tool', 8)), 'low');
  assert.equal(severity(finding('rare_tool', 30)), 'medium');
  const strange = ['rare_tool', 'unlikely_sequence', 'out_of_context'].map((pattern) => finding(pattern, 30));
  assert.equal(severity(...strange), 'high');
  assert.equal(severity(...strange, finding('first_seen_target', 15)), 'critical');
  assert.equal(severity(finding('volume_day', 30)), 'critical');
  assert.equal(severity(finding('first_seen_tool', 12), finding('first_seen_network', 12)), 'medium');
  assert.equal(severity(finding('first_seen_tool', 24), finding('first_seen_network', 24)), 'high');
  assert.equal(severity(finding('rare_tool', 30), finding('sensitivity_reached', 10, secret)), 'high');
  assert.equal(severity(finding('rare_tool', 30, undefined, 'learning')), 'low');
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
  assert.match(title, /^Invoice bot acts from where, when or with what it usually does not: oauth-7$/);
  assert.match(recommendation.reason, /^Somebody else may hold the credential\. Because of two_places\.$/);
});

test('an alert without findings is a programmer error', () => {
  assert.throws(() => describeAlert({ identity, findings: [] }), RangeError);
});

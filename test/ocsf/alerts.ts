import fc from 'fast-check';
import { type Alert, CONTAINMENT_ACTIONS, SEVERITIES } from '../../schemas/alert.ts';
import { type Impact, SEVERITY_GROUNDS, type StrongestEvent } from '../../schemas/alert-facts.ts';
import { IDENTITY_KINDS, OPERATIONS, OUTCOMES } from '../../schemas/event.ts';
import { FAMILIES, type Finding, MATURITIES } from '../../schemas/finding.ts';
import { VERDICTS } from '../../schemas/verdict.ts';

/** Any alert the schema allows, hostile text and extreme numbers included, and one plain alert to start from. */

const text = fc.string({ unit: 'binary', maxLength: 24 });
const time = fc.oneof(fc.integer({ min: 0, max: 4_102_444_800_000 }), fc.maxSafeInteger());
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const positive = fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 });

/** Keys that may be absent, as `exactOptionalPropertyTypes` wants them: absent, never undefined. */
const record = <T extends object, K extends keyof T>(
  model: { [P in keyof T]: fc.Arbitrary<T[P]> },
  requiredKeys: K[],
) => fc.record(model, { requiredKeys });

const evidenceRef = fc.record({ key: text, id: text, time });
const measure = record(
  {
    name: text,
    value: fc.oneof(finite, text),
    unit: fc.constantFrom('bytes', 'records', 'calls', 'resources', 'probability', 'events'),
  },
  ['name', 'value'],
);

const finding: fc.Arbitrary<Finding> = record(
  {
    id: text,
    detector: text,
    family: fc.constantFrom(...FAMILIES),
    pattern: text,
    time,
    log_time: time,
    session: text,
    probability: fc.double({ noNaN: true, min: Number.MIN_VALUE, max: 1 }),
    bits: positive,
    contributed: positive,
    subject: fc.record({ kind: fc.oneof(fc.constantFrom('tool', 'resource', 'volume'), text), value: text }),
    observed: measure,
    expected: measure,
    history: fc.record({
      events: fc.nat(),
      sessions: fc.nat(),
      days: positive,
      maturity: fc.constantFrom(...MATURITIES),
      basis: fc.constantFrom('identity', 'peer_group', 'population'),
    }),
    evidence: fc.array(evidenceRef, { minLength: 1, maxLength: 3 }),
    sentence: text,
  },
  [
    'id',
    'detector',
    'family',
    'pattern',
    'time',
    'log_time',
    'probability',
    'bits',
    'observed',
    'expected',
    'history',
    'evidence',
    'sentence',
  ],
);

const identity = record(
  {
    id: text,
    kind: fc.constantFrom(...IDENTITY_KINDS),
    name: text,
    owner: text,
    peer_group: text,
    version: text,
    credential: text,
  },
  ['id', 'kind'],
);

const technique = fc.record({
  framework: fc.constantFrom('mitre_atlas', 'owasp_asi'),
  id: fc.oneof(fc.constantFrom('AML.T0040', 'AML.T0051.001', 'ASI02'), text),
  name: text,
});

const ground = fc.record({ ground: fc.constantFrom(...SEVERITY_GROUNDS), points: fc.integer(), words: text });
const contribution = fc.record({
  detector: text,
  bits: positive,
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});
const alternative = record({ action: fc.constantFrom(...CONTAINMENT_ACTIONS), target: text, why_not: text }, [
  'action',
  'why_not',
]);
const operation = fc.constantFrom(...OPERATIONS);
const named = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const strongest: fc.Arbitrary<StrongestEvent> = record(
  {
    key: text,
    id: text,
    time,
    session: text,
    operation,
    tool: text,
    resource: record({ id: named, store: named, classification: named }, ['id']),
    resources: fc.nat(),
    bytes_in: positive,
    bytes_out: positive,
    records: fc.nat(),
    outcome: fc.constantFrom(...OUTCOMES),
    outcome_code: text,
    source: record({ ip: text, network: text, workload: text }, []),
  },
  ['key', 'id', 'time', 'operation', 'resources', 'outcome'],
);
const impact: fc.Arbitrary<Impact> = record(
  {
    events: fc.nat(),
    refused: fc.nat(),
    failed: fc.nat(),
    operations: fc.array(operation, { maxLength: 3 }),
    classification: text,
    bytes_out: positive,
    records: positive,
  },
  ['events', 'refused', 'failed', 'operations', 'bytes_out', 'records'],
);

export const anyAlert: fc.Arbitrary<Alert> = record(
  {
    uid: text,
    revision: fc.integer({ min: 1, max: 1000 }),
    status: fc.constantFrom('open', 'closed'),
    closed_reason: fc.constantFrom('quiet', ...VERDICTS),
    tenant: text,
    identity,
    sessions: fc.array(text, { maxLength: 3 }),
    severity: fc.constantFrom(...SEVERITIES),
    grounds: fc.array(ground, { maxLength: 3 }),
    bits: finite,
    alert_bits: finite,
    contributions: fc.array(contribution, { maxLength: 3 }),
    strongest,
    impact,
    created: time,
    updated: time,
    first_time: time,
    last_time: time,
    title: text,
    summary: text,
    findings: fc.array(finding, { maxLength: 3 }),
    finding_count: fc.nat(),
    evidence: fc.array(evidenceRef, { maxLength: 3 }),
    recommendation: fc.record({
      action: fc.constantFrom(...CONTAINMENT_ACTIONS),
      target: text,
      parameters: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,9}$/), text, { maxKeys: 2 }),
      reason: text,
    }),
    alternatives: fc.array(alternative, { maxLength: 3 }),
    techniques: fc.array(technique, { maxLength: 3 }),
  },
  [
    'uid',
    'revision',
    'status',
    'tenant',
    'identity',
    'sessions',
    'severity',
    'bits',
    'created',
    'updated',
    'first_time',
    'last_time',
    'title',
    'summary',
    'findings',
    'finding_count',
    'evidence',
    'recommendation',
    'techniques',
  ],
);

const START = Date.UTC(2026, 2, 2, 9, 14);

/** An alert like the ones detect writes; the example in docs/siem.md is made of it. */
export function plainAlert(changes: Partial<Alert> = {}): Alert {
  const evidence = [{ key: '5f2c9a0b7e61d4830c1a2b3c4d5e6f70', id: 'evt-20417', time: START }];
  return {
    uid: 'a3f1c07e9b5d42688e0f6a1b2c3d4e5f',
    revision: 1,
    status: 'open',
    tenant: 'default',
    identity: {
      id: 'agent:invoice-triage-07',
      kind: 'agent',
      name: 'Invoice triage 07',
      owner: 'finance-platform',
      peer_group: 'invoice-triage',
      version: 'triage-2026-02',
      credential: 'key-7c1d',
    },
    sessions: ['s-8841'],
    severity: 'high',
    bits: 31.7,
    created: START + 2_000,
    updated: START + 2_000,
    first_time: START,
    last_time: START,
    title: 'Invoice triage 07 exported far more than it ever has',
    summary: 'Invoice triage 07 exported 412 MB with mail.send, which it had never used; its usual hour moves 1.3 MB.',
    findings: [
      {
        id: '0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a',
        detector: 'volume',
        family: 'data_volume',
        pattern: 'burst_hour',
        time: START,
        log_time: START + 2_000,
        session: 's-8841',
        probability: 2 ** -31.7,
        bits: 31.7,
        subject: { kind: 'tool', value: 'mail.send' },
        observed: { name: 'bytes_out_hour', value: 432_013_312, unit: 'bytes' },
        expected: { name: 'bytes_out_hour', value: 1_363_149, unit: 'bytes' },
        history: { events: 18_204, sessions: 611, days: 27.5, maturity: 'mature', basis: 'identity' },
        evidence,
        sentence: 'Moved out 412 MB within one hour; 99.9 % of its hours stay below 1.3 MB.',
      },
    ],
    finding_count: 1,
    evidence,
    recommendation: {
      action: 'restrict_tool',
      target: 'mail.send',
      parameters: {},
      reason: 'The surprise is confined to one tool that the identity does not need for its usual work.',
    },
    techniques: [
      { framework: 'mitre_atlas', id: 'AML.T0086', name: 'Exfiltration via AI Agent Tool Invocation' },
      { framework: 'owasp_asi', id: 'ASI02', name: 'Tool Misuse and Exploitation' },
    ],
    ...changes,
  };
}

/** The same as detect writes it since it keeps what an alert is made of. */
export function explainedAlert(changes: Partial<Alert> = {}): Alert {
  const plain = plainAlert();
  const [evidence] = plain.evidence;
  if (evidence === undefined) throw new Error('the plain alert has evidence');
  return {
    ...plain,
    grounds: [
      { ground: 'sends', points: 1, words: 'calls that send data out went through' },
      { ground: 'amount', points: 1, words: 'more data was moved than usual' },
      { ground: 'surprise', points: 3, words: 'the strongest event is 2.2 times as surprising as an alert needs' },
    ],
    alert_bits: 14.5,
    contributions: [
      { detector: 'window_volume', bits: 27.3, share: 0.861 },
      { detector: 'tool_frequency', bits: 4.4, share: 0.139 },
    ],
    strongest: {
      ...evidence,
      session: 's-8841',
      operation: 'export',
      tool: 'mail.send',
      resource: { id: 'partner@example.net', store: 'outbound-mail', classification: 'confidential' },
      resources: 1,
      bytes_out: 432_013_312,
      outcome: 'ok',
      source: { ip: '10.4.7.21', network: 'agents-eu-west' },
    },
    impact: {
      events: 1,
      refused: 0,
      failed: 0,
      operations: ['export'],
      classification: 'confidential',
      bytes_out: 432_013_312,
      records: 0,
    },
    alternatives: [
      {
        action: 'suspend_agent',
        target: 'agent:invoice-triage-07',
        why_not: 'Wider than needed: it stops all work of the identity.',
      },
    ],
    ...changes,
  };
}

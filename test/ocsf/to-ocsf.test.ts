import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { z } from 'zod';
import { Alert } from '../../schemas/alert.ts';
import { OcsfDetectionFinding } from '../../schemas/ocsf/detection-finding.ts';
import { PRODUCT } from '../../schemas/ocsf/product.ts';
import { ocsfJson, toOcsf } from '../../schemas/ocsf/to-ocsf.ts';
import { anyAlert, explainedAlert, plainAlert } from './alerts.ts';
import { departures } from './official.ts';

describe('every valid alert', () => {
  it('is generated validly by the arbitrary itself', () => {
    fc.assert(fc.property(anyAlert, (alert) => Alert.safeParse(alert).success));
  });

  it('maps to a document our schema and the official attribute lists both take', () => {
    fc.assert(
      fc.property(anyAlert, (alert) => {
        const mapped = toOcsf(alert);
        const parsed = OcsfDetectionFinding.safeParse(mapped);
        assert.deepEqual(parsed.error?.issues ?? [], []);
        assert.deepEqual(departures(JSON.parse(JSON.stringify(mapped))), []);
      }),
      { numRuns: 300 },
    );
  });

  it('maps to the same bytes again, after a round trip through JSON too', () => {
    fc.assert(
      fc.property(anyAlert, (alert) => {
        const again = Alert.parse(JSON.parse(JSON.stringify(alert)));
        assert.equal(ocsfJson(alert), ocsfJson(alert));
        assert.equal(ocsfJson(again), ocsfJson(alert));
        assert.ok(!ocsfJson(alert).includes('\n'));
      }),
    );
  });

  it('keeps its uid through its life, and each revision has one of its own', () => {
    fc.assert(
      fc.property(anyAlert, fc.integer({ min: 1, max: 50 }), (alert, revision) => {
        const one = toOcsf(alert);
        const other = toOcsf({ ...alert, revision });
        assert.equal(one.finding_info.uid, other.finding_info.uid);
        assert.equal(one.metadata.uid === other.metadata.uid, alert.revision === revision);
        assert.equal(one.type_uid, one.class_uid * 100 + one.activity_id);
      }),
    );
  });

  it('is taken by the published JSON Schema', () => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      z.toJSONSchema(OcsfDetectionFinding),
    );
    fc.assert(
      fc.property(anyAlert, (alert) => {
        assert.ok(validate(JSON.parse(ocsfJson(alert))), JSON.stringify(validate.errors));
      }),
    );
  });
});

describe('the official attribute lists', () => {
  const wire = (change: Record<string, unknown>) => ({ ...JSON.parse(ocsfJson(plainAlert())), ...change });

  it('refuse what OCSF does not have', () => {
    assert.deepEqual(departures(wire({})), []);
    assert.deepEqual(departures(wire({ colour: 'red' })), ['$.colour: OCSF has no such attribute']);
    assert.deepEqual(departures(wire({ severity_id: 7 }))[0], '$.severity_id: not in the enum');
    assert.deepEqual(departures(wire({ severity: 'Fatal' })), ['$.severity_id: caption is not High']);
    assert.deepEqual(departures(wire({ time: 1.5 })), ['$.time: not an integer']);
    assert.deepEqual(departures(wire({ actor: {} })), ['$.actor: belongs to an undeclared profile']);
    assert.deepEqual(departures(wire({ finding_info: undefined }))[0], '$.finding_info: required, absent');
  });
});

describe('the life of an alert', () => {
  const steps = [
    { revision: 1, status: 'open', activity: 'Create', ocsf: 'New', verdict: 'Unknown', alert: true },
    { revision: 2, status: 'open', activity: 'Update', ocsf: 'New', verdict: 'Unknown', alert: true },
    { revision: 3, status: 'closed', reason: 'quiet', activity: 'Close', ocsf: 'Archived', verdict: 'Unknown' },
    {
      revision: 3,
      status: 'closed',
      reason: 'true_positive',
      activity: 'Close',
      ocsf: 'Resolved',
      verdict: 'True Positive',
    },
    {
      revision: 3,
      status: 'closed',
      reason: 'false_positive',
      activity: 'Close',
      ocsf: 'Suppressed',
      verdict: 'False Positive',
    },
    {
      revision: 3,
      status: 'closed',
      reason: 'expected_change',
      activity: 'Close',
      ocsf: 'Suppressed',
      verdict: 'Benign',
    },
    { revision: 1, status: 'closed', reason: 'quiet', activity: 'Close', ocsf: 'Archived', verdict: 'Unknown' },
  ] as const;
  for (const step of steps) {
    const reason = 'reason' in step ? step.reason : undefined;
    it(`revision ${step.revision}, ${step.status} ${reason ?? ''} is ${step.activity}`, () => {
      const { revision, status } = step;
      const mapped = toOcsf(
        plainAlert({ revision, status, ...(reason === undefined ? {} : { closed_reason: reason }) }),
      );
      assert.equal(mapped.activity_name, step.activity);
      assert.equal(mapped.status, step.ocsf);
      assert.equal(mapped.verdict, step.verdict);
      assert.equal(mapped.is_alert, status === 'open');
    });
  }
});

describe('what an alert says', () => {
  const mapped = toOcsf(plainAlert());

  it('keeps observed and expected a pair, with the history behind it', () => {
    const [analysis] = mapped.anomaly_analyses ?? [];
    assert.equal(analysis?.anomalies[0]?.observation_parameter, 'bytes_out_hour (bytes)');
    assert.equal(analysis?.anomalies[0]?.observations[0]?.value, '432013312');
    assert.equal(analysis?.baselines[0]?.observations[0]?.value, '1363149');
    assert.equal(analysis?.baselines[0]?.observations[0]?.count, 18_204);
    assert.deepEqual(analysis?.baselines[0]?.observations[0]?.timespan, {
      duration: 27.5 * 86_400_000,
      type_id: 1,
      type: 'Milliseconds',
    });
  });

  it('says after them what each detector made of the strongest event, against what makes an alert', () => {
    assert.equal(mapped.anomaly_analyses?.length, 1, 'an alert of before that was kept has none');
    const explained = toOcsf(explainedAlert());
    const combined = explained.anomaly_analyses?.at(-1);
    assert.deepEqual(
      combined?.anomalies.map(({ observed_pattern, observations }) => [observed_pattern, observations[0]?.value]),
      [
        ['window_volume', '27.3'],
        ['tool_frequency', '4.4'],
      ],
    );
    assert.equal(combined?.baselines[0]?.observations[0]?.value, '14.5');
    assert.match(explained.risk_details, /Made of: window_volume 86 %, tool_frequency 14 %\.$/);
    const { contributions, grounds, strongest, impact, alternatives } = explainedAlert();
    const { countersign } = explained.unmapped;
    assert.deepEqual(
      [
        countersign.contributions,
        countersign.grounds,
        countersign.strongest,
        countersign.impact,
        countersign.alternatives,
      ],
      [contributions, grounds, strongest, impact, alternatives],
    );
  });

  it('names ATLAS techniques in attacks and OWASP ones in tags', () => {
    assert.equal(mapped.finding_info.attacks?.[0]?.technique.uid, 'AML.T0086');
    assert.deepEqual(mapped.finding_info.tags, [{ name: 'owasp_asi', values: ['ASI02 Tool Misuse and Exploitation'] }]);
    const sub = toOcsf(
      plainAlert({ techniques: [{ framework: 'mitre_atlas', id: 'AML.T0051.001', name: 'Indirect' }] }),
    );
    assert.deepEqual(sub.finding_info.attacks, [
      {
        technique: { uid: 'AML.T0051', src_url: 'https://atlas.mitre.org/techniques/AML.T0051' },
        sub_technique: {
          uid: 'AML.T0051.001',
          src_url: 'https://atlas.mitre.org/techniques/AML.T0051.001',
          name: 'Indirect',
        },
      },
    ]);
  });

  it('says who acted, with what, and which events show it', () => {
    assert.deepEqual(
      mapped.resources.map(({ role, uid }) => `${role} ${uid}`),
      ['Actor agent:invoice-triage-07', 'Target mail.send'],
    );
    assert.equal(mapped.evidences?.[0]?.uid, '5f2c9a0b7e61d4830c1a2b3c4d5e6f70');
    assert.equal(mapped.evidences?.[0]?.actor.session?.uid, 's-8841');
    assert.deepEqual(
      mapped.observables.map(({ type, value }) => [type, value]),
      [
        ['Resource UID', 'agent:invoice-triage-07'],
        ['User Object: uid', 'agent:invoice-triage-07'],
        ['User Credential ID', 'key-7c1d'],
        ['Session', 's-8841'],
      ],
    );
  });

  it('trusts a yardstick as far as it is the identity its own', () => {
    const confidence = (history: Partial<Alert['findings'][number]['history']>) => {
      const [finding] = plainAlert().findings;
      assert.ok(finding);
      return toOcsf(plainAlert({ findings: [{ ...finding, history: { ...finding.history, ...history } }] })).confidence;
    };
    assert.equal(confidence({}), 'High');
    assert.equal(confidence({ maturity: 'learning' }), 'Medium');
    assert.equal(confidence({ basis: 'peer_group' }), 'Medium');
    assert.equal(confidence({ basis: 'population' }), 'Low');
    assert.equal(toOcsf(plainAlert({ findings: [] })).confidence, 'Unknown');
  });

  it('says when it lists fewer findings than there are', () => {
    assert.equal(mapped.metadata.is_truncated, false);
    assert.equal(toOcsf(plainAlert({ finding_count: 40 })).metadata.is_truncated, true);
  });

  it('carries the version of the package', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.equal(PRODUCT.version, manifest.version);
  });
});

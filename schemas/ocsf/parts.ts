import type { Alert } from '../alert.ts';
import type { IdentityKind } from '../event.ts';
import type { EvidenceRef, Family, Finding, Measure } from '../finding.ts';
import { UNITS } from '../limits.ts';
import { type OcsfDetectionFinding, USER_TYPES } from './detection-finding.ts';

/** The objects inside an OCSF Detection Finding, each from the alert alone. */

type Evidences = NonNullable<OcsfDetectionFinding['evidences']>;
type Analyses = NonNullable<OcsfDetectionFinding['anomaly_analyses']>;
type FindingInfo = OcsfDetectionFinding['finding_info'];
type Observables = OcsfDetectionFinding['observables'];

const OBSERVATION_TYPES: Readonly<Record<Family, string>> = {
  data_volume: 'Volume Analysis',
  retrieval_pattern: 'Distribution Analysis',
  tool_usage: 'Frequency Analysis',
  access_context: 'Distribution Analysis',
  silence: 'Frequency Analysis',
  several_identities: 'Frequency Analysis',
};

const USER_TYPE_IDS: Readonly<Record<IdentityKind, keyof typeof USER_TYPES>> = {
  agent: 99,
  service: 4,
  api_key: 4,
  workload: 4,
  human: 1,
  unknown: 0,
};

/** Subjects of findings that are things an identity touched; a volume or an operation is not a resource. */
const RESOURCE_SUBJECTS: ReadonlySet<string> = new Set(['tool', 'server', 'resource', 'store', 'recipient']);

const ATLAS_TECHNIQUE = /^AML\.T\d{4}$/;
const ATLAS_SUB_TECHNIQUE = /^(AML\.T\d{4})\.\d{3}$/;

export function findingInfo(alert: Alert): FindingInfo {
  const attacks = attacksOf(alert);
  const asi = alert.techniques.filter((technique) => technique.framework === 'owasp_asi');
  const analytics = new Map(alert.findings.map((finding) => [finding.detector, finding.family]));
  return {
    uid: alert.uid,
    title: alert.title,
    desc: alert.summary,
    types: [...new Set(alert.findings.map((finding) => finding.pattern))],
    created_time: alert.created,
    modified_time: alert.updated,
    first_seen_time: alert.first_time,
    last_seen_time: alert.last_time,
    analytic: {
      uid: 'countersign.behavioural_baseline',
      name: 'Behavioural baseline of an AI agent identity',
      type_id: 2,
      type: 'Behavioral',
    },
    ...(analytics.size === 0
      ? {}
      : {
          related_analytics: [...analytics].map(([detector, family]) => ({
            uid: detector,
            name: detector,
            category: family,
            type_id: 3 as const,
            type: 'Statistical' as const,
          })),
        }),
    ...(attacks.length === 0 ? {} : { attacks }),
    ...(asi.length === 0
      ? {}
      : { tags: [{ name: 'owasp_asi', values: asi.map((technique) => `${technique.id} ${technique.name}`) }] }),
    ...(alert.findings.length === 0 ? {} : { traits: alert.findings.map(traitOf) }),
    data_sources: ['agent.audit.events'],
  };
}

function traitOf(finding: Finding) {
  return { uid: finding.id, name: finding.pattern, category: finding.family, values: [finding.sentence] };
}

/** ATLAS ids stand in `attacks` as OCSF has it since 1.5; `AML.T0051.001` is technique and sub-technique. */
function attacksOf(alert: Alert): NonNullable<FindingInfo['attacks']> {
  return alert.techniques
    .filter((technique) => technique.framework === 'mitre_atlas')
    .map(({ id, name }) => {
      const parent = ATLAS_SUB_TECHNIQUE.exec(id)?.[1];
      if (parent !== undefined) return { technique: atlas(parent), sub_technique: { ...atlas(id), name } };
      return { technique: { ...atlas(id), name } };
    });
}

function atlas(id: string): { uid: string; src_url?: string } {
  const known = ATLAS_TECHNIQUE.test(id) || ATLAS_SUB_TECHNIQUE.test(id);
  return known ? { uid: id, src_url: `https://atlas.mitre.org/techniques/${id}` } : { uid: id };
}

/** One analysis a finding, so that an anomaly and the baseline it departs from stay a pair. */
export function anomalyAnalyses(alert: Alert): Analyses {
  return [...alert.findings.map((finding) => analysisOf(alert, finding)), ...combinedAnalysis(alert)];
}

/** What each detector made of the strongest event, against what makes an alert. */
function combinedAnalysis({ identity, contributions = [], strongest, alert_bits, findings }: Alert): Analyses {
  if (contributions.length === 0 || strongest === undefined || alert_bits === undefined) return [];
  const { time } = strongest;
  const span = { start_time: time, end_time: time, type_id: 9, type: 'Time Interval' } as const;
  const observation_type = 'Combined Analysis';
  return [
    {
      analysis_targets: [{ name: identity.id, type: identity.kind }],
      anomalies: contributions.map(({ detector, bits }) => ({
        observation_parameter: 'contribution to the surprise (bits)',
        observation_type,
        observed_pattern: detector,
        observations: [{ value: String(bits), count: 1, timespan: span }],
      })),
      baselines: [
        {
          observation_parameter: 'surprise that makes an alert (bits)',
          observation_type,
          observed_pattern: 'alert budget',
          observations: [{ value: String(alert_bits), count: findings[0]?.history.events ?? 0, timespan: span }],
        },
      ],
    },
  ];
}

function analysisOf(alert: Alert, finding: Finding): Analyses[number] {
  return {
    analysis_targets: [{ name: alert.identity.id, type: alert.identity.kind }],
    anomalies: [
      {
        observation_parameter: parameterOf(finding.observed),
        observation_type: OBSERVATION_TYPES[finding.family],
        observed_pattern: finding.pattern,
        observations: [
          {
            value: String(finding.observed.value),
            count: finding.evidence.length,
            timespan: { ...spanOf(finding.evidence), type_id: 9, type: 'Time Interval' },
          },
        ],
      },
    ],
    baselines: [
      {
        observation_parameter: parameterOf(finding.expected),
        observation_type: OBSERVATION_TYPES[finding.family],
        observed_pattern: `${finding.history.basis}, ${finding.history.maturity}`,
        observations: [
          {
            value: String(finding.expected.value),
            count: finding.history.events,
            timespan: {
              duration: Math.min(Number.MAX_SAFE_INTEGER, Math.round(finding.history.days * UNITS.DAY_MS)),
              type_id: 1,
              type: 'Milliseconds',
            },
          },
        ],
      },
    ],
  };
}

function parameterOf(measure: Measure): string {
  return measure.unit === undefined ? measure.name : `${measure.name} (${measure.unit})`;
}

function spanOf(evidence: readonly EvidenceRef[]): { start_time: number; end_time: number } {
  const times = evidence.map((ref) => ref.time);
  return { start_time: Math.min(...times), end_time: Math.max(...times) };
}

export function evidences(alert: Alert): Evidences {
  const sessions = new Map<string, string>();
  for (const finding of alert.findings) {
    if (finding.session === undefined) continue;
    for (const ref of finding.evidence) sessions.set(ref.key, finding.session);
  }
  const user = userOf(alert);
  return alert.evidence.map((ref) => {
    const session = sessions.get(ref.key);
    return {
      uid: ref.key,
      name: 'audit_event',
      actor: { user, ...(session === undefined ? {} : { session: { uid: session } }) },
      data: { id: ref.id, time: ref.time },
    };
  });
}

function userOf({ identity }: Alert): Evidences[number]['actor']['user'] {
  const type = USER_TYPE_IDS[identity.kind];
  return {
    uid: identity.id,
    ...(identity.name === undefined ? {} : { name: identity.name }),
    type_id: type,
    type: USER_TYPES[type],
    ...(identity.peer_group === undefined ? {} : { groups: [{ name: identity.peer_group }] }),
    ...(identity.credential === undefined ? {} : { programmatic_credentials: [{ uid: identity.credential }] }),
  };
}

export function resources(alert: Alert): OcsfDetectionFinding['resources'] {
  const { identity } = alert;
  const actor = {
    uid: identity.id,
    name: identity.name ?? identity.id,
    type: identity.kind,
    role_id: 2 as const,
    role: 'Actor' as const,
    ...(identity.version === undefined ? {} : { version: identity.version }),
    ...(identity.owner === undefined ? {} : { owner: { name: identity.owner } }),
    ...(identity.peer_group === undefined ? {} : { group: { name: identity.peer_group } }),
  };
  const touched = new Map<string, { kind: string; value: string }>();
  for (const { subject } of alert.findings) {
    if (subject === undefined || !RESOURCE_SUBJECTS.has(subject.kind)) continue;
    touched.set(`${subject.kind}\u0000${subject.value}`, subject);
  }
  const targets = [...touched.values()].map(({ kind, value }) => ({
    uid: value,
    name: value,
    type: kind,
    role_id: 1 as const,
    role: 'Target' as const,
  }));
  return [actor, ...targets];
}

/** Pivots for a search: who, with which credential, in which sessions of the evidence. */
export function observables(alert: Alert, evidence: Evidences): Observables {
  const { identity } = alert;
  const found: Observables = [{ name: 'resources[0].uid', type_id: 10, type: 'Resource UID', value: identity.id }];
  if (evidence.length === 0) return found;
  found.push({ name: 'evidences[].actor.user.uid', type_id: 31, type: 'User Object: uid', value: identity.id });
  if (identity.credential !== undefined) {
    found.push({
      name: 'evidences[].actor.user.programmatic_credentials[].uid',
      type_id: 19,
      type: 'User Credential ID',
      value: identity.credential,
    });
  }
  const sessions = new Set(evidence.flatMap(({ actor }) => (actor.session === undefined ? [] : [actor.session.uid])));
  for (const value of sessions) {
    found.push({ name: 'evidences[].actor.session.uid', type_id: 99, type: 'Session', value });
  }
  return found;
}

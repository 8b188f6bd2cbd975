import { z } from 'zod';
import { AlertMember, Alternative, Recommendation } from '../alert.ts';
import { Impact, SeverityGround, StrongestEvent } from '../alert-facts.ts';
import { Contribution, Finding } from '../finding.ts';

/**
 * The part of OCSF 1.8.0's Detection Finding (https://schema.ocsf.io/1.8.0/classes/detection_finding, class 2004, with
 * the `incident` profile) that Countersign emits. Exact: an attribute not named here is never written, and every name
 * here is OCSF's own. What OCSF has no word for stands in `unmapped.countersign`.
 *
 * Times are epoch milliseconds (`timestamp_t`); an `*_id` number and the caption beside it always agree.
 */

export const OCSF_VERSION = '1.8.0';
export const CLASS_UID = 2004;

export const ACTIVITIES = { 1: 'Create', 2: 'Update', 3: 'Close' } as const;
export const OCSF_SEVERITIES = { 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical' } as const;
export const STATUSES = { 1: 'New', 3: 'Suppressed', 4: 'Resolved', 5: 'Archived' } as const;
export const CONFIDENCES = { 0: 'Unknown', 1: 'Low', 2: 'Medium', 3: 'High' } as const;
export const RISK_LEVELS = { 1: 'Low', 2: 'Medium', 3: 'High', 4: 'Critical' } as const;
export const OCSF_VERDICTS = { 0: 'Unknown', 1: 'False Positive', 2: 'True Positive', 5: 'Benign' } as const;
export const USER_TYPES = { 0: 'Unknown', 1: 'User', 4: 'Service', 99: 'AI Agent' } as const;

const timestamp = () => z.int();
const nonEmpty = () => z.string().min(1);
const optionalText = () => z.string().optional();

type Captions = Readonly<Record<number, string>>;
const ids = <T extends Captions>(table: T) => z.literal(Object.keys(table).map(Number) as (keyof T & number)[]);
const captions = <T extends Captions>(table: T) => z.literal(Object.values(table) as T[keyof T & number][]);

const User = z.strictObject({
  uid: z.string(),
  name: optionalText(),
  type_id: ids(USER_TYPES),
  type: captions(USER_TYPES),
  groups: z.array(z.strictObject({ name: z.string() })).optional(),
  programmatic_credentials: z.array(z.strictObject({ uid: z.string() })).optional(),
});

const Evidence = z.strictObject({
  /** Canonical event key: `GET /v1/events` and the stored rows know the event by it. */
  uid: z.string(),
  name: z.literal('audit_event'),
  actor: z.strictObject({ user: User, session: z.strictObject({ uid: z.string() }).optional() }),
  /** The source's own id of the event and its time. */
  data: z.strictObject({ id: z.string(), time: timestamp() }),
});

const Observation = z.strictObject({
  value: z.string(),
  count: z.int().min(0),
  timespan: z.union([
    z.strictObject({
      start_time: timestamp(),
      end_time: timestamp(),
      type_id: z.literal(9),
      type: z.literal('Time Interval'),
    }),
    z.strictObject({ duration: z.int().min(0), type_id: z.literal(1), type: z.literal('Milliseconds') }),
  ]),
});

/** OCSF gives an anomaly and a baseline the same four attributes. */
const Observed = z.strictObject({
  observation_parameter: z.string(),
  observation_type: nonEmpty(),
  observed_pattern: z.string(),
  observations: z.array(Observation).min(1),
});

const AnomalyAnalysis = z.strictObject({
  analysis_targets: z.array(z.strictObject({ name: z.string(), type: z.string() })).min(1),
  anomalies: z.array(Observed).min(1),
  baselines: z.array(Observed).min(1),
});

const Technique = z.strictObject({ uid: z.string(), name: optionalText(), src_url: z.url().optional() });
const Attack = z.strictObject({ technique: Technique, sub_technique: Technique.optional() });

const Analytic = z.strictObject({
  uid: z.string(),
  name: z.string(),
  category: optionalText(),
  type_id: z.literal([2, 3]),
  type: z.literal(['Behavioral', 'Statistical']),
});

const FindingInfo = z.strictObject({
  /** The alert's uid: the same through create, update and close. */
  uid: z.string(),
  title: z.string(),
  desc: z.string(),
  types: z.array(z.string()),
  created_time: timestamp(),
  modified_time: timestamp(),
  first_seen_time: timestamp(),
  last_seen_time: timestamp(),
  analytic: Analytic,
  related_analytics: z.array(Analytic).optional(),
  attacks: z.array(Attack).optional(),
  tags: z.array(z.strictObject({ name: nonEmpty(), values: z.array(z.string()).min(1) })).optional(),
  /** One trait a finding: its pattern, its id, its family and its sentence. */
  traits: z
    .array(
      z.strictObject({ uid: z.string(), name: z.string(), category: z.string(), values: z.array(z.string()).min(1) }),
    )
    .optional(),
  data_sources: z.array(z.string()).min(1),
});

const Metadata = z.strictObject({
  version: z.literal(OCSF_VERSION),
  profiles: z.tuple([z.literal('incident')]),
  product: z.strictObject({ name: nonEmpty(), uid: nonEmpty(), vendor_name: nonEmpty(), version: nonEmpty() }),
  /** Unique for each revision: `<alert uid>:<revision>`. */
  uid: z.string(),
  correlation_uid: z.string(),
  /** The revision: orders the events of one alert whatever their times say. */
  sequence: z.int().min(1),
  tenant_uid: z.string(),
  log_name: nonEmpty(),
  /** True when the alert has more findings than are listed. */
  is_truncated: z.boolean(),
});

const Resource = z.strictObject({
  uid: z.string(),
  name: z.string(),
  type: z.string(),
  role_id: z.literal([1, 2]),
  role: z.literal(['Target', 'Actor']),
  version: optionalText(),
  owner: z.strictObject({ name: z.string() }).optional(),
  group: z.strictObject({ name: z.string() }).optional(),
});

const Observable = z.strictObject({
  name: nonEmpty(),
  type_id: z.literal([10, 19, 31, 99]),
  type: z.literal(['Resource UID', 'User Credential ID', 'User Object: uid', 'Session']),
  value: z.string(),
});

const Unmapped = z.strictObject({
  countersign: z.strictObject({
    revision: z.int().min(1),
    bits: z.number(),
    sessions: z.array(z.string()),
    recommendation: Recommendation,
    /** The optional facts of the alert, as it holds them. */
    alternatives: z.array(Alternative).optional(),
    grounds: z.array(SeverityGround).optional(),
    alert_bits: z.number().optional(),
    reached_per_1000: z.number().optional(),
    contributions: z.array(Contribution).optional(),
    strongest: StrongestEvent.optional(),
    impact: Impact.optional(),
    /** Of a story over several identities: all of them, and what each did. */
    identities: z.array(AlertMember).optional(),
    /** Findings with their numbers as numbers; evidence and sentence stand in `evidences` and `traits`. */
    findings: z.array(Finding.omit({ evidence: true, sentence: true })),
  }),
});

export const OcsfDetectionFinding = z.strictObject({
  activity_id: ids(ACTIVITIES),
  activity_name: captions(ACTIVITIES),
  category_uid: z.literal(2),
  category_name: z.literal('Findings'),
  class_uid: z.literal(CLASS_UID),
  class_name: z.literal('Detection Finding'),
  /** class_uid * 100 + activity_id. */
  type_uid: z.literal([200401, 200402, 200403]),
  type_name: z.literal(['Detection Finding: Create', 'Detection Finding: Update', 'Detection Finding: Close']),
  time: timestamp(),
  start_time: timestamp(),
  end_time: timestamp(),
  /** Findings in the alert, listed or not. */
  count: z.int(),
  severity_id: ids(OCSF_SEVERITIES),
  severity: captions(OCSF_SEVERITIES),
  status_id: ids(STATUSES),
  status: captions(STATUSES),
  status_code: nonEmpty(),
  status_detail: nonEmpty(),
  verdict_id: ids(OCSF_VERDICTS),
  verdict: captions(OCSF_VERDICTS),
  confidence_id: ids(CONFIDENCES),
  confidence: captions(CONFIDENCES),
  risk_level_id: ids(RISK_LEVELS),
  risk_level: captions(RISK_LEVELS),
  /** Surprise of the strongest event in bits, rounded, from 0 to 100. */
  risk_score: z.int().min(0).max(100),
  risk_details: nonEmpty(),
  is_alert: z.boolean(),
  message: z.string(),
  metadata: Metadata,
  finding_info: FindingInfo,
  /** One for each listed finding, strongest first; after them what each detector made of the strongest event. */
  anomaly_analyses: z.array(AnomalyAnalysis).optional(),
  evidences: z.array(Evidence).optional(),
  /** The identity first (role Actor), then what the findings are about (role Target). */
  resources: z.array(Resource).min(1),
  remediation: z.strictObject({ desc: nonEmpty() }),
  observables: z.array(Observable).min(1),
  unmapped: Unmapped,
});
export type OcsfDetectionFinding = z.infer<typeof OcsfDetectionFinding>;

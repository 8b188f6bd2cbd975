import type { Alert } from '../alert.ts';
import {
  ACTIVITIES,
  CLASS_UID,
  CONFIDENCES,
  OCSF_SEVERITIES,
  OCSF_VERDICTS,
  OCSF_VERSION,
  type OcsfDetectionFinding,
  RISK_LEVELS,
  STATUSES,
} from './detection-finding.ts';
import { anomalyAnalyses, evidences, findingInfo, observables, resources } from './parts.ts';
import { PRODUCT } from './product.ts';

const SEVERITY_IDS = { low: 2, medium: 3, high: 4, critical: 5 } as const;
const RISK_LEVEL_IDS = { low: 1, medium: 2, high: 3, critical: 4 } as const;

/** How an alert ended, in OCSF's words: only a person's verdict makes it `Resolved` or `Suppressed`. */
const ENDS = {
  quiet: {
    status_id: 5,
    verdict_id: 0,
    detail: 'Closed: the identity has been quiet for as long as an alert stays open.',
  },
  resumed: { status_id: 5, verdict_id: 0, detail: 'Closed: the identity that had fallen silent is heard of again.' },
  true_positive: { status_id: 4, verdict_id: 2, detail: 'Closed by an analyst: true positive.' },
  false_positive: { status_id: 3, verdict_id: 1, detail: 'Closed by an analyst: false positive.' },
  expected_change: { status_id: 3, verdict_id: 5, detail: 'Closed by an analyst: an expected change.' },
} as const;
const OPEN = { status_id: 1, verdict_id: 0, detail: 'Open: more findings of the same story will update it.' } as const;

/**
 * One revision of an alert as an OCSF 1.8.0 Detection Finding. Total: every valid alert has exactly one, and the same
 * alert has the same bytes under JSON.stringify on any machine, because key order is the order written here.
 */
export function toOcsf(alert: Alert): OcsfDetectionFinding {
  const activity = activityOf(alert);
  const evidence = evidences(alert);
  const analyses = anomalyAnalyses(alert);
  return {
    activity_id: activity,
    activity_name: ACTIVITIES[activity],
    category_uid: 2,
    category_name: 'Findings',
    class_uid: CLASS_UID,
    class_name: 'Detection Finding',
    type_uid: TYPE_UIDS[activity],
    type_name: `Detection Finding: ${ACTIVITIES[activity]}`,
    time: alert.updated,
    start_time: alert.first_time,
    end_time: alert.last_time,
    count: alert.finding_count,
    ...grading(alert),
    is_alert: alert.status === 'open',
    message: alert.summary,
    metadata: metadata(alert),
    finding_info: findingInfo(alert),
    ...(analyses.length === 0 ? {} : { anomaly_analyses: analyses }),
    ...(evidence.length === 0 ? {} : { evidences: evidence }),
    resources: resources(alert),
    remediation: { desc: remediation(alert) },
    observables: observables(alert, evidence),
    unmapped: { countersign: unmapped(alert) },
  };
}

/** The wire form: what a webhook body, a pulled item and a line of `alerts.ndjson` are made of. No newline inside. */
export function ocsfJson(alert: Alert): string {
  return JSON.stringify(toOcsf(alert));
}

const TYPE_UIDS = { 1: 200401, 2: 200402, 3: 200403 } as const;

function activityOf(alert: Alert): keyof typeof ACTIVITIES {
  if (alert.status === 'closed') return 3;
  return alert.revision === 1 ? 1 : 2;
}

function grading(alert: Alert) {
  const severity = SEVERITY_IDS[alert.severity];
  const risk = RISK_LEVEL_IDS[alert.severity];
  const end = alert.status === 'open' ? OPEN : ENDS[alert.closed_reason ?? 'quiet'];
  const confidence = confidenceOf(alert);
  return {
    severity_id: severity,
    severity: OCSF_SEVERITIES[severity],
    status_id: end.status_id,
    status: STATUSES[end.status_id],
    status_code: alert.status === 'open' ? 'open' : (alert.closed_reason ?? 'closed'),
    status_detail: end.detail,
    verdict_id: end.verdict_id,
    verdict: OCSF_VERDICTS[end.verdict_id],
    confidence_id: confidence,
    confidence: CONFIDENCES[confidence],
    risk_level_id: risk,
    risk_level: RISK_LEVELS[risk],
    risk_score: Math.min(100, Math.max(0, Math.round(alert.bits))),
    risk_details: `Surprise of the strongest event: ${alert.bits.toFixed(1)} bits (-log2 of its tail probability).${madeOf(alert)}`,
  } as const;
}

/** `Made of: window_volume 61 %, tool_transition 20 %.` */
function madeOf({ contributions = [] }: Alert): string {
  if (contributions.length === 0) return '';
  return ` Made of: ${contributions.map(({ detector, share }) => `${detector} ${Math.round(share * 100)} %`).join(', ')}.`;
}

/** A surprise is as trustworthy as the yardstick of the strongest finding: own and mature, the group's, or anyone's. */
function confidenceOf(alert: Alert): keyof typeof CONFIDENCES {
  const history = alert.findings[0]?.history;
  if (history === undefined) return 0;
  if (history.basis === 'population') return 1;
  return history.basis === 'identity' && history.maturity === 'mature' ? 3 : 2;
}

function metadata(alert: Alert): OcsfDetectionFinding['metadata'] {
  return {
    version: OCSF_VERSION,
    profiles: ['incident'],
    product: { ...PRODUCT },
    uid: `${alert.uid}:${alert.revision}`,
    correlation_uid: alert.uid,
    sequence: alert.revision,
    tenant_uid: alert.tenant,
    log_name: 'agent.alerts',
    is_truncated: alert.finding_count > alert.findings.length,
  };
}

function remediation({ recommendation }: Alert): string {
  return (
    `Recommended: ${recommendation.action} on ${recommendation.target}. ${recommendation.reason} ` +
    'It is a proposal: nothing runs before the required number of people has countersigned it.'
  );
}

function unmapped(alert: Alert): OcsfDetectionFinding['unmapped']['countersign'] {
  return {
    revision: alert.revision,
    bits: alert.bits,
    sessions: alert.sessions,
    recommendation: alert.recommendation,
    ...factsOf(alert),
    ...(alert.identities === undefined ? {} : { identities: alert.identities }),
    findings: alert.findings.map(({ evidence: _evidence, sentence: _sentence, ...numbers }) => numbers),
  };
}

function factsOf({ alternatives, grounds, alert_bits, reached_per_1000, contributions, strongest, impact }: Alert) {
  return {
    ...(alternatives === undefined ? {} : { alternatives }),
    ...(grounds === undefined ? {} : { grounds }),
    ...(alert_bits === undefined ? {} : { alert_bits }),
    ...(reached_per_1000 === undefined ? {} : { reached_per_1000 }),
    ...(contributions === undefined ? {} : { contributions }),
    ...(strongest === undefined ? {} : { strongest }),
    ...(impact === undefined ? {} : { impact }),
  };
}

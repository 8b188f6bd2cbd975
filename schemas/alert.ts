import { z } from 'zod';
import { Impact, SeverityGround, StrongestEvent } from './alert-facts.ts';
import { AlertIdentity, Contribution, EvidenceRef, Finding } from './finding.ts';
import { VERDICTS } from './verdict.ts';

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export const Severity = z.enum(SEVERITIES);
export type Severity = z.infer<typeof Severity>;

export const CONTAINMENT_ACTIONS = [
  'restrict_tool',
  'restrict_data_class',
  'quarantine_session',
  'revoke_credential',
  'suspend_agent',
] as const;
export const ContainmentAction = z.enum(CONTAINMENT_ACTIONS);
export type ContainmentAction = z.infer<typeof ContainmentAction>;

/** What Countersign recommends. It is a proposal: nothing runs before humans countersign it (promise P5). */
export const Recommendation = z.object({
  action: ContainmentAction,
  /** The tool, data class, session, credential or identity that the action is about. */
  target: z.string(),
  parameters: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.string()),
  reason: z.string(),
});
export type Recommendation = z.infer<typeof Recommendation>;

/** Another containment that was weighed, and what speaks against it. */
export const Alternative = z.object({
  action: ContainmentAction,
  /** Absent where the events name none. */
  target: z.string().optional(),
  why_not: z.string(),
});
export type Alternative = z.infer<typeof Alternative>;

export const Technique = z.object({
  framework: z.enum(['mitre_atlas', 'owasp_asi']),
  id: z.string(),
  name: z.string(),
});
export type Technique = z.infer<typeof Technique>;

/** What one of several identities did in a story that they share. */
export const AlertMember = z.object({
  identity: AlertIdentity,
  /** Event time of the first and last of it. Epoch milliseconds. */
  first_time: z.int(),
  last_time: z.int(),
  /** Surprise of its strongest event, in bits. */
  bits: z.number(),
  /** What was found about it by itself, bounded. */
  did: z.array(z.string()),
  /** Who of those before handed work to it. */
  handed_by: z.string().optional(),
  sessions: z.array(z.string()),
  /** Alerts that it has of its own. */
  alert_uids: z.array(z.string()),
  evidence: z.array(EvidenceRef),
});
export type AlertMember = z.infer<typeof AlertMember>;

/** What a human sees: findings on one identity grouped into one story, one stable uid through create, update, close. */
export const Alert = z.object({
  /** Hash of tenant, identity and the first finding: the same alert has the same uid in every run. */
  uid: z.string(),
  /** Starts at 1 and grows by 1 with every change. (uid, revision) names one immutable state. */
  revision: z.int().min(1),
  status: z.enum(['open', 'closed']),
  /** `resumed`: an identity that had fallen silent is heard of again. */
  closed_reason: z.enum(['quiet', 'resumed', ...VERDICTS]).optional(),
  tenant: z.string(),
  identity: AlertIdentity,
  /** Where the story is of several identities: all of them, in the order in which they came in. The first is `identity`. */
  identities: z.array(AlertMember).optional(),
  sessions: z.array(z.string()),
  severity: Severity,
  /** What the severity is made of. Like everything optional below, absent from alerts of before there was such a thing. */
  grounds: z.array(SeverityGround).optional(),
  /** Surprise of the strongest event, in bits. */
  bits: z.number(),
  /** What made an alert when the strongest event came, in bits. */
  alert_bits: z.number().optional(),
  /** Of 1,000 identity-days of the fleet, how many reach as many bits: 0.1 to 1,000. Absent while the fleet is not known. */
  reached_per_1000: z.number().optional(),
  /** What each detector made of the score of the strongest event, loudest first. */
  contributions: z.array(Contribution).optional(),
  strongest: StrongestEvent.optional(),
  impact: Impact.optional(),
  /** Log clock of creation and of this revision; event time of first and last finding. Epoch milliseconds. */
  created: z.int(),
  updated: z.int(),
  first_time: z.int(),
  last_time: z.int(),
  title: z.string(),
  summary: z.string(),
  /** The strongest findings, strongest first, bounded; the count is of all. */
  findings: z.array(Finding),
  finding_count: z.int(),
  evidence: z.array(EvidenceRef),
  recommendation: Recommendation,
  alternatives: z.array(Alternative).optional(),
  techniques: z.array(Technique),
});
export type Alert = z.infer<typeof Alert>;

import type { Alert, Severity } from '../schemas/alert.ts';
import type { AlertIdentity, Finding } from '../schemas/finding.ts';
import { type Case, proposalFor } from './containment.ts';
import { describeFailure, failureOf } from './effect-alert.ts';
import { sensitivityOf } from './features.ts';
import { name, plural } from './sentences.ts';
import { severityOf } from './severity.ts';
import { techniquesOf } from './techniques.ts';
import { retooled } from './tool-usage/retooled.ts';

/**
 * From findings to what a person reads first: title, summary, severity, and the containment worth proposing. Pure
 * rules over patterns; nothing here runs anything (promise P5).
 */
export type AlertFacts = {
  readonly identity: AlertIdentity;
  readonly findings: readonly Finding[];
  /** The session at hand, and how many the story runs through. */
  readonly session?: string;
  readonly sessions?: number;
  readonly credential?: string;
  /** Of the strongest event, and of all together; without them the findings alone are judged. */
  readonly scored?: Pick<Alert, 'bits' | 'alert_bits' | 'impact'>;
};

export type AlertDescription = Pick<
  Alert,
  'title' | 'summary' | 'severity' | 'grounds' | 'recommendation' | 'alternatives' | 'techniques'
>;

/** What a story is about; decides the proposal. */
export type Theme = 'exfiltration' | 'collection' | 'probing' | 'reach' | 'misuse' | 'access' | 'silence' | 'hijack';

const THEMES: Readonly<Record<string, Theme>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, Theme>, {
    volume_event: 'exfiltration',
    volume_minute: 'exfiltration',
    volume_hour: 'exfiltration',
    volume_day: 'exfiltration',
    volume_session: 'exfiltration',
    low_and_slow: 'exfiltration',
    egress_hour: 'exfiltration',
    egress_day: 'exfiltration',
    egress_session: 'exfiltration',
    egress_drift: 'exfiltration',
    resource_breadth: 'collection',
    resource_sweep: 'collection',
    first_seen_store: 'collection',
    rare_store: 'collection',
    denial_burst: 'probing',
    error_burst: 'probing',
    sensitivity_reached: 'reach',
    sensitivity_creep: 'reach',
    first_seen_classification: 'reach',
    rare_classification: 'reach',
    first_seen_tool: 'misuse',
    rare_tool: 'misuse',
    new_operation: 'misuse',
    rare_operation: 'misuse',
    first_seen_server: 'misuse',
    rare_server: 'misuse',
    argument_size: 'misuse',
    call_rate: 'misuse',
    tool_mix_shift: 'misuse',
    store_mix_shift: 'collection',
    first_seen_address: 'access',
    rare_address: 'access',
    first_seen_network: 'access',
    rare_network: 'access',
    first_seen_workload: 'access',
    rare_workload: 'access',
    first_seen_credential: 'access',
    rare_credential: 'access',
    foreign_credential: 'access',
    first_seen_credential_kind: 'access',
    rare_credential_kind: 'access',
    unusual_hour: 'access',
    two_places: 'access',
    first_seen_version: 'misuse',
    first_seen_tool_version: 'misuse',
    tool_set_change: 'misuse',
    gone_silent: 'silence',
  }),
);

const TITLES: Readonly<Record<Theme, string>> = {
  exfiltration: 'moves more data than usual',
  collection: 'sweeps through resources it does not usually touch',
  probing: 'runs into refusals and errors',
  reach: 'reaches data more sensitive than usual',
  misuse: 'uses tools in a way it usually does not',
  access: 'acts with a credential, from a place or at a time it usually does not',
  silence: 'has fallen silent',
  hijack: 'acts out of line with its usual work',
};

const SWEEPING: ReadonlySet<string> = new Set(['resource_sweep', 'resource_breadth']);

/** One new store is no sweep. */
function titleOf(findings: readonly Finding[], theme: Theme): string {
  const touches = theme === 'collection' && !findings.some(({ pattern }) => SWEEPING.has(pattern));
  return touches ? 'touches what it does not usually touch' : TITLES[theme];
}

/** Describes an alert. @throws RangeError without findings: an alert has at least one. */
export function describeAlert(facts: AlertFacts): AlertDescription {
  const findings = [...facts.findings].sort((a, b) => b.bits - a.bits);
  const strongest = findings[0];
  if (strongest === undefined) throw new RangeError('an alert without findings');
  const theme = themeOf(findings);
  const { bits, alert_bits, impact } = facts.scored ?? { bits: strongest.bits };
  const level = { findings, themeOf: themeOfPattern, bits, alert_bits: alert_bits ?? bits, impact };
  const techniques = techniquesOf(findings.map((finding) => finding.pattern));
  const failure = failureOf(findings);
  if (failure !== undefined) return { ...describeFailure(facts, failure, level), techniques };
  const { severity, grounds } = severityOf(level);
  const who = name(facts.identity.name ?? facts.identity.id);
  return {
    title: `${who} ${titleOf(findings, theme)}${subjectOf(findings, theme)}`,
    summary: [summaryOf(findings, strongest), retooled(findings, facts.identity.version) ?? ''].join(' ').trim(),
    severity,
    grounds,
    ...proposalFor(caseOf(facts, findings, theme, severity)),
    techniques,
  };
}

function themeOfPattern(pattern: string): Theme {
  return THEMES[pattern] ?? 'hijack';
}

/** The theme that carries most surprise, by its strongest pattern and half of the others. `findings`: the strongest first. */
function themeOf(findings: readonly Finding[]): Theme {
  const weights = new Map<Theme, number>();
  const counted = new Set<string>();
  for (const { pattern, bits } of findings) {
    if (counted.has(pattern)) continue;
    counted.add(pattern);
    const theme = themeOfPattern(pattern);
    const known = weights.get(theme);
    const weight = HOW_MUCH.has(pattern) ? Math.min(bits, HOW_MUCH_BITS_MAX) : bits;
    // What is said of the access is said once each, and adds to the rest (combine.ts).
    const more = theme === 'access' ? weight : weight / 2;
    weights.set(theme, known === undefined ? weight : known + more);
  }
  let best: Theme = 'hijack';
  for (const [theme, weight] of weights) if (weight > (weights.get(best) ?? 0)) best = theme;
  return best;
}

/** They say how much is done, and leave what it is to others where those have more than a little to say. */
const HOW_MUCH: ReadonlySet<string> = new Set(['call_rate', 'tool_mix_shift', 'store_mix_shift']);
const HOW_MUCH_BITS_MAX = 8;

/** What the title of a theme names, where it is not what was touched. */
const SUBJECTS: Readonly<Partial<Record<Theme, readonly string[]>>> = {
  misuse: ['tool', 'server', 'operation'],
  access: ['credential', 'network', 'address', 'workload', 'credential_kind', 'hour'],
};

/** The tool, resource or place that the title names. */
function subjectOf(findings: readonly Finding[], theme: Theme): string {
  const kinds = SUBJECTS[theme] ?? ['resource', 'classification', 'tool', 'store'];
  const named = findings.find((finding) => finding.subject !== undefined && kinds.includes(finding.subject.kind));
  return named?.subject === undefined ? '' : `: ${name(named.subject.value)}`;
}

const SENTENCES_MAX = 3;

function summaryOf(findings: readonly Finding[], strongest: Finding): string {
  const patterns = new Set<string>();
  const sentences: string[] = [];
  for (const finding of findings) {
    if (patterns.has(finding.pattern) || sentences.length === SENTENCES_MAX) continue;
    patterns.add(finding.pattern);
    sentences.push(finding.sentence);
  }
  const { history } = strongest;
  const basis =
    history.maturity === 'learning'
      ? ` This identity is still being learned (${plural(history.sessions, 'session', 'sessions')}), so its peers are the yardstick as well.`
      : '';
  return sentences.join(' ') + basis;
}

function isSensitive({ pattern, subject }: Finding): boolean {
  return pattern === 'sensitivity_reached' || (subject?.kind === 'classification' && sensitivityOf(subject.value) >= 2);
}

function caseOf(facts: AlertFacts, findings: readonly Finding[], theme: Theme, severity: Severity): Case {
  return {
    theme,
    severity,
    identity: facts.identity.id,
    tool: findings.find((finding) => finding.subject?.kind === 'tool')?.subject?.value,
    sensitive: findings.find(isSensitive)?.subject?.value,
    session: facts.session,
    sessions: facts.sessions ?? 1,
    credential: facts.credential,
    elsewhere: findings.find(isElsewhere)?.sentence,
    why: (findings[0] as Finding).sentence,
  };
}

/** What shows that a credential is used by somebody else; an odd hour alone does not. */
function isElsewhere({ pattern, bits }: Finding): boolean {
  return THEMES[pattern] === 'access' && pattern !== 'unusual_hour' && bits >= ELSEWHERE_BITS;
}
/** Surprise from which a place or credential decides what is proposed, whatever else was found. */
const ELSEWHERE_BITS = 5;

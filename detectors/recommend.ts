import type { Recommendation, Severity, Technique } from '../schemas/alert.ts';
import type { AlertIdentity, Finding } from '../schemas/finding.ts';
import { saturated, together } from './combine.ts';
import { sensitivityOf } from './features.ts';
import { name } from './sentences.ts';
import { techniquesOf } from './techniques.ts';

/**
 * From findings to what a person reads first: title, summary, severity, and the containment worth proposing. Pure
 * rules over patterns; nothing here runs anything (promise P5).
 */
export type AlertFacts = {
  readonly identity: AlertIdentity;
  readonly findings: readonly Finding[];
  readonly session?: string;
  readonly credential?: string;
};

export type AlertDescription = {
  readonly title: string;
  readonly summary: string;
  readonly severity: Severity;
  readonly recommendation: Recommendation;
  readonly techniques: Technique[];
};

/** What a story is about; decides the proposal. */
type Theme = 'exfiltration' | 'collection' | 'probing' | 'reach' | 'misuse' | 'access' | 'silence' | 'hijack';

const THEMES: Readonly<Record<string, Theme>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, Theme>, {
    volume_event: 'exfiltration',
    volume_minute: 'exfiltration',
    volume_hour: 'exfiltration',
    volume_day: 'exfiltration',
    volume_session: 'exfiltration',
    low_and_slow: 'exfiltration',
    resource_breadth: 'collection',
    resource_sweep: 'collection',
    first_seen_store: 'collection',
    rare_store: 'collection',
    denial_burst: 'probing',
    error_burst: 'probing',
    sensitivity_reached: 'reach',
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
    gone_silent: 'silence',
  }),
);

const TITLES: Readonly<Record<Theme, string>> = {
  exfiltration: 'moves more data than usual',
  collection: 'sweeps through resources it does not usually touch',
  probing: 'runs into refusals and errors',
  reach: 'reaches data more sensitive than usual',
  misuse: 'uses tools in a way it never did',
  access: 'acts from where, when or with what it usually does not',
  silence: 'has fallen silent',
  hijack: 'acts out of line with its usual work',
};

/** Describes an alert. @throws RangeError without findings: an alert has at least one. */
export function describeAlert(facts: AlertFacts): AlertDescription {
  const findings = [...facts.findings].sort((a, b) => b.bits - a.bits);
  const strongest = findings[0];
  if (strongest === undefined) throw new RangeError('an alert without findings');
  const theme = themeOf(findings);
  const severity = severityOf(findings);
  const who = name(facts.identity.name ?? facts.identity.id);
  return {
    title: `${who} ${TITLES[theme]}${subjectOf(findings, theme)}`,
    summary: summaryOf(findings, strongest),
    severity,
    recommendation: recommend(facts, findings, theme, severity),
    techniques: techniquesOf(findings.map((finding) => finding.pattern)),
  };
}

/** The theme that carries most surprise, by its strongest finding and half of the rest. */
function themeOf(findings: readonly Finding[]): Theme {
  const weights = new Map<Theme, number>();
  for (const finding of findings) {
    const theme = THEMES[finding.pattern] ?? 'hijack';
    const known = weights.get(theme);
    weights.set(theme, known === undefined ? finding.bits : known + finding.bits / 2);
  }
  let best: Theme = 'hijack';
  for (const [theme, weight] of weights) if (weight > (weights.get(best) ?? 0)) best = theme;
  return best;
}

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
      ? ` This identity is still being learned (${history.sessions} sessions), so its peers are the yardstick.`
      : '';
  return sentences.join(' ') + basis;
}

/** Surprise of all findings together, one a pattern, in the way the ensemble combines them (combine.ts). */
function combinedBits(findings: readonly Finding[]): number {
  const strongest = new Map<string, number>();
  for (const { pattern, bits } of findings) strongest.set(pattern, Math.max(strongest.get(pattern) ?? 0, bits));
  let work = 0;
  let access = 0;
  for (const [pattern, nominal] of strongest) {
    const bits = isAmount(pattern) ? nominal : saturated(nominal);
    if (THEMES[pattern] === 'access') access += bits * bits;
    else work += bits * bits;
  }
  return together(work, access);
}

/** Amounts, counts and runs have no end; rarity levels off. */
function isAmount(pattern: string): boolean {
  const theme = THEMES[pattern];
  return theme === 'exfiltration' || theme === 'probing' || theme === 'silence' || AMOUNTS.has(pattern);
}

const AMOUNTS: ReadonlySet<string> = new Set(['resource_sweep', 'resource_breadth', 'call_rate']);

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
/** Bits from which a surprise is medium and high by itself. */
const MEDIUM_BITS = 9;
const HIGH_BITS = 15;

/** Surprise sets the level; sensitive data and data or orders that leave raise it, each by one. */
function severityOf(findings: readonly Finding[]): Severity {
  const bits = combinedBits(findings);
  let level = bits >= HIGH_BITS ? 2 : bits >= MEDIUM_BITS ? 1 : 0;
  if (findings.some(isSensitive)) level++;
  if (findings.some(isOutbound)) level++;
  if (findings.every((finding) => finding.history.maturity === 'learning')) level--;
  return SEVERITIES[Math.max(0, Math.min(SEVERITIES.length - 1, level))] as Severity;
}

function isSensitive({ pattern, subject }: Finding): boolean {
  return pattern === 'sensitivity_reached' || (subject?.kind === 'classification' && sensitivityOf(subject.value) >= 2);
}

function isOutbound({ pattern }: Finding): boolean {
  return THEMES[pattern] === 'exfiltration' || pattern === 'first_seen_target' || pattern === 'new_operation';
}

function recommend(facts: AlertFacts, findings: readonly Finding[], theme: Theme, severity: Severity): Recommendation {
  const tool = findings.find((finding) => finding.subject?.kind === 'tool')?.subject?.value;
  const sensitive = findings.find(isSensitive)?.subject?.value;
  const why = (findings[0] as Finding).sentence;
  const elsewhere = findings.find(isElsewhere);
  if (elsewhere !== undefined && facts.credential !== undefined) {
    return propose(
      'revoke_credential',
      facts.credential,
      `Somebody else may hold the credential. ${elsewhere === findings[0] ? '' : `${elsewhere.sentence} `}${why}`,
    );
  }
  if (theme === 'silence') return propose('suspend_agent', facts.identity.id, `${SILENT_BECAUSE} ${why}`);
  if (theme === 'probing' && facts.credential !== undefined) {
    return propose('revoke_credential', facts.credential, `The credential tries doors that stay shut. ${why}`);
  }
  if (theme === 'reach' && sensitive !== undefined) {
    return propose('restrict_data_class', sensitive, `Data of this class is outside the identity's habit. ${why}`);
  }
  if (severity === 'critical' && (theme === 'exfiltration' || theme === 'collection')) {
    return propose(
      'suspend_agent',
      facts.identity.id,
      `Data may be leaving now; stopping the identity stops it. ${why}`,
    );
  }
  if (theme === 'misuse' && tool !== undefined) {
    return propose('restrict_tool', tool, `The identity can go on with its work without this tool. ${why}`);
  }
  if (facts.session !== undefined) {
    return propose(
      'quarantine_session',
      facts.session,
      `Only this session departs from habit; the others go on. ${why}`,
    );
  }
  if (tool !== undefined) {
    return propose('restrict_tool', tool, `The identity can go on with its work without this tool. ${why}`);
  }
  return propose('suspend_agent', facts.identity.id, `Nothing narrower than the identity can be named. ${why}`);
}

/** A suspended agent that turns out to be dead has lost nothing; one whose telemetry was cut is stopped. */
const SILENT_BECAUSE =
  'First look whether the agent runs and its audit pipeline delivers. If it runs, it works unseen (ATT&CK T1562.008): suspend it until its events arrive again.';

/** What shows that a credential is used by somebody else; an odd hour alone does not. */
function isElsewhere({ pattern, bits }: Finding): boolean {
  return THEMES[pattern] === 'access' && pattern !== 'unusual_hour' && bits >= ELSEWHERE_BITS;
}
/** Surprise from which a place or credential decides what is proposed, whatever else was found. */
const ELSEWHERE_BITS = 5;

function propose(action: Recommendation['action'], target: string, reason: string): Recommendation {
  return { action, target, parameters: {}, reason };
}

import { hash } from 'node:crypto';
import type { AlertDescription, AlertFacts } from '../../detectors/recommend.ts';
import type { Alert } from '../../schemas/alert.ts';
import { SEVERITIES } from '../../schemas/alert.ts';
import type { AlertIdentity, EvidenceRef, Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type EventFacts, factsOf } from './alert-facts.ts';
import type { IdentityState, OpenAlert } from './identity.ts';
import { hasTold, shownIn, toldWith, wakeAlert } from './resting.ts';
import { shownBy, shownWith } from './shown.ts';

/**
 * Findings become alerts here: one open alert per identity and story, updated rather than repeated.
 *
 * A story goes on while its findings come from the same session, or show a pattern that the alert already holds, and no
 * longer than LIMITS.alert_quiet_ms after its last finding. A revision goes out when a person would want to look again:
 * at the beginning, with a new pattern, a higher severity or twice as many findings, and at the end. For one that woke
 * (resting.ts), a pattern is new again.
 */
export type DescribeAlert = (facts: AlertFacts) => AlertDescription;

export type FindingContext = {
  readonly tenant: string;
  readonly identity: AlertIdentity;
  readonly session: string;
  readonly log_ms: number;
  /** Combined surprise of the event: several findings together may weigh more than the strongest alone. */
  readonly bits: number;
  /** Threshold from which findings open an alert of their own. */
  readonly alert_bits: number;
  /** Somebody asked to see such findings again: each session that shows one has an alert of its own. */
  readonly watched?: boolean;
} & EventFacts;

/** The alert that the findings belong to, and the revision to send out, if this one is worth sending. */
export type Grouped = { readonly uid: string | undefined; readonly revision: Alert | undefined };

export function groupFindings(
  state: IdentityState,
  findings: readonly Finding[],
  context: FindingContext,
  describe: DescribeAlert,
): Grouped {
  const joined = findStory(state, findings, context);
  if (joined === undefined && context.bits < context.alert_bits) return { uid: undefined, revision: undefined };
  const woken = joined === undefined && context.watched !== true ? wakeAlert(state, findings, context) : undefined;
  if (woken !== undefined) return join(woken, findings, context, describe, { again: true });
  if (joined === undefined) return openAlert(state, findings, context, describe);
  return join(joined, findings, context, describe, { again: false });
}

/** An alert of its own for these findings, whatever stories are open. */
export function openAlert(
  state: IdentityState,
  findings: readonly Finding[],
  context: FindingContext,
  describe: DescribeAlert,
): Grouped & { readonly uid: string } {
  const opened = newAlert(findings, context, describe);
  state.alerts.push(opened);
  return { uid: opened.alert.uid, revision: opened.alert };
}

/** These findings belong to that alert, which is open, and are worth telling. */
export function joinAlert(
  joined: OpenAlert,
  findings: readonly Finding[],
  context: FindingContext,
  describe: DescribeAlert,
): Grouped & { readonly uid: string } {
  return join(joined, findings, context, describe, { again: true });
}

/** Findings join an open alert. What is told `again` is a revision whatever it adds. */
function join(
  joined: OpenAlert,
  findings: readonly Finding[],
  context: FindingContext,
  describe: DescribeAlert,
  { again }: { readonly again: boolean },
): Grouped & { readonly uid: string } {
  const { alert: before, told } = joined;
  const merged = mergeFindings(before, findings, context, describe);
  joined.shown = shownWith(shownIn(joined), findings);
  joined.alert = merged;
  joined.quiet_due = context.log_ms + LIMITS.alert_quiet_ms;
  if (told !== undefined) joined.told = toldWith(told, findings);
  const worth =
    again || joined.told !== told || worthSending(before, merged, joined.emitted_count) || isDueAgain(before, context);
  if (!worth) return { uid: merged.uid, revision: undefined };
  return { uid: merged.uid, revision: revise(joined, context.log_ms) };
}

/** Ends a story. The closing revision carries everything that was counted since the last one. */
export function closeAlert(open: OpenAlert, reason: NonNullable<Alert['closed_reason']>, log_ms: number): Alert {
  open.alert = { ...open.alert, status: 'closed', closed_reason: reason };
  return revise(open, log_ms);
}

function revise(open: OpenAlert, log_ms: number): Alert {
  open.alert = { ...open.alert, revision: open.alert.revision + 1, updated: log_ms };
  open.emitted_count = open.alert.finding_count;
  return open.alert;
}

function isDueAgain(before: Alert, { watched = false, log_ms }: FindingContext): boolean {
  return watched && log_ms - before.updated >= LIMITS.watched_again_ms;
}

function findStory(
  state: IdentityState,
  findings: readonly Finding[],
  { session, watched = false }: FindingContext,
): OpenAlert | undefined {
  const inSession = session === '' ? undefined : state.alerts.find((open) => open.alert.sessions.includes(session));
  if (inSession !== undefined) return inSession;
  const room = state.alerts.length < LIMITS.alerts_open_per_identity_max;
  if (watched && session !== '' && room) return undefined;
  const stories = new Set(findings.map(storyOf));
  const samePattern = state.alerts.find(({ alert, told }) =>
    told === undefined ? alert.findings.some((f) => stories.has(storyOf(f))) : hasTold(told, findings),
  );
  if (samePattern !== undefined) return samePattern;
  return room ? undefined : state.alerts.at(-1);
}

const storyOf = (finding: Finding): string => `${finding.detector}/${finding.pattern}`;

function newAlert(findings: readonly Finding[], context: FindingContext, describe: DescribeAlert): OpenAlert {
  const first = findings[0]!;
  const times = findings.map((f) => f.time);
  const facts = factsOf(undefined, context);
  const alert: Alert = {
    uid: stableId(context.tenant, context.identity.id, first.id),
    revision: 1,
    status: 'open',
    tenant: context.tenant,
    identity: context.identity,
    sessions: context.session === '' ? [] : [context.session],
    ...facts,
    created: context.log_ms,
    updated: context.log_ms,
    first_time: Math.min(...times),
    last_time: Math.max(...times),
    findings: strongest(findings),
    finding_count: findings.length,
    evidence: mergeEvidence([], findings),
    ...describe(subjectOf(context, strongest(findings), facts)),
  };
  const quiet_due = context.log_ms + LIMITS.alert_quiet_ms;
  return { alert, emitted_count: findings.length, quiet_due, shown: shownWith([], findings) };
}

function mergeFindings(
  before: Alert,
  findings: readonly Finding[],
  context: FindingContext,
  describe: DescribeAlert,
): Alert {
  const kept = strongest([...before.findings, ...findings]);
  const facts = factsOf(before, context);
  const sessions =
    context.session === '' || before.sessions.includes(context.session)
      ? before.sessions
      : [...before.sessions, context.session].slice(-LIMITS.sessions_open_per_identity_max);
  return {
    ...before,
    identity: context.identity,
    sessions,
    ...facts,
    first_time: Math.min(before.first_time, ...findings.map((f) => f.time)),
    last_time: Math.max(before.last_time, ...findings.map((f) => f.time)),
    findings: kept,
    finding_count: before.finding_count + findings.length,
    evidence: mergeEvidence(before.evidence, findings),
    ...describe({ ...subjectOf(context, kept, facts), sessions: sessions.length }),
  };
}

function subjectOf(
  context: FindingContext,
  findings: readonly Finding[],
  scored: AlertFacts['scored'] & object,
): AlertFacts {
  return {
    identity: context.identity,
    findings,
    scored,
    ...(context.session === '' ? {} : { session: context.session }),
    ...(context.identity.credential === undefined ? {} : { credential: context.identity.credential }),
  };
}

/**
 * The strongest findings, of each pattern at least one: what only one of them says decides what is proposed. Then one of
 * each subject: what an alert showed for days leaves room for what is new of it.
 */
function strongest(findings: readonly Finding[]): Finding[] {
  const sorted = [...findings].sort(byStrength);
  if (sorted.length <= LIMITS.findings_per_alert_max) return sorted;
  const [patterns, subjects] = [new Set<string>(), new Set<string>()];
  const [first, named, more]: [Finding[], Finding[], Finding[]] = [[], [], []];
  for (const finding of sorted) {
    const shown = shownBy(finding);
    const isNamed = shown !== undefined && !subjects.has(shown);
    (!patterns.has(finding.pattern) ? first : isNamed ? named : more).push(finding);
    patterns.add(finding.pattern);
    if (shown !== undefined) subjects.add(shown);
  }
  return [...first, ...named, ...more].slice(0, LIMITS.findings_per_alert_max).sort(byStrength);
}

function byStrength(a: Finding, b: Finding): number {
  return b.bits - a.bits || a.time - b.time || (a.id < b.id ? -1 : 1);
}

function mergeEvidence(before: readonly EvidenceRef[], findings: readonly Finding[]): EvidenceRef[] {
  const seen = new Set(before.map((ref) => ref.key));
  const merged = [...before];
  for (const ref of findings.flatMap((f) => f.evidence)) {
    if (merged.length >= LIMITS.evidence_per_alert_max) break;
    if (seen.has(ref.key)) continue;
    seen.add(ref.key);
    merged.push(ref);
  }
  return merged;
}

function worthSending(before: Alert, after: Alert, emittedCount: number): boolean {
  if (SEVERITIES.indexOf(after.severity) > SEVERITIES.indexOf(before.severity)) return true;
  const known = new Set(before.findings.map(storyOf));
  if (after.findings.some((f) => !known.has(storyOf(f)))) return true;
  return after.finding_count >= 2 * emittedCount;
}

/** 128 bits of SHA-256 over the parts, hex: the same inputs name the same thing in every run. */
export function stableId(...parts: readonly string[]): string {
  return hash('sha256', parts.join('\u0000'), 'hex').slice(0, 32);
}

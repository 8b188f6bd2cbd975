import type { Severity } from '../schemas/alert.ts';
import type { Impact, SeverityGround } from '../schemas/alert-facts.ts';
import type { Operation } from '../schemas/event.ts';
import type { Finding } from '../schemas/finding.ts';
import { sensitivityOf } from './features.ts';
import type { Theme } from './recommend.ts';
import { count, name, plural } from './sentences.ts';

/**
 * How bad it would be if true, times how sure it is: likelihood and impact are multiplied (NIST SP 800-30 rev. 1, table
 * I-2), and points of both are logarithms, so they are added. Each ground is one question with a small answer, and is
 * told, so that a person can disagree with one of them.
 *
 * Surprise enters only as a multiple of what makes an alert, so the scale of the bits does not matter.
 */
export type SeverityFacts = {
  readonly findings: readonly Finding[];
  readonly themeOf: (pattern: string) => Theme;
  /** Surprise of the strongest event, and the level that made an alert of it. */
  readonly bits: number;
  readonly alert_bits: number;
  /** Unknown for alerts that were opened before impacts were kept. */
  readonly impact: Impact | undefined;
};

/** Points up to which an alert is low, medium or high; whatever has more is critical. */
const LOW_MAX = 0;
const MEDIUM_MAX = 3;
const HIGH_MAX = 6;

export function severityOf(facts: SeverityFacts): { readonly severity: Severity; readonly grounds: SeverityGround[] } {
  const grounds = [...howBad(facts), ...howSure(facts)];
  return { severity: severityAt(grounds.reduce((sum, ground) => sum + ground.points, 0)), grounds };
}

export function severityAt(points: number): Severity {
  if (points <= LOW_MAX) return 'low';
  if (points <= MEDIUM_MAX) return 'medium';
  return points <= HIGH_MAX ? 'high' : 'critical';
}

/** Of the level of an alert, what a finding must have to count by itself: an amount or a run, a place or a target. */
const AMOUNT_SHARE = 0.55;
const RUN_SHARE = 0.8;
const PLACE_SHARE = 0.3;

function howBad({ findings, themeOf, alert_bits, impact }: SeverityFacts): SeverityGround[] {
  const grounds: SeverityGround[] = [];
  const add = (ground: SeverityGround['ground'], points: number, words: string): void => {
    grounds.push({ ground, points, words });
  };
  // What was refused or failed did no harm.
  if (impact !== undefined && impact.refused + impact.failed >= impact.events) return grounds;
  const operations = impact?.operations ?? operationsNamed(findings);
  const says = (share: number, matches: (finding: Finding) => boolean): boolean =>
    findings.some((finding) => finding.bits >= share * alert_bits && matches(finding));
  if (operations.some((one) => one === 'execute' || one === 'delegate')) {
    add('acts', 2, 'calls that execute something or hand work on went through');
  } else if (operations.includes('export')) add('sends', 1, 'calls that send data out went through');
  const touched = impact?.classification ?? mostSensitiveNamed(findings);
  if (sensitivityOf(touched) >= 2) add('sensitive', 1, `data classified "${name(touched ?? '')}" was touched`);
  if (says(AMOUNT_SHARE, ({ pattern }) => themeOf(pattern) === 'exfiltration')) {
    add('amount', 1, 'more data was moved than usual');
  }
  if (says(RUN_SHARE, ({ pattern }) => pattern === 'resource_sweep')) {
    add('sweep', 1, 'one new resource after the other was touched');
  }
  if (says(PLACE_SHARE, ({ pattern }) => pattern === 'first_seen_target')) {
    add('new_target', 1, 'something was written or sent to where it never was before');
  }
  if (says(PLACE_SHARE, ({ pattern }) => themeOf(pattern) === 'access' && pattern !== 'unusual_hour')) {
    add('elsewhere', 1, 'place or credential are unusual: somebody else may be acting');
  }
  return grounds;
}

const OFTEN = 4;
const VERY_OFTEN = 16;

function howSure({ findings, themeOf, bits, alert_bits, impact }: SeverityFacts): SeverityGround[] {
  const grounds: SeverityGround[] = [];
  const times = bits / alert_bits;
  const surprise = times >= 2 ? 3 : times >= 1.3 ? 2 : times >= 1.1 ? 1 : 0;
  if (surprise > 0) {
    const words = `the strongest event is ${times.toFixed(1)} times as surprising as an alert needs`;
    grounds.push({ ground: 'surprise', points: surprise, words });
  }
  const { events, refused, failed } = impact ?? { events: 0, refused: 0, failed: 0 };
  const done = events - refused - failed;
  if (done >= OFTEN) {
    const words = `${count(done)} surprising calls went through`;
    grounds.push({ ground: 'repeated', points: done >= VERY_OFTEN ? 2 : 1, words });
  }
  if (failed * 2 > events) {
    const words = `${count(failed)} of ${plural(events, 'surprising call', 'surprising calls')} failed with an error, as when a service is down`;
    grounds.push({ ground: 'failing', points: -2, words });
  }
  if (isMoreOfTheSame(findings, themeOf)) {
    const words = 'the identity does more of what it always does, and nothing new that is as surprising';
    grounds.push({ ground: 'more_of_the_same', points: -2, words });
  }
  if (findings.every(({ history }) => history.maturity === 'learning')) {
    grounds.push({ ground: 'learning', points: -1, words: 'the identity is still being learned' });
  }
  return grounds;
}

/** Only the number of calls or of resources is unusual. */
const PACE: ReadonlySet<string> = new Set(['call_rate', 'resource_breadth']);

function isMoreOfTheSame(findings: readonly Finding[], themeOf: SeverityFacts['themeOf']): boolean {
  let pace = 0;
  let other = 0;
  for (const { pattern, bits } of findings) {
    if (PACE.has(pattern)) pace = Math.max(pace, bits);
    // Errors and refusals have a ground of their own.
    else if (themeOf(pattern) !== 'probing') other = Math.max(other, bits);
  }
  return pace > 0 && pace >= other;
}

function operationsNamed(findings: readonly Finding[]): Operation[] {
  return findings.flatMap(({ subject }) => (subject?.kind === 'operation' ? [subject.value as Operation] : []));
}

function mostSensitiveNamed(findings: readonly Finding[]): string | undefined {
  let most: string | undefined;
  for (const { subject } of findings) {
    if (subject?.kind === 'classification' && sensitivityOf(subject.value) > sensitivityOf(most)) most = subject.value;
  }
  return most;
}

import type { z } from 'zod';
import type { AlertAnswer } from '../../../schemas/api/alerts.ts';
import type { Finding } from '../../../schemas/finding.ts';
import { VERDICTS } from '../../../schemas/verdict.ts';
import { impactText, severityReasons, shares, strongestText } from '../../platform/alert-words.ts';
import { invocation } from '../invocation.ts';
import { counted, instant, printable, type Terminal } from '../terminal.ts';
import { showWays, stateText } from './containment.ts';
import { showDirectives } from './directives.ts';
import { showEvents } from './events.ts';
import { fact, heading, identityText, measureText, severityText, shortId } from './words.ts';

type Answer = z.output<typeof AlertAnswer>;

const FINDINGS_SHOWN = 4;
const EVENTS_SHOWN = 6;
const TECHNIQUES_SHOWN = 4;

/**
 * One alert so that a person can judge it in a minute, in the order of the questions: what and how bad, since when
 * against which habit, on which evidence, what would have been normal, and what can be done.
 */
export function showAlert(terminal: Terminal, answer: Answer): void {
  const { alert, explanation } = answer;
  terminal.paragraph(terminal.style('bold', printable(alert.title, 300)));
  fact(terminal, 'severity', `${severityText(terminal, alert.severity)}${severityReasons(alert)}`);
  fact(terminal, 'alert', `${printable(alert.uid)}, revision ${alert.revision}, ${stateOf(answer)}`);
  fact(terminal, 'identity', identityText(alert.identity));
  if (alert.identity.credential !== undefined) fact(terminal, 'credential', printable(alert.identity.credential));
  if (alert.sessions.length > 0) fact(terminal, 'sessions', sessionsText(alert.sessions));
  fact(terminal, 'when', printable(explanation.since, 400));
  fact(terminal, 'habit', printable(explanation.habit, 400));
  showEvidence(terminal, answer);
  showFindings(terminal, answer);
  showNormal(terminal, answer);
  showRecommendation(terminal, answer);
  showJudgement(terminal, answer);
}

function stateOf({ alert }: Answer): string {
  if (alert.status === 'open') return 'open';
  const { closed_reason: reason } = alert;
  if (reason === 'quiet') return 'closed (nothing new for hours)';
  return `closed (${reason === 'resumed' ? 'the identity is heard of again' : (reason ?? 'no reason')})`;
}

function sessionsText(sessions: readonly string[]): string {
  const shown = sessions.slice(0, 3).map((session) => printable(session, 80));
  return shown.join(', ') + (sessions.length > 3 ? ` and ${sessions.length - 3} more` : '');
}

/** How rare such a score is in this fleet: what its bits mean. */
function rarityText(reached_per_1000: number | undefined): string {
  if (reached_per_1000 === undefined) return '';
  const days = reached_per_1000 <= 0.1 ? 'fewer than 0.1' : reached_per_1000.toPrecision(2);
  return `, which ${days} of 1,000 identity-days of the fleet reach`;
}

/** The strongest event in its few decisive fields, then those that led up to it. */
function showEvidence(terminal: Terminal, { alert, evidence }: Answer): void {
  const { strongest, alert_bits, reached_per_1000, bits, impact } = alert;
  heading(terminal, 'Evidence');
  if (strongest !== undefined) terminal.paragraph(strongestText(strongest), 2);
  const needed = alert_bits === undefined ? '' : `; ${alert_bits.toFixed(1)} bits make an alert`;
  fact(terminal, 'surprise', `${bits.toFixed(1)} bits${rarityText(reached_per_1000)}${needed}`);
  if (impact !== undefined) fact(terminal, 'in all', impactText(impact));
  if (evidence.length === 0) return;
  const shown = evidence.toSorted((a, b) => b.bits - a.bits).slice(0, EVENTS_SHOWN);
  terminal.line();
  showEvents(
    terminal,
    shown.sort((a, b) => a.event.time - b.event.time),
  );
  if (evidence.length > shown.length) {
    terminal.line(
      terminal.style('dim', `  the ${shown.length} most surprising of ${counted(evidence.length, 'event')}`),
    );
  }
}

function showFindings(terminal: Terminal, { alert, findings }: Answer): void {
  const kinds = new Map<string, Finding>();
  const all = findings.length > 0 ? findings : alert.findings;
  for (const finding of all.toSorted((a, b) => weightOf(b) - weightOf(a))) {
    if (!kinds.has(finding.pattern)) kinds.set(finding.pattern, finding);
  }
  const shown = [...kinds.values()].slice(0, FINDINGS_SHOWN);
  const which = alert.finding_count > shown.length ? ', the strongest of each kind' : '';
  heading(terminal, `What is unusual (${counted(alert.finding_count, 'finding')}${which})`);
  for (const { pattern, bits, contributed, sentence, history, observed, expected } of shown) {
    const part = contributed === undefined ? '' : `, ${contributed.toFixed(1)} of the score`;
    const headline = `${bits.toFixed(1)} bits against ${WHOSE[history.basis]}${part}`;
    terminal.paragraph(`${terminal.style('bold', printable(pattern))}  ${headline}`, 2);
    terminal.paragraph(printable(sentence, 600), 4);
    terminal.paragraph(terminal.style('dim', `${measureText(observed)}; ${measureText(expected)}`), 4);
  }
  if (alert.contributions !== undefined) {
    fact(terminal, 'made of', shares(alert.contributions));
  }
}

/** What a finding adds to the score of its event; of one of before that was kept, its own surprise. */
const weightOf = ({ bits, contributed }: Finding): number => contributed ?? bits;

const WHOSE = {
  identity: 'its own habit',
  peer_group: 'the habit of its peer group',
  population: 'the habit of the fleet',
} as const;

function showNormal(terminal: Terminal, { explanation: { normal, nearest } }: Answer): void {
  heading(terminal, 'What would have been normal');
  for (const sentence of normal) terminal.paragraph(printable(sentence, 600), 2);
  terminal.paragraph(printable(nearest, 900), 2);
}

function showRecommendation(terminal: Terminal, { alert, containments, executor }: Answer): void {
  const { action, target, reason } = alert.recommendation;
  heading(terminal, `Recommended: ${action} ${printable(target)}`);
  terminal.paragraph(printable(reason, 1000), 2);
  for (const other of alert.alternatives ?? []) {
    const against = other.target === undefined ? '' : `${printable(other.target, 80)}: `;
    fact(terminal, `not ${other.action}`, `${against}${printable(other.why_not, 300)}`, WIDE_LABEL);
  }
  if (alert.techniques.length > 0) {
    const names = alert.techniques
      .slice(0, TECHNIQUES_SHOWN)
      .map(({ id, name }) => `${printable(id)} ${printable(name)}`);
    fact(terminal, 'look for', names.join('; '), WIDE_LABEL);
  }
  for (const containment of containments) {
    heading(terminal, `Containment ${shortId(containment.id)}: ${stateText(terminal, containment)}`);
    const other = containment.terms.recommendation;
    if (other.action !== action || other.target !== target) {
      fact(terminal, 'action', `${other.action} ${printable(other.target)} (recommended by an earlier revision)`);
    }
    showWays(terminal, containment);
  }
  if (containments.length > 0 && executor.state !== 'configured') {
    terminal.paragraph(terminal.style('yellow', `Note: ${executor.message}`), 2);
  }
}

/** Room for `not restrict_data_class`. */
const WIDE_LABEL = 25;

function showJudgement(terminal: Terminal, { alert, verdicts, directives }: Answer): void {
  heading(terminal, verdicts.length === 0 ? 'Not judged yet' : 'Verdicts');
  for (const { verdict, author, time, comment, scope = 'alert', undone } of verdicts) {
    const why = comment === undefined ? '' : `: ${printable(comment, 400)}`;
    const reach = scope === 'alert' ? '' : ` for the ${scope}`;
    terminal.paragraph(`${verdict}${reach} by ${printable(author)} at ${instant(time)}${why}`, 2);
    if (undone !== undefined) {
      const { by, when, reason } = undone;
      terminal.paragraph(`withdrawn by ${printable(by.subject)} at ${instant(when)}: ${printable(reason, 400)}`, 4);
    }
  }
  terminal.line(`  ${invocation()} verdict ${shortId(alert.uid)} ${VERDICTS.join('|')}`);
  if (directives.length === 0) return;
  heading(terminal, 'What people told detection about this identity');
  showDirectives(terminal, directives);
}

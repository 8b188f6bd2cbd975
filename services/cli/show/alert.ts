import type { z } from 'zod';
import type { AlertAnswer } from '../../../schemas/api/alerts.ts';
import type { Finding } from '../../../schemas/finding.ts';
import { VERDICTS } from '../../../schemas/verdict.ts';
import { invocation } from '../invocation.ts';
import { counted, instant, printable, type Terminal, thousands } from '../terminal.ts';
import { showWays, stateText } from './containment.ts';
import { showEvents } from './events.ts';
import { fact, heading, identityText, measureText, oddsText, severityText, shortId } from './words.ts';

type Answer = z.output<typeof AlertAnswer>;

const FINDINGS_SHOWN = 5;
const EVENTS_SHOWN = 8;

/** One alert so that a person can judge it: what, against which habit, since when, and what can be done. */
export function showAlert(terminal: Terminal, answer: Answer): void {
  const { alert, findings, evidence } = answer;
  const { style } = terminal;
  terminal.paragraph(style('bold', printable(alert.title, 300)));
  fact(terminal, 'severity', `${severityText(terminal, alert.severity)}, ${stateOf(answer)}`);
  fact(terminal, 'alert', `${printable(alert.uid)}, revision ${alert.revision}`);
  fact(terminal, 'identity', identityText(alert.identity));
  if (alert.identity.credential !== undefined) fact(terminal, 'credential', printable(alert.identity.credential));
  fact(terminal, 'when', `${instant(alert.first_time)} to ${instant(alert.last_time)}`);
  if (alert.sessions.length > 0) fact(terminal, 'sessions', sessionsText(alert.sessions));
  fact(terminal, 'surprise', `${alert.bits.toFixed(1)} bits: a chance of ${oddsText(alert.bits)}`);
  const [strongest] = alert.findings;
  if (strongest !== undefined) fact(terminal, 'history', historyText(strongest));

  heading(terminal, 'What happened');
  terminal.paragraph(printable(alert.summary, 2000), 2);

  showFindings(terminal, findings.length > 0 ? findings : alert.findings, alert.finding_count);
  if (evidence.length > 0) {
    const strongest = evidence.toSorted((a, b) => b.bits - a.bits).slice(0, EVENTS_SHOWN);
    const which = evidence.length > EVENTS_SHOWN ? `, the ${EVENTS_SHOWN} most surprising` : '';
    heading(terminal, `Evidence (${counted(evidence.length, 'event')}${which})`);
    showEvents(
      terminal,
      strongest.sort((a, b) => a.event.time - b.event.time),
    );
  }
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

function showFindings(terminal: Terminal, all: readonly Finding[], count: number): void {
  const kinds = new Map<string, Finding>();
  for (const finding of all.toSorted((a, b) => b.bits - a.bits)) {
    if (!kinds.has(finding.pattern)) kinds.set(finding.pattern, finding);
  }
  const shown = [...kinds.values()].slice(0, FINDINGS_SHOWN);
  heading(terminal, `Findings (${thousands(count)}${count > shown.length ? ', the strongest of each kind' : ''})`);
  for (const [index, finding] of shown.entries()) {
    if (index > 0) terminal.line();
    const { pattern, bits, time, sentence, observed, expected, evidence } = finding;
    const headline = `${bits.toFixed(1)} bits, against ${WHOSE[finding.history.basis]}, ${instant(time)}`;
    terminal.paragraph(`${terminal.style('bold', printable(pattern))}  ${headline}`, 2);
    terminal.paragraph(printable(sentence, 600), 4);
    fact(terminal, '  observed', measureText(observed));
    fact(terminal, '  expected', measureText(expected));
    fact(
      terminal,
      '  event',
      evidence
        .slice(0, 3)
        .map(({ id }) => printable(id, 64))
        .join(', '),
    );
  }
}

const WHOSE = {
  identity: 'its own habit',
  peer_group: 'the habit of its peer group',
  population: 'the habit of the fleet',
} as const;

/** How much the verdict rests on, as of the strongest finding. */
function historyText({ history }: Finding): string {
  const { events, sessions, days, maturity } = history;
  const known = `${counted(events, 'event')} in ${counted(sessions, 'session')} over ${days.toFixed(1)} days`;
  return maturity === 'mature'
    ? `${known} learned before`
    : `${known} learned before: still learning, peers are the yardstick`;
}

function showRecommendation(terminal: Terminal, { alert, containments, executor }: Answer): void {
  const { action, target, reason } = alert.recommendation;
  heading(terminal, `Recommended: ${action} ${printable(target)}`);
  terminal.paragraph(printable(reason, 1000), 2);
  if (alert.techniques.length > 0) {
    const names = alert.techniques.map(({ id, name }) => `${printable(id)} ${printable(name)}`);
    fact(terminal, 'techniques', names.join('; '));
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

function showJudgement(terminal: Terminal, { alert, verdicts }: Answer): void {
  heading(terminal, verdicts.length === 0 ? 'Not judged yet' : 'Verdicts');
  for (const { verdict, author, time, comment } of verdicts) {
    const why = comment === undefined ? '' : `: ${printable(comment, 400)}`;
    terminal.paragraph(`${verdict} by ${printable(author)} at ${instant(time)}${why}`, 2);
  }
  terminal.line(`  ${invocation()} verdict ${shortId(alert.uid)} ${VERDICTS.join('|')}`);
}

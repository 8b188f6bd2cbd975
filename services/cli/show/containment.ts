import type { ContainmentView, ExecutorView } from '../../../schemas/api/containments.ts';
import { OPEN_STATES } from '../../../schemas/containment.ts';
import { termsDigest } from '../../contain/terms.ts';
import { invocation } from '../invocation.ts';
import { counted, instant, minute, printable, type Style, type Terminal } from '../terminal.ts';
import { effectMark, showEffect } from './effect.ts';
import { fact, heading, identityText, severityText, shortId } from './words.ts';

const COLOURS: Partial<Record<ContainmentView['state'], Style>> = {
  pending: 'yellow',
  approved: 'cyan',
  dispatching: 'cyan',
  succeeded: 'green',
  failed: 'red',
  unknown: 'red',
};

export function stateText(terminal: Terminal, { state }: ContainmentView): string {
  const colour = COLOURS[state];
  return colour === undefined ? state : terminal.style(colour, state);
}

export const isOpen = ({ state }: ContainmentView): boolean => OPEN_STATES.some((open) => open === state);

export function showContainments(terminal: Terminal, containments: readonly ContainmentView[]): void {
  const head = ['containment', 'state', 'severity', 'identity', 'action', 'alert', 'until (UTC)'];
  terminal.table(
    head,
    containments.map((containment) => [
      shortId(containment.id),
      stateText(terminal, containment) + effectMark(terminal, containment.effect),
      severityText(terminal, containment.terms.alert.severity),
      printable(containment.terms.identity.id, 48),
      actionText(containment),
      shortId(containment.terms.alert.uid),
      isOpen(containment) && containment.situation.until !== undefined ? minute(containment.situation.until) : '',
    ]),
    { flexible: 4 },
  );
}

export function actionText({ terms }: Pick<ContainmentView, 'terms'>): string {
  const { action, target, parameters } = terms.recommendation;
  const named = Object.entries(parameters).map(([name, value]) => ` ${printable(name)}=${printable(value)}`);
  return `${action} ${printable(target, 120)}${named.join('')}`;
}

/** The commands with which it is decided, while it can be. */
export function showWays(terminal: Terminal, containment: ContainmentView): void {
  const { situation, id, state } = containment;
  const until = situation.until === undefined ? '' : `, until ${instant(situation.until)}`;
  terminal.paragraph(`${printable(situation.message, 300)}${until}`, 2);
  if (state !== 'pending') return;
  terminal.line(`  to approve  ${terminal.style('green', `${invocation()} approve ${shortId(id)}`)}`);
  terminal.line(`  to deny     ${terminal.style('red', `${invocation()} deny ${shortId(id)}`)}`);
}

/** All that a vote is bound to, and the digest that stands for it. */
export function showTerms(terminal: Terminal, containment: ContainmentView): void {
  const { terms, digest, requested_by, created } = containment;
  const { recommendation, alert, policy } = terms;
  terminal.line(terminal.style('bold', actionText(containment)));
  fact(terminal, 'identity', identityText(terms.identity));
  if (terms.tenant !== 'default') fact(terminal, 'tenant', printable(terms.tenant));
  fact(terminal, 'because', printable(recommendation.reason, 1000));
  fact(
    terminal,
    'alert',
    `${shortId(alert.uid)} revision ${alert.revision}, ${alert.severity}: ${printable(alert.title)}`,
  );
  fact(terminal, 'evidence', `${counted(alert.evidence.length, 'event')}, frozen as of that revision`);
  fact(terminal, 'requested', `by ${printable(requested_by.subject)} at ${instant(created)}`);
  if (terms.origin?.kind === 'rollback') fact(terminal, 'takes back', shortId(terms.origin.of));
  if (terms.break_glass !== undefined) {
    fact(terminal, 'EMERGENCY', terminal.style('red', printable(terms.break_glass.why, 1000)));
  }
  fact(terminal, 'policy', policyText(policy));
  fact(terminal, 'digest', digest);
}

function policyText({ version, approvals, roles, further_roles = [], quotas = [], rules = [] }: Policy): string {
  const lists = [roles, ...further_roles].map((list) => list.join(' or '));
  const named = quotas.map((quota) => `, ${quota.approvals} of them by ${quota.role}`).join('');
  const why = rules.length === 0 ? '' : ` (${rules.join('; ')})`;
  return printable(`${version}: ${counted(approvals, 'approval')} by ${lists.join(' and ')}${named}${why}`, 500);
}

type Policy = ContainmentView['terms']['policy'];

/** False when the digest that votes would name is not that of the terms that are shown. */
export function isDigestTrue({ terms, digest }: ContainmentView): boolean {
  return termsDigest(terms) === digest;
}

export function showContainment(terminal: Terminal, containment: ContainmentView, executor: ExecutorView): void {
  showTerms(terminal, containment);
  fact(terminal, 'containment', printable(containment.id));
  fact(terminal, 'state', stateText(terminal, containment));
  const { votes, cancellation, execution } = containment;
  if (votes.length > 0) heading(terminal, 'Votes');
  for (const { by, decision, time, comment } of votes) {
    const why = comment === undefined ? '' : `: ${printable(comment, 400)}`;
    terminal.paragraph(`${decision} by ${printable(by.subject)} at ${instant(time)}${why}`, 2);
  }
  if (cancellation !== undefined)
    fact(terminal, 'cancelled', `by ${printable(cancellation.by.subject)}: ${cancellation.reason}`);
  if (execution !== undefined) {
    heading(terminal, 'Execution');
    fact(terminal, 'executor', printable(execution.executor));
    fact(terminal, 'began', `${instant(execution.started)}, ${counted(execution.attempts, 'attempt')}`);
    if (execution.finished !== undefined) fact(terminal, 'ended', instant(execution.finished));
    if (execution.detail !== undefined) fact(terminal, 'answer', printable(execution.detail, 400));
  }
  if (containment.effect !== undefined) showEffect(terminal, containment.effect);
  heading(terminal, 'Where it stands');
  showWays(terminal, containment);
  if (isOpen(containment) && executor.state !== 'configured') {
    terminal.paragraph(terminal.style('yellow', `Note: ${executor.message}`), 2);
  }
}

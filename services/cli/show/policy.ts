import type { z } from 'zod';
import type { DemandsView, PolicyAnswer, PolicyDryRunAnswer } from '../../../schemas/api/policy.ts';
import type { PolicyDocument } from '../../../schemas/policy.ts';
import { counted, instant, minute, printable, type Terminal } from '../terminal.ts';
import { fact, heading, shortId } from './words.ts';

const SHOWN_MAX = 40;

export function showPolicy(terminal: Terminal, { policy, floor, versions, editors }: PolicyAnswer): void {
  fact(
    terminal,
    'at least',
    `${counted(floor.approvals, 'approval')} by ${floor.roles.join(' or ')} (configuration ${printable(floor.version)})`,
  );
  if (policy === undefined) {
    terminal.line('No policy was set: only the configuration counts.');
    return;
  }
  fact(terminal, 'in force', `${printable(policy.version)}, since ${instant(policy.when)}`);
  fact(terminal, 'set by', `${printable(policy.by.subject)}: ${printable(policy.reason, 400)}`);
  fact(terminal, 'digest', policy.digest);
  showRules(terminal, policy.document);
  if (editors.length > 0) heading(terminal, 'Changed it lately, and do not count as approvers');
  for (const { principal, until } of editors)
    terminal.line(`  ${printable(principal.subject)} until ${instant(until)}`);
  if (versions.length < 2) return;
  heading(terminal, 'Before');
  for (const { version, by, when } of versions.slice(1, SHOWN_MAX)) {
    terminal.line(`  ${minute(when)}  ${printable(version)} by ${printable(by.subject)}`);
  }
}

function showRules(terminal: Terminal, { rules }: PolicyDocument): void {
  if (rules.length > 0) heading(terminal, 'Rules; of all that fit the strictest counts');
  for (const { name, when, ...demands } of rules) {
    terminal.paragraph(`${printable(name)}: when ${wordsOf(when)}, ${wordsOf(demands)}`, 2);
  }
}

function wordsOf(part: object): string {
  const words = Object.entries(part).map(([name, value]) => `${name} ${valueText(value)}`);
  return words.length === 0 ? 'always' : printable(words.join(', '), 500);
}

const valueText = (value: unknown): string =>
  Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(' or ') : JSON.stringify(value);

export function showDryRun(terminal: Terminal, { version, warnings, summary, items }: PolicyDryRunAnswer): void {
  terminal.line(`Policy ${printable(version)} on ${counted(summary.containments, 'past containment')}:`);
  terminal.line(
    `  would have asked for more ${summary.stricter} times, for less ${summary.weaker} times, for something else ` +
      `${summary.different} times, for the same ${summary.same} times`,
  );
  terminal.line(
    `  of what was approved, ${summary.still_approved} would have been, ${summary.no_longer_approved} would not` +
      (summary.cannot_tell === 0 ? '' : `; of ${summary.cannot_tell} nobody can tell`),
  );
  const differing = items.filter(({ change, outcome }) => change !== 'same' || outcome === 'no_longer_approved');
  if (differing.length > 0) {
    terminal.line();
    terminal.table(
      ['containment', 'state', 'identity', 'action', 'needed', 'would need', 'outcome', 'rules'],
      differing
        .slice(0, SHOWN_MAX)
        .map((item) => [
          shortId(item.containment),
          item.state,
          printable(item.identity, 40),
          item.action,
          needText(item.before),
          needText(item.after),
          item.outcome.replaceAll('_', ' '),
          printable(item.after.rules.join(', '), 80),
        ]),
      { flexible: 2 },
    );
  }
  showWarnings(terminal, warnings);
}

function needText({ approvals, quotas, break_glass_only }: z.output<typeof DemandsView>): string {
  const named = quotas.map((quota) => `${quota.approvals} ${quota.role}`);
  return `${approvals}${named.length === 0 ? '' : ` (${named.join(', ')})`}${break_glass_only ? ', emergency' : ''}`;
}

export function showWarnings(terminal: Terminal, warnings: readonly string[]): void {
  for (const warning of warnings) terminal.paragraph(terminal.style('yellow', `Note: ${printable(warning, 300)}`), 2);
}

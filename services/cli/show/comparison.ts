import { rulesText } from '../recorded/rules.ts';
import type { ComparedAlert, Comparison, Split } from '../recorded/week/compare.ts';
import type { Week } from '../recorded/week/week.ts';
import { counted, minute, printable, type Terminal, thousands } from '../terminal.ts';
import { percent } from './week.ts';
import { fact, heading, severityText, shortId } from './words.ts';

const LINES_SHOWN = 10;
const ALERTS_SHOWN = 8;

/** Two runs side by side: what differs in numbers, then the alerts that one of them would not have raised. */
export function showComparison(terminal: Terminal, a: Week, comparison: Comparison): void {
  const { rules, week: b, in_both, only_a, only_b, lost, won } = comparison;
  heading(terminal, 'A against B');
  fact(terminal, 'A', rulesText(rules.a));
  fact(terminal, 'B', rulesText(rules.b));
  const twice = in_both.a === in_both.b ? '' : ` (${thousands(in_both.b)} of B)`;
  fact(
    terminal,
    'alerts',
    `${thousands(in_both.a)} in both${twice}, ${thousands(only_a)} only in A, ${thousands(only_b)} only in B`,
  );
  terminal.line();
  terminal.table(
    ['', 'A'.padStart(12), 'B'.padStart(12)],
    sides(a, b).map(([name, ...values]) => [name, ...values.map((value) => value.padStart(12))]),
  );
  if (only_a + only_b > 0) {
    showSplits(
      terminal,
      'By detector',
      comparison.by_detector.map(({ detector, ...split }) => [detector, split]),
    );
    showSplits(
      terminal,
      'By identity',
      comparison.by_identity.map(({ tenant: _tenant, identity, ...split }) => [identity, split]),
    );
  }
  showAlerts(terminal, `Lost: raised by A and not by B`, lost, only_a);
  showAlerts(terminal, `Won: raised by B and not by A`, won, only_b);
}

function sides(a: Week, b: Week): [string, string, string][] {
  const line = (name: string, told: (week: Week) => string): [string, string, string] => [name, told(a), told(b)];
  return [
    line('alerts', ({ alerts }) => thousands(alerts)),
    ...(['critical', 'high', 'medium', 'low'] as const).map((severity) =>
      line(`  ${severity}`, ({ by_severity }) => thousands(by_severity[severity] ?? 0)),
    ),
    line('alerts a day', ({ alerts_a_day }) => alerts_a_day.toFixed(1)),
    line('per 1,000 identity-days', (week) => week.alerts_per_1000_identity_days.toFixed(1)),
    line('  asked for', ({ budget }) => String(budget.alerts_per_1000_identity_days)),
    line('  came for asked', ({ budget }) => (budget.ratio === null ? '-' : percent(budget.ratio))),
    line('on identities still learning', ({ learning }) => percent(learning.share)),
    line('identities with an alert', ({ by_identity }) => thousands(by_identity.length)),
    line('revisions sent', ({ revisions }) => thousands(revisions.all)),
    line('open at once, at most', ({ open }) => thousands(open.at_once_most)),
    line('alert threshold at the end, bits', ({ alert_bits }) => alert_bits?.toFixed(1) ?? '-'),
  ];
}

function showSplits(terminal: Terminal, title: string, splits: readonly (readonly [string, Split])[]): void {
  heading(terminal, title);
  const shown = splits.slice(0, LINES_SHOWN);
  terminal.table(
    ['', 'A', 'B', 'only in A', 'only in B'].map((name, i) => (i === 0 ? name : name.padStart(9))),
    shown.map(([name, { a, b, only_a, only_b }]) => [
      printable(name, 48),
      ...[a, b, only_a, only_b].map((count) => thousands(count).padStart(9)),
    ]),
  );
  more(terminal, splits.length - shown.length, 'line');
}

function showAlerts(terminal: Terminal, title: string, alerts: readonly ComparedAlert[], all: number): void {
  if (all === 0) return;
  heading(terminal, title);
  for (const { alert, time, severity, identity, detector, sentence } of alerts.slice(0, ALERTS_SHOWN)) {
    const when = minute(Date.parse(time));
    const head = `  ${when}  ${severityText(terminal, severity)}  ${printable(identity, 48)}`;
    terminal.line(`${head}  ${terminal.style('dim', `${detector} ${shortId(alert)}`)}`);
    terminal.paragraph(printable(sentence, 300), 4);
  }
  more(terminal, all - Math.min(all, ALERTS_SHOWN), 'alert');
}

function more(terminal: Terminal, count: number, one: string): void {
  if (count > 0) terminal.line(terminal.style('dim', `and ${counted(count, one)} more, in summary.json`));
}

import type { GapView } from '../../../schemas/api/gaps.ts';
import { invocation } from '../invocation.ts';
import { counted, instant, minute, printable, type Terminal } from '../terminal.ts';
import { fact, heading } from './words.ts';

function stateText(terminal: Terminal, { state }: GapView): string {
  if (state === 'open') return terminal.style('red', state);
  return state === 'decided' ? terminal.style('yellow', state) : state;
}

const whereText = ({ gap }: GapView): string => `${printable(gap.topic)}/${gap.partition}`;

export function showGaps(terminal: Terminal, gaps: readonly GapView[]): void {
  terminal.table(
    ['gap', 'state', 'since (UTC)', 'stage', 'where', 'reason', 'lost'],
    gaps.map((one) => [
      one.gap.id,
      stateText(terminal, one),
      minute(one.since),
      one.gap.stage,
      whereText(one),
      printable(one.gap.reason),
      one.gap.lost === undefined ? '' : `up to ${counted(one.gap.lost, 'record')}`,
    ]),
  );
}

/** What an operator has to know to decide, and the two ways to do it. */
export function showChoices(terminal: Terminal, { gap, choices }: GapView): void {
  heading(terminal, `${gap.id}: ${gap.stage} stands still`);
  terminal.paragraph(printable(gap.message, 1000), 2);
  fact(terminal, 'start', choices.start);
  fact(terminal, 'end', choices.end);
  terminal.line(`  to decide: ${invocation()} gap accept ${gap.id} --resume start|end --reason "..."`);
}

/** What came of it, for those who look back. */
export function showOutcome(terminal: Terminal, { gap, decision, closed }: GapView): void {
  if (decision === undefined && closed === undefined) return;
  heading(terminal, gap.id);
  if (decision !== undefined) {
    const { by, resume, reason, when } = decision;
    fact(terminal, 'decided', `${resume}, by ${printable(by.subject)} at ${instant(when)}: ${printable(reason, 400)}`);
  }
  if (closed === undefined) return;
  const where = closed.resumed_at === undefined ? 'another gap took its place' : `gone on at ${closed.resumed_at}`;
  fact(terminal, 'closed', `${where} at ${instant(closed.when)}`);
}

/** The one sentence of a decision that was taken, and what it means. */
export function showDecided(terminal: Terminal, one: GapView): void {
  const resume = one.decision?.resume ?? 'start';
  terminal.line(`Decided and on record: ${one.gap.stage} goes on after ${whereText(one)} at the ${resume}.`);
  terminal.paragraph(one.choices[resume]);
}

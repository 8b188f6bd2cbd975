import type { Command, Outcome } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { standingOf } from '../control/keys.ts';
import { announceAgain } from './directives.ts';
import { audit, refusal, type Turn, write } from './turn.ts';
import { watchAgain } from './watches.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/**
 * Opens an incident. A gap that was decided and closed before is the same gap after a crash: its decision still counts.
 * One that closed by itself and came back waits for a decision again.
 */
export function report(turn: Turn, command: Of<'report_gap'>): Outcome {
  const { gap } = command;
  const known = turn.state.gaps.get(gap.id);
  if (known?.state === 'open') return refusal('gap_already_open', 'this gap is known and waits for a decision');
  if (known?.state === 'decided') return decided();
  if (known?.decision !== undefined) return closed();
  if (unclosed(turn) >= LIMITS.gaps_unclosed_max) {
    return refusal('too_many', `at most ${LIMITS.gaps_unclosed_max} gaps that are not closed`);
  }
  const { stage, topic, partition, reason } = gap;
  const what = `gap ${gap.id} opened: ${stage} stands still at ${topic}/${partition}, ${reason}`;
  write(turn, { ...audit(turn, { who: command.by, what, command: command.id }), kind: 'gap_opened', gap });
  return { kind: 'done', subject: gap.id, state: 'open' };
}

/** What may be lost for good is for a person to accept. */
export function decide(turn: Turn, command: Of<'decide_gap'>): Outcome {
  const { gap, resume, reason } = command;
  if (!standingOf(turn.state, command.by, command.credential).human) {
    return refusal('not_human', 'only humans decide where to go on after a gap');
  }
  const known = turn.state.gaps.get(gap);
  if (known === undefined) return unknown();
  if (known.state === 'decided') return decided();
  if (known.state === 'closed') return closed();
  const what = `gap ${gap} decided: go on at the ${resume}`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'gap_decided',
    gap,
    resume,
    reason,
  });
  return { kind: 'done', subject: gap, state: 'decided' };
}

/** Also of a gap that nobody has decided: its cause can go away by itself. */
export function close(turn: Turn, command: Of<'close_gap'>): Outcome {
  const { gap, resumed_at } = command;
  const known = turn.state.gaps.get(gap);
  if (known === undefined) return unknown();
  if (known.state === 'closed') return closed();
  const what = `gap ${gap} closed: gone on at ${resumed_at}`;
  write(turn, { ...audit(turn, { who: command.by, what, command: command.id }), kind: 'gap_closed', gap, resumed_at });
  if (known.gap.stage === 'detect') {
    announceAgain(turn, known.gap.partition);
    watchAgain(turn, known.gap.partition);
  }
  return { kind: 'done', subject: gap, state: 'closed' };
}

function unclosed({ state }: Turn): number {
  let count = 0;
  for (const { state: standing } of state.gaps.values()) if (standing !== 'closed') count++;
  return count;
}

const unknown = (): Outcome => refusal('unknown_gap', 'there is no such gap, or it was closed long ago');
const decided = (): Outcome => refusal('gap_already_decided', 'somebody has decided this gap before');
const closed = (): Outcome => refusal('gap_already_closed', 'the stage has gone on after this gap');

import type { Gap } from '../../schemas/gap.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { isHidden, unclosedAt } from '../control/gap-states.ts';
import type { ControlState } from '../control/state.ts';
import type { ControlPosition } from '../control/writer.ts';
import { type EventLog, type PartitionBounds, TOPICS } from '../platform/event-log.ts';
import { gapOf } from '../platform/gaps.ts';
import { audit, type Turn, write } from './turn.ts';

/**
 * Gaps of the responder's own inputs. Its position says how far an input is decided; when the log no longer holds what
 * comes after, that input stands still until an operator has decided. The responder writes the incident itself.
 */

export const INPUTS = ['feed', 'commands'] as const;
export type Input = (typeof INPUTS)[number];
type Consumed = ControlPosition[Input];

export const topicOf = (input: Input) => TOPICS[input];

export type Standstill = {
  readonly input: Input;
  readonly gap: Gap;
  /** What the log holds of the input by now. */
  readonly generation: string;
  readonly bounds: PartitionBounds;
};

const placeOf = (input: Input) => ({ stage: 'contain', topic: topicOf(input), partition: 0 }) as const;

const AT_STAKE: Readonly<Record<Input, string>> = {
  feed: 'Alerts that were not looked at may be missing: what they recommend was not proposed.',
  commands:
    'What people asked for and was not decided may be missing, denials and revoked keys too. Nothing that is approved is ' +
    'carried out, and no command is decided but those about gaps, until this one is.',
};

/**
 * Compares a position with the log, and with what was found there before; undefined when reading can go on from it.
 * Rejects with LogUnavailable.
 */
export async function standstillAt(
  log: EventLog,
  input: Input,
  { position, gaps }: { readonly position: ControlPosition; readonly gaps: ControlState['gaps'] },
): Promise<Standstill | undefined> {
  const topic = topicOf(input);
  const known = position[input];
  const { generation } = await log.describe(topic);
  const bounds = await log.bounds(topic, 0);
  const evidence = [known.generation, known.next];
  const found = whatIsWrong(topic, known, generation, bounds);
  if (found === undefined) {
    const before = unclosedAt(gaps, placeOf(input));
    return before !== undefined && isHidden(before, evidence)
      ? { input, gap: before.gap, generation, bounds }
      : undefined;
  }
  const { reason, what, lost } = found;
  const gap = gapOf(
    {
      ...placeOf(input),
      reason,
      message: `${what} ${AT_STAKE[input]}`,
      ...(lost !== undefined && { lost }),
    },
    evidence,
  );
  return { input, gap, generation, bounds };
}

function whatIsWrong(
  topic: string,
  { next, generation: held }: Consumed,
  generation: string,
  { start, end }: PartitionBounds,
): { readonly reason: string; readonly what: string; readonly lost?: number } | undefined {
  if (generation !== held) return { reason: 'generation_changed', what: `${topic} was deleted and made anew.` };
  if (next < start) {
    const what = `${topic} begins at ${start}, and ${next} was next: records were deleted before they were read.`;
    return { reason: 'offset_before_log', what, lost: start - next };
  }
  if (next > end) {
    return {
      reason: 'offset_beyond_log',
      what: `${topic} ends at ${end}, and ${next} was next: it has lost its tail.`,
    };
  }
  return undefined;
}

/**
 * Opens the incident of a standstill, or ends it as it was decided. Returns where reading goes on then, undefined while
 * it waits.
 */
export function settle(turn: Turn, { gap, generation, bounds }: Standstill): Consumed | undefined {
  const known = turn.state.gaps.get(gap.id);
  if (known?.decision === undefined) {
    if (known === undefined || known.state === 'closed') {
      const what = `gap ${gap.id} opened: contain stands still at ${gap.topic}, ${gap.reason}`;
      write(turn, { ...audit(turn, { who: SYSTEM, what }), kind: 'gap_opened', gap });
      turn.notes.push({ name: 'gaps_found', labels: {}, fields: gap });
    }
    return undefined;
  }
  const next = known.decision.resume === 'start' ? bounds.start : bounds.end;
  if (known.state !== 'closed') close(turn, gap.id, next);
  return { generation, next };
}

/** Closes what a responder before this one left open of an input that can be read. */
export function settleLeftover(turn: Turn, input: Input, { next }: Consumed): void {
  const left = unclosedAt(turn.state.gaps, placeOf(input));
  if (left !== undefined) close(turn, left.gap.id, next);
}

function close(turn: Turn, gap: string, resumed_at: number): void {
  const what = `gap ${gap} closed: gone on at ${resumed_at}`;
  write(turn, { ...audit(turn, { who: SYSTEM, what }), kind: 'gap_closed', gap, resumed_at });
}

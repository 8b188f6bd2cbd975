import { createHash } from 'node:crypto';
import { Command, type Outcome } from '../../schemas/command.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, TOPICS } from '../platform/event-log.ts';
import type { CommandAnswer, ControlView } from './view.ts';

/** `unanswered`: it is durable and will be decided; ask again under the same id to learn the outcome. */
export type Answer = Outcome | { readonly kind: 'unanswered'; readonly command: string };

export type CommandBus = {
  /**
   * Appends a command durably and resolves with what the control log says became of it, read back: the view that the
   * bus was made with has applied everything the outcome rests on. Asking again under the same id does nothing twice and
   * answers the same. Rejects with `LogUnavailable` when the command could not be made durable.
   */
  ask(command: Command): Promise<Answer>;
};

export function createCommandBus(seams: {
  readonly log: EventLog;
  readonly view: ControlView;
  readonly clock: Clock;
  readonly timeout_ms?: number;
}): CommandBus {
  const { log, view, clock, timeout_ms = LIMITS.command_timeout_ms } = seams;
  return {
    async ask(command) {
      const parsed = Command.parse(command);
      const known = view.state.outcomes.get(parsed.id);
      if (known !== undefined) return answerTo(parsed, known);
      const value = Buffer.from(JSON.stringify(parsed));
      await log.transact({ records: [{ topic: TOPICS.commands, partition: 0, key: parsed.id, value }] });
      const patience = new AbortController();
      const answer = await Promise.race([
        view.waitForCommand(parsed.id, patience.signal),
        clock.sleep(timeout_ms, patience.signal).then(() => undefined),
      ]);
      patience.abort();
      return answer === undefined ? { kind: 'unanswered', command: parsed.id } : answerTo(parsed, answer);
    },
  };
}

/** What was asked, without when, and without what was read for it: the same question asked later is the same command. */
export function commandDigest(command: Command): string {
  const { time: _, ...asked } = withoutReading(command);
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex');
}

function withoutReading(command: Command): Pick<Command, 'time'> {
  if (command.type === 'verdict') return { ...command, ...{ about: undefined } };
  return command.type === 'containment_request' ? { ...command, ...{ snapshot: undefined } } : command;
}

function answerTo(command: Command, known: CommandAnswer): Answer {
  if (known.digest === commandDigest(command)) return known.outcome;
  const message = 'another command was asked under this id; use a new id';
  return { kind: 'refused', code: 'command_id_reused', message };
}

import type { ControlRecord } from '../../schemas/control.ts';
import { UNITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import type { ControlState } from '../control/state.ts';
import { type ControlPosition, commitControl, foldControl, readPosition, whileUnavailable } from '../control/writer.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, LogUnavailable, OffsetOutOfRange, TOPICS } from '../platform/event-log.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { createExecutions, type Executions } from './executions.ts';
import { type Executor, isRepeatable } from './executor.ts';
import { decideInputs, readInputs, verdictRecords } from './inputs.ts';
import type { ContainmentPolicy } from './policy.ts';
import { change, nextDue, openTurn, passTime, resume, type Turn } from './turn.ts';

export type ResponderOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly policy: ContainmentPolicy;
  /** Absent: approved containments are not executed and expire, and the control log says so. */
  readonly executor?: Executor | undefined;
  /** Different for every start of every process, for example 16 random hex digits. */
  readonly instance: string;
};

/** `fenced`: another responder has taken over. `gap`: inputs are missing, an operator decides. */
type ResponderEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'gap'; readonly message: string }
  | { readonly kind: 'failed'; readonly error: unknown };

export type Responder = {
  /** Resolves when the responder has ended, for whatever reason; never rejects. */
  readonly ended: Promise<ResponderEnd>;
  /** Lets running executions finish, writes their outcomes and ends. */
  stop(): Promise<ResponderEnd>;
};

/**
 * Starts the responder: the one that decides about containments, keys and subscriptions (design, section 8). It writes its
 * fence, acts only after reading it back, and from then on every write of it expects the position it left, so of two
 * responders one ends by conflict before it has decided anything.
 */
export function startResponder(options: ResponderOptions): Responder {
  const stopping = new AbortController();
  const executions = createExecutions(options);
  const ended = run(options, executions, stopping.signal)
    .catch((error: unknown): ResponderEnd => {
      if (stopping.signal.aborted && error instanceof LogUnavailable) return { kind: 'stopped' };
      if (error instanceof OffsetOutOfRange) return { kind: 'gap', message: error.message };
      return { kind: 'failed', error };
    })
    .then((end) => {
      executions.abort();
      if (end.kind !== 'stopped') {
        const message = end.kind === 'failed' ? String(end.error) : end.kind === 'gap' ? end.message : undefined;
        options.telemetry.occurred('responder_stops', { reason: end.kind }, { message });
      }
      return end;
    });
  return {
    ended,
    stop() {
      stopping.abort();
      return ended;
    },
  };
}

/** What the responder holds between turns: the folded log, and the position that its last write left. */
type Held = { readonly state: ControlState; text: string; position: ControlPosition };

type Shell = ResponderOptions & { readonly executions: Executions; readonly stopping: AbortSignal };

async function run(options: ResponderOptions, executions: Executions, stopping: AbortSignal): Promise<ResponderEnd> {
  const held = await takeOver(options, stopping);
  if ('kind' in held) return held;
  const shell = { ...options, executions, stopping };
  const first = turnOf(options, held.state);
  resume(first);
  if (!(await finish(shell, held, first, held.position))) return { kind: 'fenced' };
  while (!stopping.aborted) {
    const inputs = await whileUnavailable(options.clock, stopping, () => readInputs(options.log, held.position));
    const turn = turnOf(options, held.state);
    report(turn, executions);
    passTime(turn);
    for (const id of executions.takeRetries()) change(turn, id, { type: 'retry' }, { who: SYSTEM });
    decideInputs(turn, inputs);
    if (inputs.count === 0 && turn.records.length === 0) {
      // What was passed over were markers of transactions: not worth a write, but nothing to wake up for either.
      held.position = inputs.position;
      await idle(shell, held);
    } else if (!(await finish(shell, held, turn, inputs.position))) return { kind: 'fenced' };
  }
  await executions.settled();
  const final = turnOf(options, held.state);
  report(final, executions);
  if (final.records.length === 0) return { kind: 'stopped' };
  return { kind: (await finish(shell, held, final, held.position)) ? 'stopped' : 'fenced' };
}

function report(turn: Turn, executions: Executions): void {
  for (const { id, result, repeatable } of executions.takeReports()) {
    change(turn, id, { type: 'report', result, repeatable }, { who: SYSTEM });
  }
}

function turnOf({ clock, policy, executor }: ResponderOptions, state: ControlState): Turn {
  const named = executor && { name: executor.name, repeatable: isRepeatable(executor) };
  return openTurn(state, { now: clock.now(), policy, executor: named });
}

/** Writes the fence and reads it back: from here on the state is the log, and nobody else can add to it unnoticed. */
async function takeOver(options: ResponderOptions, stopping: AbortSignal): Promise<Held | ResponderEnd> {
  const { log, clock, instance, executor } = options;
  const { text, position } = await whileUnavailable(clock, stopping, () => readPosition(log));
  for (const topic of [TOPICS.feed, TOPICS.commands] as const) {
    const { generation } = await whileUnavailable(clock, stopping, () => log.describe(topic));
    const known = topic === TOPICS.feed ? position.feed : position.commands;
    if (generation !== known.generation) return { kind: 'gap', message: `${topic} was deleted and made anew` };
  }
  const epoch = position.epoch + 1;
  const fence: ControlRecord = {
    v: 1,
    who: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
    when: clock.now(),
    what: `responder ${instance} takes over as number ${epoch}`,
    kind: 'responder_fence',
    epoch,
    instance,
    ...(executor !== undefined && { executor: executor.name }),
  };
  const next = { ...position, epoch, instance, write: position.write + 1 };
  const written = await commitControl(log, clock, { records: [fence], expect: text, next }, stopping);
  if (written === 'conflict') return { kind: 'fenced' };
  const { state } = await whileUnavailable(clock, stopping, () => foldControl(log));
  if (state.responder?.epoch !== epoch || state.responder.instance !== instance) return { kind: 'fenced' };
  return { state, text: JSON.stringify(next), position: next };
}

/** Makes a turn durable, then carries out what follows from it. False when another responder has taken over. */
async function finish(shell: Shell, held: Held, turn: Turn, consumed: ControlPosition): Promise<boolean> {
  const { log, clock, telemetry, executions, stopping } = shell;
  const next = { ...consumed, write: held.position.write + 1 };
  const others = await whileUnavailable(clock, stopping, () => verdictRecords(log, turn.verdicts));
  const write = { records: turn.records, others, expect: held.text, next };
  if ((await commitControl(log, clock, write, stopping)) === 'conflict') return false;
  held.position = next;
  held.text = JSON.stringify(next);
  for (const { name, labels, fields } of turn.notes) telemetry.occurred(name, labels, { ...fields });
  for (const { containment, effect } of turn.effects) {
    if (effect.kind === 'execute') executions.start(containment);
    else executions.retryLater(containment);
  }
  return true;
}

/** The clock may be set while the responder sleeps, so it looks again after so long at most. */
const SLEEP_MS_MAX = UNITS.MINUTE_MS;

/** Sleeps until there is an input, an outcome, something due, or the wish to stop. */
async function idle(shell: Shell, held: Held): Promise<void> {
  const { log, clock, policy, executions, stopping } = shell;
  const awake = new AbortController();
  const wake = (): void => awake.abort();
  stopping.addEventListener('abort', wake, { once: true });
  if (stopping.aborted) wake();
  const due = Math.min(nextDue(held.state, policy) ?? Number.POSITIVE_INFINITY, executions.nextRetry());
  const sleep_ms = Math.max(0, Math.min(due - clock.now(), SLEEP_MS_MAX));
  await Promise.race([
    log.waitBeyond(TOPICS.feed, 0, held.position.feed.next, awake.signal),
    log.waitBeyond(TOPICS.commands, 0, held.position.commands.next, awake.signal),
    executions.changed(awake.signal),
    clock.sleep(sleep_ms, awake.signal),
  ]);
  wake();
  stopping.removeEventListener('abort', wake);
}

import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { type Auditing, checkpointDue, openingRecords, signCheckpoint } from '../control/auditor.ts';
import { applyControl, type ControlState } from '../control/state.ts';
import {
  assertSameControl,
  type ControlPosition,
  commitControl,
  endsAtHead,
  foldControl,
  readPosition,
  whileUnavailable,
} from '../control/writer.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, LogUnavailable, OffsetOutOfRange, TOPICS, type Topic } from '../platform/event-log.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { directiveRecords } from './directives.ts';
import { createExecutions, type Executions } from './executions.ts';
import { type Executor, factsOf } from './executor.ts';
import { decideInputs, type Inputs, readInputs, type Scan, verdictRecords } from './inputs.ts';
import type { ContainmentPolicy } from './policy.ts';
import { INPUTS, type Input, type Standstill, settle, settleLeftover, standstillAt } from './standstill.ts';
import {
  change,
  dispatchApproved,
  hasApproved,
  nextDue,
  openTurn,
  passTime,
  resume,
  type Turn,
  write,
} from './turn.ts';
import { watchRecords } from './watches.ts';

export type ResponderOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly policy: ContainmentPolicy;
  /** None: approved containments are not executed and expire, and the control log says so. */
  readonly executors: readonly Executor[];
  /** Different for every start of every process, for example 16 random hex digits. */
  readonly instance: string;
  /** Absent: the log is chained, and nobody signs it. */
  readonly audit?: Auditing;
};

/** `fenced`: another responder has taken over, or somebody repaired the control log. */
type ResponderEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'fenced' }
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
  const holdsOffice = (signal: AbortSignal): Promise<boolean> => wroteLast(options, signal);
  const executions = createExecutions({ ...options, holdsOffice });
  const ended = run(options, executions, stopping.signal)
    .catch((error: unknown): ResponderEnd => {
      if (stopping.signal.aborted && error instanceof LogUnavailable) return { kind: 'stopped' };
      return { kind: 'failed', error };
    })
    .then((end) => {
      executions.abort();
      if (end.kind !== 'stopped') {
        const message = end.kind === 'failed' ? String(end.error) : undefined;
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

/**
 * Keeps a responder at work until the signal aborts, for the process that holds the office: one that was fenced takes over
 * again. Resolves once the last one has ended, which takes an execution under way at most; rejects on a defect.
 */
export async function runResponder(
  options: Omit<ResponderOptions, 'instance'> & { readonly newInstance: () => string },
  signal: AbortSignal,
): Promise<void> {
  const { newInstance, ...rest } = options;
  while (!signal.aborted) {
    const responder = startResponder({ ...rest, instance: newInstance() });
    const stop = (): void => void responder.stop();
    signal.addEventListener('abort', stop, { once: true });
    const end = await responder.ended;
    signal.removeEventListener('abort', stop);
    if (end.kind === 'failed') throw end.error;
    if (end.kind === 'fenced') await options.clock.sleep(LIMITS.takeover_ms, signal);
  }
}

/** Whether the control log's last write is of this instance: whoever took over wrote its fence. */
async function wroteLast({ log, clock, instance }: ResponderOptions, signal: AbortSignal): Promise<boolean> {
  const { position } = await whileUnavailable(clock, signal, () => readPosition(log));
  return position.instance === instance;
}

/** What the responder holds between turns: the folded log, and the position that its last write left. */
type Held = {
  readonly state: ControlState;
  text: string;
  position: ControlPosition;
  /** Inputs that cannot be read on, as of the last look at the log. */
  stops: ReadonlyMap<Input, Standstill>;
  scan: Scan | undefined;
  /** When the log was last looked at, epoch milliseconds. */
  looked: number;
};

type Shell = ResponderOptions & { readonly executions: Executions; readonly stopping: AbortSignal };

async function run(options: ResponderOptions, executions: Executions, stopping: AbortSignal): Promise<ResponderEnd> {
  const held = await takeOver(options, stopping);
  if ('kind' in held) return held;
  const shell = { ...options, executions, stopping };
  await look(shell, held);
  const first = turnOf(options, held.state);
  if (options.audit !== undefined) {
    for (const record of openingRecords(held.state.audit, options.audit, first.context.now)) write(first, record);
  }
  resume(first);
  if (!(await finish(shell, held, first, held.position))) return { kind: 'fenced' };
  while (!stopping.aborted) {
    const asked = hasApproved(held.state) ? await commandsEnd(shell) : undefined;
    const inputs = await gather(shell, held);
    if (inputs === undefined) continue;
    // Denials and revoked keys may be among what is missing, so nothing is dispatched before somebody has decided.
    const turn = turnOf(options, held.state, { dispatches: !held.stops.has('commands') });
    report(turn, executions);
    passTime(turn);
    for (const id of executions.takeRetries()) change(turn, id, { type: 'retry' }, { who: SYSTEM });
    decideInputs(turn, inputs);
    if (asked !== undefined && inputs.position.commands.next >= asked) dispatchApproved(turn);
    const position = settleStops(turn, held, inputs.position);
    if ((checkpointTime(shell, held) ?? Number.POSITIVE_INFINITY) <= turn.context.now) sign(shell, held, turn);
    const passed = inputs.scan?.next !== held.scan?.next;
    const consumed = inputs.feed.length + inputs.commands.length > 0 || position !== inputs.position;
    held.scan = inputs.scan;
    if (consumed || turn.records.length > 0) {
      if (!(await finish(shell, held, turn, position))) return { kind: 'fenced' };
    } else {
      // What was passed over were markers of transactions: not worth a write, but nothing to wake up for either.
      held.position = position;
      if (!passed) await idle(shell, held);
    }
  }
  await executions.settled();
  const final = turnOf(options, held.state);
  report(final, executions);
  if (final.records.length > 0 && !(await finish(shell, held, final, held.position))) return { kind: 'fenced' };
  const last = turnOf(options, held.state);
  if (checkpointTime(shell, held) === undefined) return { kind: 'stopped' };
  sign(shell, held, last);
  return { kind: (await finish(shell, held, last, held.position)) ? 'stopped' : 'fenced' };
}

/** Where the commands that were asked so far end. */
async function commandsEnd({ log, clock, stopping }: Shell): Promise<number> {
  const { end } = await whileUnavailable(clock, stopping, () => log.bounds(TOPICS.commands, 0));
  return end;
}

/** When the next checkpoint is due, epoch milliseconds; undefined when nobody signs, or there is nothing new. */
function checkpointTime({ audit, clock }: Shell, { state, position }: Held): number | undefined {
  return audit && checkpointDue(state.audit, position.head, audit, clock.now());
}

/** Puts a checkpoint of the log as it stands before the records of the turn. */
function sign({ audit }: Shell, { state, position }: Held, turn: Turn): void {
  if (audit === undefined || position.control === undefined) return;
  const record = signCheckpoint(audit, position.head, { log: position.control, now: turn.context.now });
  turn.records.unshift(record);
  applyControl(state, record);
}

/** The next inputs. Looks at the log first where one stands still, now and then, and when an offset is out of range. */
async function gather(shell: Shell, held: Held): Promise<Inputs | undefined> {
  const { log, clock, stopping } = shell;
  if (held.stops.size > 0 || clock.now() - held.looked >= LIMITS.log_check_ms) await look(shell, held);
  try {
    return await whileUnavailable(clock, stopping, () => readInputs(log, held.position, held.stops, held.scan));
  } catch (error) {
    if (!(error instanceof OffsetOutOfRange)) throw error;
    await look(shell, held);
    // The log has changed between two looks at it.
    if (held.stops.size === 0) await clock.sleep(LIMITS.takeover_ms, stopping);
    return undefined;
  }
}

async function look({ log, clock, stopping }: Shell, held: Held): Promise<void> {
  const { generation } = await whileUnavailable(clock, stopping, () => log.describe(TOPICS.control));
  assertSameControl(held.position, generation);
  const found = new Map<Input, Standstill>();
  for (const input of INPUTS) {
    const stop = await whileUnavailable(clock, stopping, () =>
      standstillAt(log, input, { position: held.position, gaps: held.state.gaps }),
    );
    if (stop !== undefined) found.set(input, stop);
  }
  held.stops = found;
  held.looked = clock.now();
}

/** The position with which reading goes on after what was decided about gaps; the same one when nothing was. */
function settleStops(turn: Turn, { stops }: Held, from: ControlPosition): ControlPosition {
  let position = from;
  for (const input of INPUTS) {
    const stop = stops.get(input);
    if (stop === undefined) settleLeftover(turn, input, from[input]);
    const next = stop && settle(turn, stop);
    if (next !== undefined) position = { ...position, [input]: next };
  }
  return position;
}

function report(turn: Turn, executions: Executions): void {
  for (const { id, result, repeatable } of executions.takeReports()) {
    change(turn, id, { type: 'report', result, repeatable }, { who: SYSTEM });
  }
}

function turnOf(
  { clock, policy, executors }: ResponderOptions,
  state: ControlState,
  { dispatches }: { readonly dispatches: boolean } = { dispatches: true },
): Turn {
  return openTurn(state, { now: clock.now(), policy, executors: executors.map(factsOf), dispatches });
}

/** Writes the fence and reads it back: from here on the state is the log, and nobody else can add to it unnoticed. */
async function takeOver(options: ResponderOptions, stopping: AbortSignal): Promise<Held | ResponderEnd> {
  const { log, clock, instance, executors } = options;
  const { text, position } = await whileUnavailable(clock, stopping, () => readPosition(log));
  const epoch = position.epoch + 1;
  const fence: ControlRecord = {
    v: 1,
    who: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
    when: clock.now(),
    what: `responder ${instance} takes over as number ${epoch}`,
    kind: 'responder_fence',
    epoch,
    instance,
    executors: executors.map(({ name }) => name),
  };
  const next = { ...position, epoch, instance, write: position.write + 1 };
  const written = await commitControl(log, clock, { records: [fence], expect: text, next }, stopping);
  if (written.kind === 'conflict') return { kind: 'fenced' };
  const { state, chain } = await whileUnavailable(clock, stopping, () => foldControl(log));
  if (state.responder?.epoch !== epoch || state.responder.instance !== instance) return { kind: 'fenced' };
  const sound = await whileUnavailable(clock, stopping, () => endsAtHead(log, chain, written.text, written.position));
  if (!sound) return { kind: 'fenced' };
  const nothing_known = { stops: new Map(), scan: undefined, looked: 0 };
  return { state, text: written.text, position: written.position, ...nothing_known };
}

/** Makes a turn durable, then carries out what follows from it. False when another responder has taken over. */
async function finish(shell: Shell, held: Held, turn: Turn, consumed: ControlPosition): Promise<boolean> {
  const { log, clock, telemetry, executions, stopping } = shell;
  const next = { ...consumed, head: held.position.head, write: held.position.write + 1 };
  const others = await whileUnavailable(clock, stopping, async () => [
    ...(await verdictRecords(log, turn.verdicts)),
    ...(await directiveRecords(log, turn.announcements)),
    ...(await watchRecords(log, turn.watches)),
  ]);
  const write = { records: turn.records, others, expect: held.text, next };
  const written = await commitControl(log, clock, write, stopping);
  if (written.kind === 'conflict') return false;
  held.position = written.position;
  held.text = written.text;
  for (const { name, labels, fields } of turn.notes) telemetry.occurred(name, labels, { ...fields });
  for (const { containment, effect } of turn.effects) {
    if (effect.kind === 'execute') executions.start(containment);
    else executions.retryLater(containment);
  }
  return true;
}

/** Sleeps until there is an input, an outcome, something due, or the wish to stop; and a while at most, to look again. */
async function idle(shell: Shell, held: Held): Promise<void> {
  const { log, clock, policy, executions, stopping } = shell;
  const awake = new AbortController();
  const wake = (): void => awake.abort();
  stopping.addEventListener('abort', wake, { once: true });
  if (stopping.aborted) wake();
  const due = Math.min(
    nextDue(held.state, policy) ?? Number.POSITIVE_INFINITY,
    checkpointTime(shell, held) ?? Number.POSITIVE_INFINITY,
    executions.nextRetry(),
  );
  const sleep_ms = Math.max(0, Math.min(due - clock.now(), LIMITS.log_check_ms));
  const beyond = (topic: Topic, next: number): Promise<void> =>
    whileUnavailable(clock, awake.signal, () => log.waitBeyond(topic, 0, next, awake.signal));
  const { feed, commands } = held.position;
  try {
    await Promise.race([
      ...(held.stops.has('feed') ? [] : [beyond(TOPICS.feed, feed.next)]),
      beyond(TOPICS.commands, held.stops.has('commands') ? (held.scan?.next ?? 0) : commands.next),
      executions.changed(awake.signal),
      clock.sleep(sleep_ms, awake.signal),
    ]);
  } finally {
    wake();
    stopping.removeEventListener('abort', wake);
  }
}

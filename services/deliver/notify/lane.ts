import { LIMITS } from '../../../schemas/limits.ts';
import type { NoticeFilter, NotifyLaneView, NotifyReason } from '../../../schemas/notify.ts';
import type { ControlView } from '../../control/view.ts';
import type { Clock } from '../../platform/clock.ts';
import { type EventLog, TOPICS } from '../../platform/event-log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { firstOf } from '../first-of.ts';
import { isPassing } from '../passing.ts';
import { type Agenda, type AgendaSettings, drawUp } from './agenda.ts';
import { decodeLane, done, encodeLane, failed, type LaneState, newLane, spent } from './lane-state.ts';
import type { Notice } from './notice.ts';

/** What came of one attempt. `detail` is for people and the log, and may be the other side's words. */
export type SendAnswer =
  | { readonly kind: 'sent' }
  | { readonly kind: 'aborted' }
  | {
      readonly kind: 'failed';
      readonly reason: NotifyReason;
      readonly detail: string;
      readonly retry_after_ms: number;
    };

/** One recipient, or one chat. */
export type Target = {
  /** Name of its position in the log. */
  readonly position: string;
  readonly channel: NotifyLaneView['channel'];
  /** For people. */
  readonly to: string;
  readonly filter: NoticeFilter;
  /** Never rejects. */
  send(notice: Notice, signal: AbortSignal): Promise<SendAnswer>;
};

export type NotifyPorts = {
  readonly log: EventLog;
  readonly view: Pick<ControlView, 'state' | 'next'>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Jitter in [0, 1). */
  readonly random: () => number;
  readonly settings: AgendaSettings;
};

/** One office for all lanes: the process that delivers holds it. */
const FENCE = 'notify';

type Walk = {
  readonly ports: NotifyPorts;
  readonly target: Target;
  state: LaneState;
  stored: string | undefined;
};

/**
 * Tells one target until the signal aborts: at least once, and never nothing in silence. The log being unavailable, or
 * another process having moved the position, is waited out. Rejects on a defect.
 */
export async function runLane(ports: NotifyPorts, target: Target, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const walk = await openWalk(ports, target);
      while (!signal.aborted) {
        await step(walk, signal);
        failures = 0;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (signal.aborted) return;
      ports.telemetry.occurred('notify_stalls', { channel: target.channel }, { to: target.to, error: error.message });
      await ports.clock.sleep(Math.min(LIMITS.feed_retry_ms_max, LIMITS.feed_retry_ms * 2 ** failures++), signal);
    }
  }
}

async function openWalk(ports: NotifyPorts, target: Target): Promise<Walk> {
  const { log, clock } = ports;
  const stored = await log.position(target.position);
  const { generation } = await log.describe(TOPICS.control);
  const held = stored === undefined ? undefined : decodeLane(stored);
  if (held?.generation === generation) return { ports, target, state: held, stored };
  const { start, end } = await log.bounds(TOPICS.control, 0);
  const walk = { ports, target, state: newLane(generation, start, end, clock.now()), stored };
  await save(walk, walk.state);
  return walk;
}

async function save(walk: Walk, state: LaneState, counter?: 'notify_sent' | 'notify_gave_up'): Promise<void> {
  const { ports, target } = walk;
  const position = encodeLane(state);
  await ports.log.transact({
    records: [],
    ...(counter === undefined ? {} : { counters: [{ name: counter, add: 1 }] }),
    positions: [{ name: target.position, position }],
    expect: { name: target.position, position: walk.stored, fence: FENCE },
  });
  walk.state = state;
  walk.stored = position;
}

/** One move: an attempt, or one wait. */
async function step(walk: Walk, signal: AbortSignal): Promise<void> {
  const { ports, target } = walk;
  const { log, view, clock, settings } = ports;
  const agenda = await drawUp({ log, view, filter: target.filter, settings, now_ms: clock.now() }, walk.state);
  await pass(walk, agenda.state);
  const { head } = agenda;
  const again = head !== undefined && walk.state.head === head.notice.id && walk.state.due_ms > clock.now();
  if (head === undefined || again) return rest(walk, agenda, signal);
  const answer = await target.send(head.notice, signal);
  if (answer.kind === 'aborted') return;
  const labels = { channel: target.channel, outcome: answer.kind === 'sent' ? 'sent' : answer.reason };
  const error = answer.kind === 'sent' ? {} : { error: answer.detail };
  ports.telemetry.occurred('notify_attempts', labels, { to: target.to, notice: head.notice.id, ...error });
  if (answer.kind === 'sent') return save(walk, done(head.after, head.notice.id), 'notify_sent');
  const now_ms = clock.now();
  const next = failed(walk.state, head.notice.id, { ...answer, now_ms, random: ports.random() });
  if (!spent(next, now_ms)) return save(walk, next);
  ports.telemetry.occurred('notify_gave_up', labels, { to: target.to, notice: head.notice.id, ...error });
  await save(
    walk,
    { ...done({ ...head.after, head: next.head }, next.head), given_up: next.given_up + 1 },
    'notify_gave_up',
  );
}

/** What told nobody anything is passed over in memory, and written down now and then: reading it again does no harm. */
async function pass(walk: Walk, state: LaneState): Promise<void> {
  const stored = walk.stored === undefined ? undefined : decodeLane(walk.stored);
  walk.state = state;
  if (stored === undefined) return;
  const passed = Math.max(state.news - stored.news, state.proposals - stored.proposals);
  if (passed >= LIMITS.notify_passed_max) await save(walk, state);
}

/** Waits for what can change the agenda: a record, something falling due, or the end of a pause. */
async function rest({ ports, state }: Walk, agenda: Agenda, signal: AbortSignal): Promise<void> {
  const { log, clock } = ports;
  const waits: ((either: AbortSignal) => Promise<unknown>)[] = [];
  // News are read to the end unless they are what waits.
  if (agenda.head?.news !== true) waits.push((either) => log.waitBeyond(TOPICS.control, 0, state.news, either));
  const until_ms = agenda.head === undefined ? agenda.wake_ms : state.due_ms;
  const sleep_ms = Math.min(Math.max(0, until_ms - clock.now()), LIMITS.notify_look_ms);
  waits.push((either) => clock.sleep(sleep_ms, either));
  await firstOf(signal, waits);
}

/** How a target fares, read from its position: any process can tell. */
export async function laneView(log: EventLog, { position, channel, to }: Target): Promise<NotifyLaneView> {
  const stored = await log.position(position);
  if (stored === undefined) return { channel, to, state: 'idle', attempts: 0, given_up: 0 };
  const { attempts, due_ms, reason, given_up } = decodeLane(stored);
  return {
    channel,
    to,
    state: attempts > 0 ? 'retrying' : 'idle',
    attempts,
    given_up,
    ...(attempts > 0 && { next_attempt: due_ms }),
    ...(reason !== undefined && { reason }),
  };
}

import { LIMITS } from '../../schemas/limits.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import { TOPICS } from '../platform/event-log.ts';
import { checkTarget } from '../platform/http-post.ts';
import { decodeWebhookSecret } from '../platform/standard-webhooks.ts';
import { FEED_PARTITION } from './feed.ts';
import { firstOf } from './first-of.ts';
import { isPassing } from './passing.ts';
import { deliver } from './webhook-attempt.ts';
import { advance, decodeLane, newLane } from './webhook-core.ts';
import { feedOffsetAt, findMessage } from './webhook-message.ts';
import { type Lane, type LaneStatus, save, show, type Walk, type WebhookPorts } from './webhook-walk.ts';

/**
 * Walks one lane until the signal aborts, its subscription is removed, or its redelivery is complete. The log being
 * unavailable, or another process having moved the position, is waited out; rejects on a defect.
 */
export async function runLane(ports: WebhookPorts, lane: Lane, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted && !ended(lane)) {
    try {
      const walk = await openWalk(ports, lane);
      while (!signal.aborted && walk !== undefined && !ended(lane)) {
        await step(walk, signal);
        failures = 0;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (signal.aborted) return;
      lane.status.state = 'stalled';
      ports.telemetry.occurred('webhook_stalls', {}, { subscription: lane.subscription, error: error.message });
      await ports.clock.sleep(Math.min(LIMITS.feed_retry_ms_max, LIMITS.feed_retry_ms * 2 ** failures++), signal);
    }
  }
}

function ended(lane: Lane): boolean {
  return lane.status.state === 'ended';
}

async function openWalk(ports: WebhookPorts, lane: Lane): Promise<Walk | undefined> {
  const { log } = ports;
  const stored = await log.position(lane.position);
  const { generation } = await log.describe(TOPICS.feed);
  const held = stored === undefined ? undefined : decodeLane(stored);
  const entry = entryOf(ports, lane);
  if (lane.kind === 'redelivery' && (held === undefined || held.ended || held.generation !== generation)) {
    lane.status.state = 'ended';
    return undefined;
  }
  const begins = held === undefined || held.ended || held.generation !== generation;
  const state = begins ? newLane(generation, await feedOffsetAt(log, entry?.status.since ?? 0)) : held;
  const walk: Walk = { ports, lane, state, stored, tried: undefined };
  show(lane, state);
  await passOverLost(walk);
  if (begins) await save(walk, walk.state);
  return walk;
}

/**
 * What retention has removed cannot be sent: it is counted, and the lane goes on where the feed begins. A feed that has
 * lost its tail is gone on with at its end: what it lost was sent.
 */
async function passOverLost(walk: Walk): Promise<void> {
  const { log, telemetry } = walk.ports;
  const { start, end } = await log.bounds(TOPICS.feed, FEED_PARTITION);
  const { next } = walk.state;
  if (next > end) {
    telemetry.occurred('webhook_feed_shorter', {}, { subscription: walk.lane.subscription, next, end });
    return save(walk, advance(walk.state, end - 1));
  }
  if (next >= start) return;
  telemetry.occurred('webhook_lost', {}, { subscription: walk.lane.subscription, from: next, to: start }, start - next);
  await save(walk, advance(walk.state, start - 1), {
    counters: [{ name: 'webhook_lost', add: start - next }],
  });
}

function entryOf(ports: WebhookPorts, lane: Lane): SubscriptionEntry | undefined {
  return ports.subscriptions.current().find(({ subscription }) => subscription.id === lane.subscription);
}

/** One move: an attempt, or one wait. */
async function step(walk: Walk, signal: AbortSignal): Promise<void> {
  const { ports, lane } = walk;
  const woken = lane.wakeup.take();
  const entry = entryOf(ports, lane);
  if (entry === undefined) return end(walk);
  const resting = (state: LaneStatus['state']) => rest(walk, entry, state, signal);
  if (entry.status.state === 'disabled') return resting('disabled');
  const target = checkTarget(entry.subscription.url, ports.policy);
  const keys = entry.subscription.secrets.map(decodeWebhookSecret).filter((key) => key !== undefined);
  if (typeof target === 'string' || keys.length < entry.subscription.secrets.length) {
    lane.status.last_error = typeof target === 'string' ? target : 'a secret is whsec_ and base64 of 24 to 64 bytes';
    return resting('misconfigured');
  }
  const until = walk.state.until ?? Number.MAX_SAFE_INTEGER;
  const head = await findMessage(ports.log, entry.subscription, { from: walk.state.next, until });
  if (head.message === undefined) {
    const state = advance(walk.state, head.next - 1);
    // Markers of transactions are passed without a write.
    if (head.passed > 0) await save(walk, state);
    else if (head.next > walk.state.next) {
      walk.state = state;
      show(lane, state);
    }
    return head.next >= until ? end(walk) : resting('idle');
  }
  const changed = walk.tried !== undefined && walk.tried !== entry;
  if (changed) walk.state = advance(walk.state, walk.state.next - 1);
  if (walk.state.due_ms > ports.clock.now() && !woken) return resting('waiting');
  walk.tried = entry;
  await deliver({ walk, entry, target, keys, until, signal }, head.message);
}

async function end(walk: Walk): Promise<void> {
  await save(walk, { ...walk.state, ended: true });
  walk.lane.status.state = 'ended';
}

/** Waits for whatever can end this state: at once when the subscription has changed since it was looked at. */
async function rest(
  walk: Walk,
  seen: SubscriptionEntry,
  state: LaneStatus['state'],
  signal: AbortSignal,
): Promise<void> {
  const { ports, lane } = walk;
  const { next, due_ms } = walk.state;
  if (entryOf(ports, lane) !== seen) return;
  lane.status.state = state;
  const waits = [
    (either: AbortSignal) => ports.subscriptions.changed(either),
    (either: AbortSignal) => lane.wakeup.wait(either),
  ];
  if (state === 'idle') waits.push((either) => ports.log.waitBeyond(TOPICS.feed, FEED_PARTITION, next, either));
  if (state === 'waiting') waits.push((either) => ports.clock.sleep(due_ms - ports.clock.now(), either));
  await firstOf(signal, waits);
}

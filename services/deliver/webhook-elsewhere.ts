import { SYSTEM } from '../../schemas/principal.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, OffsetOutOfRange, type PartitionBounds, TOPICS } from '../platform/event-log.ts';
import { FEED_PARTITION } from './feed.ts';
import type { ControlPorts, SubscriptionSource } from './subscriptions.ts';
import type { SubscriptionDelivery, Webhooks } from './webhook.ts';
import { decodeLane, type LaneState } from './webhook-core.ts';
import { beginRedelivery } from './webhook-redelivery.ts';
import { type LaneStatus, livePosition, newStatus, redeliveryPosition } from './webhook-walk.ts';

export type ElsewherePorts = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly subscriptions: Pick<SubscriptionSource, 'current'>;
  readonly bus: ControlPorts['bus'];
  /** Of the control log. */
  readonly view: { next(): number };
};

/**
 * Webhooks for a process that does not run their lanes: how they fare is read from their positions, so the words of
 * receivers and the time of the last delivery are not known; what is asked of them goes by way of the control log.
 */
export function webhooksElsewhere(ports: ElsewherePorts): Pick<Webhooks, 'status' | 'redeliver' | 'retryNow'> {
  const { log, clock, subscriptions, bus, view } = ports;
  const retry = async (subscription: string): Promise<void> => {
    await bus.ask({
      // Two of the same moment are one.
      id: `subscription-retry:${subscription}:${view.next()}`,
      by: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
      time: clock.now(),
      type: 'subscription_retry',
      subscription,
    });
  };
  return {
    async status() {
      const generation = (await log.describe(TOPICS.feed)).generation;
      const bounds = await log.bounds(TOPICS.feed, FEED_PARTITION);
      return Promise.all(subscriptions.current().map((entry) => deliveryOf(log, entry, { generation, bounds })));
    },
    async redeliver(subscription, range) {
      const begun = await beginRedelivery(ports, subscription, range);
      if (begun.ok) await retry(subscription);
      return begun;
    },
    async retryNow(subscription) {
      if (!subscriptions.current().some((entry) => entry.subscription.id === subscription)) return false;
      await retry(subscription);
      return true;
    },
  };
}

type Feed = { readonly generation: string; readonly bounds: PartitionBounds };

async function deliveryOf(log: EventLog, entry: SubscriptionEntry, feed: Feed): Promise<SubscriptionDelivery> {
  const { id } = entry.subscription;
  const [live, redelivery] = [
    await laneAt(log, livePosition(id), feed),
    await laneAt(log, redeliveryPosition(id), feed),
  ];
  const { end } = feed.bounds;
  const behind = live === undefined ? end - feed.bounds.start : await remaining(log, live.next, feed);
  const status = statusOf(live, behind);
  return {
    ...(entry.status.state === 'disabled' ? { ...status, state: 'disabled' } : status),
    subscription: id,
    entry,
    behind,
    redelivery: redelivery && statusOf(redelivery, (redelivery.until ?? end) - redelivery.next),
  };
}

async function laneAt(log: EventLog, name: string, { generation }: Feed): Promise<LaneState | undefined> {
  const held = await log.position(name);
  const lane = held === undefined ? undefined : decodeLane(held);
  return lane?.ended === false && lane.generation === generation ? lane : undefined;
}

/** Offsets from `next` to the end; 0 when nothing but markers of transactions is left. */
async function remaining(log: EventLog, next: number, { bounds: { start, end } }: Feed): Promise<number> {
  const from = Math.max(next, start);
  if (from >= end) return 0;
  try {
    const { records } = await log.read(TOPICS.feed, FEED_PARTITION, from, { records: 1, bytes: 1 });
    return records.length === 0 ? 0 : end - next;
  } catch (error) {
    // Retention moved the start between the two looks.
    if (!(error instanceof OffsetOutOfRange)) throw error;
    return end - next;
  }
}

function statusOf(lane: LaneState | undefined, behind: number): LaneStatus {
  if (lane === undefined) return newStatus();
  const { next, attempts, due_ms } = lane;
  return {
    ...newStatus(),
    state: attempts > 0 ? 'waiting' : behind > 0 ? 'sending' : 'idle',
    next_offset: next,
    attempts,
    next_attempt_ms: attempts > 0 ? due_ms : undefined,
  };
}

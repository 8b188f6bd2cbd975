import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import { TOPICS } from '../platform/event-log.ts';
import { FEED_PARTITION } from './feed.ts';
import { firstOf } from './first-of.ts';
import { createWakeup } from './wakeup.ts';
import { runLane } from './webhook-lane.ts';
import { beginRedelivery, type RedeliverResult, type WebhookIds } from './webhook-redelivery.ts';
import {
  type Lane,
  type LaneStatus,
  livePosition,
  newStatus,
  redeliveryPosition,
  type WebhookPorts,
} from './webhook-walk.ts';

/**
 * Webhooks to all subscriptions: one live lane each, in order of the feed, and one more while messages are redelivered.
 * At least once: after kill -9 the message under way is sent again under the same webhook-id, and none is skipped.
 */

/** How one subscription fares. `behind` counts feed records it has not passed yet, wanted or not. */
export type SubscriptionDelivery = Readonly<LaneStatus> & {
  readonly subscription: string;
  /** With its secrets: not to be shown as it is. */
  readonly entry: SubscriptionEntry;
  readonly behind: number;
  readonly redelivery: Readonly<LaneStatus> | undefined;
};

export type Webhooks = {
  status(): Promise<readonly SubscriptionDelivery[]>;
  /**
   * Sends the messages from one webhook-id to another (both included, in the order of the feed) again, under the same
   * ids and beside the live ones. Durable once it resolves: a restart goes on with it.
   */
  redeliver(subscription: string, range: WebhookIds): Promise<RedeliverResult>;
  /** Ends the pause before the next attempt, of a redelivery too. False when there is no such subscription. */
  retryNow(subscription: string): Promise<boolean>;
  /** Resolves after the signal has aborted and every attempt has ended; rejects on a defect. */
  readonly stopped: Promise<void>;
};

/** Starts delivering. Subscriptions come and go with `ports.subscriptions`. */
export function startWebhooks(ports: WebhookPorts, signal: AbortSignal): Webhooks {
  const lanes = new Map<string, Lane>();
  /** Positions of redeliveries that began while the lane of an earlier one had not ended yet. */
  const begunAgain = new Set<string>();
  const running = new Set<Promise<void>>();
  const defect = new AbortController();
  const either = AbortSignal.any([signal, defect.signal]);

  const launch = (subscription: string, kind: Lane['kind']): void => {
    const position = kind === 'live' ? livePosition(subscription) : redeliveryPosition(subscription);
    if (lanes.has(position)) return;
    const lane: Lane = { subscription, position, kind, status: newStatus(), wakeup: createWakeup() };
    lanes.set(position, lane);
    const run = runLane(ports, lane, either).then(
      () => {
        lanes.delete(position);
        // Set again, or begun again, while its lane was ending.
        const again = kind === 'live' ? isSet(subscription) : begunAgain.delete(position);
        if (again && !either.aborted) launch(subscription, kind);
      },
      (error: unknown) => defect.abort(error),
    );
    running.add(run);
    run.then(() => running.delete(run));
  };
  const isSet = (id: string): boolean =>
    ports.subscriptions.current().some(({ subscription }) => subscription.id === id);

  const redeliver = (subscription: string): void => {
    const position = redeliveryPosition(subscription);
    if (lanes.has(position)) begunAgain.add(position);
    launch(subscription, 'redelivery');
  };
  const retry = (subscription: string): void => {
    for (const position of [livePosition(subscription), redeliveryPosition(subscription)]) {
      lanes.get(position)?.wakeup.wake();
    }
  };

  const supervise = async (): Promise<void> => {
    // Another process may have begun a redelivery before it said so.
    const unlisten = ports.subscriptions.retried((subscription) => {
      if (either.aborted || !isSet(subscription)) return;
      retry(subscription);
      redeliver(subscription);
    });
    while (!either.aborted) {
      const changed = firstOf(either, [(until) => ports.subscriptions.changed(until)]);
      for (const { subscription } of ports.subscriptions.current()) {
        if (lanes.has(livePosition(subscription.id))) continue;
        launch(subscription.id, 'live');
        launch(subscription.id, 'redelivery');
      }
      await changed;
    }
    unlisten();
    while (running.size > 0) await Promise.all(running);
    if (defect.signal.aborted) throw defect.signal.reason;
  };

  return {
    stopped: supervise(),
    status: () => statusOf(ports, lanes),
    retryNow: async (subscription) => {
      retry(subscription);
      return isSet(subscription);
    },
    redeliver: async (subscription, range) => {
      const begun = await beginRedelivery(ports, subscription, range);
      if (begun.ok) redeliver(subscription);
      return begun;
    },
  };
}

async function statusOf(ports: WebhookPorts, lanes: ReadonlyMap<string, Lane>): Promise<SubscriptionDelivery[]> {
  const { end } = await ports.log.bounds(TOPICS.feed, FEED_PARTITION);
  return ports.subscriptions.current().map((entry) => {
    const { id } = entry.subscription;
    const live = lanes.get(livePosition(id))?.status ?? newStatus();
    const redelivery = lanes.get(redeliveryPosition(id))?.status;
    return {
      ...live,
      subscription: id,
      entry,
      behind: Math.max(0, end - live.next_offset),
      redelivery: redelivery === undefined ? undefined : { ...redelivery },
    };
  });
}

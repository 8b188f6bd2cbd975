import { type EventLog, PositionConflict, TOPICS } from '../platform/event-log.ts';
import type { SubscriptionSource } from './subscriptions.ts';
import { decodeLane, encodeLane, newLane } from './webhook-core.ts';
import { offsetsOf } from './webhook-message.ts';
import { FENCES, redeliveryPosition } from './webhook-walk.ts';

/** The first and the last message to send again, in the order of the feed. */
export type WebhookIds = { readonly first: string; readonly last: string };

export type RedeliverResult =
  | { readonly ok: true; readonly from_offset: number; readonly to_offset: number }
  | {
      readonly ok: false;
      readonly code: 'subscription_unknown' | 'webhook_id_unknown' | 'redelivery_active';
      readonly message: string;
    };

/** Times that another process may come in between before this counts as a redelivery under way. */
const ATTEMPTS = 3;

/** Writes the position of a new redelivery, unless one is under way; any process may. Rejects with LogUnavailable. */
export async function beginRedelivery(
  { log, subscriptions }: { readonly log: EventLog; readonly subscriptions: Pick<SubscriptionSource, 'current'> },
  id: string,
  { first, last }: WebhookIds,
): Promise<RedeliverResult> {
  if (!subscriptions.current().some(({ subscription }) => subscription.id === id)) {
    return { ok: false, code: 'subscription_unknown', message: `there is no subscription ${id}` };
  }
  const name = redeliveryPosition(id);
  for (let attempt = 1; ; attempt++) {
    const held = await log.position(name);
    if (held !== undefined && !decodeLane(held).ended) return active(id);
    const offsets = await offsetsOf(log, id, [first, last]);
    const [from, to] = [offsets.get(first), offsets.get(last)];
    if (from === undefined || to === undefined) return unknown(id, from === undefined ? first : last);
    const { generation } = await log.describe(TOPICS.feed);
    const until = Math.max(from, to) + 1;
    const lane = newLane(generation, Math.min(from, to), until);
    try {
      await log.transact({
        records: [],
        positions: [{ name, position: encodeLane(lane) }],
        expect: { name, position: held, fence: FENCES.redelivery },
      });
      return { ok: true, from_offset: lane.next, to_offset: until };
    } catch (error) {
      if (!(error instanceof PositionConflict)) throw error;
      if (attempt === ATTEMPTS) return active(id);
    }
  }
}

function active(id: string): RedeliverResult {
  const message = `subscription ${id} is being redelivered to: wait until that is done`;
  return { ok: false, code: 'redelivery_active', message };
}

function unknown(id: string, missing: string): RedeliverResult {
  const message = `the feed holds no message ${missing} of subscription ${id}: look for its id in the dead letters`;
  return { ok: false, code: 'webhook_id_unknown', message };
}

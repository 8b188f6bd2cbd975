import { LIMITS } from '../../schemas/limits.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import { TOPICS } from '../platform/event-log.ts';
import type { PostAnswer } from '../platform/http-post.ts';
import { signWebhook } from '../platform/standard-webhooks.ts';
import {
  type AttemptOutcome,
  advance,
  failed,
  type GiveUpReason,
  mayProbe,
  outcomeOf,
  retryAfterMs,
  spent,
} from './webhook-core.ts';
import { deadLetterOf, findMessage, type Message } from './webhook-message.ts';
import { save, type Walk } from './webhook-walk.ts';

/** What the attempts of one message need. */
export type Delivery = {
  readonly walk: Walk;
  readonly entry: SubscriptionEntry;
  readonly target: URL;
  readonly keys: readonly Buffer[];
  readonly until: number;
  readonly signal: AbortSignal;
};

/** Tries the head, and decides what its answer means for it and for what stands behind it. */
export async function deliver(delivery: Delivery, head: Message): Promise<void> {
  const { walk, entry } = delivery;
  const { ports, lane } = walk;
  lane.status.state = 'sending';
  const { outcome, answer } = await attempt(delivery, head);
  if (outcome === 'aborted') return;
  if (outcome === 'delivered') return delivered(walk, head);
  lane.status.last_error = describeAnswer(answer);
  if (outcome === 'gone' && (await ports.subscriptions.disableGone(entry))) return;
  const now_ms = ports.clock.now();
  const retry_after_ms = answer.kind === 'answered' ? retryAfterMs(answer.retry_after, now_ms) : 0;
  const next = failed(walk.state, { now_ms, random: ports.random(), retry_after_ms });
  if (spent(next, now_ms)) return giveUp(walk, head, 'webhook_gave_up', head.offset);
  if (mayProbe(next)) {
    const { message } = await findMessage(ports.log, entry.subscription, {
      from: head.offset + 1,
      until: delivery.until,
    });
    if (message !== undefined && (await attempt(delivery, message)).outcome === 'delivered') {
      return giveUp(walk, head, 'webhook_refused', message.offset);
    }
  }
  await save(walk, next);
}

async function attempt(
  delivery: Delivery,
  message: Message,
): Promise<{ readonly outcome: AttemptOutcome | 'aborted'; readonly answer: PostAnswer }> {
  const { walk, target, keys, signal } = delivery;
  const { ports, lane } = walk;
  const headers = {
    ...signWebhook({ id: message.id, now_ms: ports.clock.now(), payload: message.body, keys }),
    'content-type': 'application/json',
    'user-agent': 'countersign',
  };
  const answer = await ports.post({
    url: target,
    headers,
    body: message.body,
    policy: ports.policy,
    timeout_ms: LIMITS.webhook_timeout_ms,
    excerpt_bytes_max: LIMITS.webhook_response_bytes_max,
    signal,
  });
  const outcome = outcomeOf(answer);
  if (outcome !== 'aborted') {
    const error = outcome === 'delivered' ? {} : { error: describeAnswer(answer) };
    const fields = { subscription: lane.subscription, webhook_id: message.id, offset: message.offset, ...error };
    ports.telemetry.occurred('webhook_attempts', { outcome }, fields);
  }
  return { outcome, answer };
}

async function delivered(walk: Walk, message: Message): Promise<void> {
  await save(walk, advance(walk.state, message.offset), { counters: [{ name: 'webhook_delivered', add: 1 }] });
  walk.lane.status.last_delivered_ms = walk.ports.clock.now();
  walk.lane.status.last_error = undefined;
}

/** Dead-letters the head and goes on after `done`, in one write: it is in exactly one of the two places. */
async function giveUp(walk: Walk, head: Message, reason: GiveUpReason, done: number): Promise<void> {
  const { ports, lane } = walk;
  const letter = deadLetterOf(head, {
    subscription: lane.subscription,
    reason,
    now_ms: ports.clock.now(),
    last_error: lane.status.last_error ?? 'unknown',
  });
  const sent = done > head.offset ? [{ name: 'webhook_delivered', add: 1 }] : [];
  await save(walk, advance(walk.state, done), {
    records: [{ topic: TOPICS.dead, key: head.id, value: Buffer.from(JSON.stringify(letter)) }],
    counters: [{ name: 'webhook_given_up', add: 1 }, ...sent],
  });
  ports.telemetry.occurred(
    'webhook_dead_lettered',
    { reason },
    { subscription: lane.subscription, webhook_id: head.id },
  );
}

/** What a receiver answered, bounded and without control characters. It is hostile text all the same. */
function describeAnswer(answer: PostAnswer): string {
  if (answer.kind === 'failed') return `${answer.reason}: ${answer.code}`.slice(0, LIMITS.webhook_error_chars_max);
  return `HTTP ${answer.status} ${answer.excerpt}`.trimEnd().slice(0, LIMITS.webhook_error_chars_max);
}

import type { Alert } from '../../schemas/alert.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { ocsfJson } from '../../schemas/ocsf/to-ocsf.ts';
import type { Subscription } from '../../schemas/subscription.ts';
import { type EventLog, TOPICS } from '../platform/event-log.ts';
import { FEED_PARTITION } from './feed.ts';
import { parseFeedKey } from './feed-core.ts';
import { type FeedFilter, wants } from './filter.ts';
import { alertOf } from './pull.ts';
import { type GiveUpReason, webhookId } from './webhook-core.ts';

/** One revision of an alert on its way to one subscription. */
export type Message = { readonly id: string; readonly offset: number; readonly alert: Alert; readonly body: string };

/** Records read at once while looking for a message: mostly the first one is wanted, and a miss is one of many. */
const FIRST = { records: 1, bytes: LIMITS.pull_bytes_max } as const;
const FURTHER = { records: 64, bytes: LIMITS.pull_bytes_max } as const;

/**
 * The first message the subscription wants from `from` on, and where looking goes on after it. Without one, `next` is
 * the end of what was looked at, and `passed` how many records that were. Rejects with OffsetOutOfRange or LogUnavailable.
 */
export async function findMessage(
  log: EventLog,
  subscription: Subscription,
  range: { readonly from: number; readonly until: number },
): Promise<{ readonly message: Message | undefined; readonly next: number; readonly passed: number }> {
  let next = range.from;
  let passed = 0;
  while (next < range.until) {
    const read = await log.read(TOPICS.feed, FEED_PARTITION, next, next === range.from ? FIRST : FURTHER);
    if (read.next === next) break;
    for (const record of read.records) {
      if (record.offset >= range.until) return { message: undefined, next: range.until, passed };
      next = record.offset + 1;
      passed++;
      const alert = alertOf(record);
      if (!wants(filterOf(subscription), alert)) continue;
      const id = webhookId(subscription.id, alert.uid, alert.revision);
      return { message: { id, offset: record.offset, alert, body: ocsfJson(alert) }, next, passed };
    }
    next = Math.min(read.next, range.until);
  }
  return { message: undefined, next, passed };
}

function filterOf({ severity_min, tenant }: Subscription): FeedFilter {
  return { severity_min, ...(tenant === undefined ? {} : { tenant }) };
}

/** Offsets of messages by their webhook-id: a walk over the keys of the whole feed, for redelivery. */
export async function offsetsOf(
  log: EventLog,
  subscription: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const wanted = new Set(ids);
  const found = new Map<string, number>();
  let { start: next } = await log.bounds(TOPICS.feed, FEED_PARTITION);
  for (;;) {
    const read = await log.read(TOPICS.feed, FEED_PARTITION, next, {
      records: LIMITS.fetch_records_max,
      bytes: LIMITS.fetch_bytes_max,
    });
    if (read.next === next || found.size === wanted.size) return found;
    for (const { key, offset } of read.records) {
      const { uid, revision } = parseFeedKey(key);
      const id = webhookId(subscription, uid, revision);
      if (wanted.has(id)) found.set(id, offset);
    }
    next = read.next;
  }
}

/** First offset of the feed that was appended at the time or after it. */
export async function feedOffsetAt(log: EventLog, append_ms: number): Promise<number> {
  const bounds = await log.bounds(TOPICS.feed, FEED_PARTITION);
  let low = bounds.start;
  let high = bounds.end;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { records } = await log.read(TOPICS.feed, FEED_PARTITION, middle, { records: 1, bytes: 1 });
    const record = records[0];
    if (record === undefined || record.append_ms >= append_ms) high = middle;
    else low = record.offset + 1;
  }
  return low;
}

export function deadLetterOf(
  message: Message,
  given_up: {
    readonly subscription: string;
    readonly reason: GiveUpReason;
    readonly now_ms: number;
    readonly last_error: string;
  },
): DeadLetter {
  const { subscription, reason, now_ms, last_error } = given_up;
  const why =
    reason === 'webhook_gave_up'
      ? 'was not taken for as long as messages are tried'
      : 'was refused again and again while the message after it was taken';
  const bytes = Buffer.from(message.body);
  return {
    reason,
    message:
      `Message ${message.id} to subscription ${subscription} ${why} (last: ${last_error}). ` +
      'Mend the receiver, then redeliver it by its webhook-id.',
    origin: `webhook:${subscription}`,
    position: `${TOPICS.feed}/${FEED_PARTITION}/${message.offset}`,
    length: bytes.length,
    bytes: bytes.subarray(0, LIMITS.dead_letter_bytes_max).toString('base64'),
    time: now_ms,
  };
}

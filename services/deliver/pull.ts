import { Alert } from '../../schemas/alert.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { OcsfDetectionFinding } from '../../schemas/ocsf/detection-finding.ts';
import { toOcsf } from '../../schemas/ocsf/to-ocsf.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, type LogRecord, OffsetOutOfRange, TOPICS } from '../platform/event-log.ts';
import { type CursorError, decodeCursor, encodeCursor } from './cursor.ts';
import { FEED_PARTITION } from './feed.ts';
import { type FeedFilter, wants } from './filter.ts';

/**
 * Pull: pages over the feed by a cursor that never skips and never repeats, because the feed is one partition without
 * repeats and a cursor is an offset in it. The reader keeps the cursor; the service keeps nothing.
 */

/** Records read at once at least, so that a rare match does not cost one read for each record before it. */
const READ_RECORDS_MIN = 64;

export type PullRequest = {
  /** Absent: from the first alert the feed still holds. */
  readonly cursor?: string;
  /** Items at most, 1 to LIMITS.page_items_max. */
  readonly limit: number;
  readonly filter?: FeedFilter;
  /** Long poll: when nothing is there, wait so long (at most LIMITS.pull_wait_ms_max) for the first item. */
  readonly wait?: { readonly ms: number; readonly clock: Clock; readonly signal: AbortSignal };
};

export type PullPage = {
  readonly items: readonly OcsfDetectionFinding[];
  /** Where to go on; also when there were no items. */
  readonly next_cursor: string;
  /** True when the next request need not wait. With a filter it may still find nothing. */
  readonly more: boolean;
};

export type PullResult = ({ readonly ok: true } & PullPage) | { readonly ok: false; readonly error: CursorError };

/** One alert revision of the feed, and the cursor with which to go on after it. */
export type FeedItem = { readonly alert: Alert; readonly cursor: string };

export type FeedResult =
  | { readonly ok: true; readonly items: readonly FeedItem[]; readonly next_cursor: string; readonly more: boolean }
  | { readonly ok: false; readonly error: CursorError };

/** One page of the feed as OCSF, otherwise as `readAlerts` gives it. */
export async function readFeed(log: EventLog, request: PullRequest): Promise<PullResult> {
  const page = await readAlerts(log, request);
  if (!page.ok) return page;
  return { ...page, items: page.items.map(({ alert }) => toOcsf(alert)) };
}

/** The cursor of the present end: a reader that begins with it sees only what comes from now on. */
export async function endOfFeed(log: EventLog): Promise<string> {
  const [{ generation }, { end }] = [await log.describe(TOPICS.feed), await log.bounds(TOPICS.feed, FEED_PARTITION)];
  return encodeCursor(generation, end);
}

/**
 * One page of the feed as alerts, each with its cursor. Throws RangeError for a limit out of range; rejects with LogUnavailable.
 * One request reads at most LIMITS.fetch_records_max records, so a filter that matches nothing ends with
 * `more: true`, a moved cursor and no items instead of reading the whole feed.
 */
export async function readAlerts(log: EventLog, request: PullRequest): Promise<FeedResult> {
  const { limit, wait } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMITS.page_items_max) {
    throw new RangeError(`limit is ${limit}: it goes from 1 to ${LIMITS.page_items_max}`);
  }
  const { generation } = await log.describe(TOPICS.feed);
  let cursor = request.cursor;
  const deadline = wait === undefined ? undefined : startDeadline(wait);
  try {
    for (;;) {
      const page = await readPage(log, generation, { ...request, ...(cursor === undefined ? {} : { cursor }) });
      if (!page.ok) return page;
      const { next, ...answer } = page;
      if (page.items.length > 0 || page.more || deadline === undefined || deadline.signal.aborted) return answer;
      cursor = page.next_cursor;
      await log.waitBeyond(TOPICS.feed, FEED_PARTITION, next, deadline.signal);
      if (deadline.signal.aborted) return answer;
    }
  } finally {
    deadline?.end();
  }
}

async function readPage(
  log: EventLog,
  generation: string,
  request: PullRequest,
): Promise<Extract<FeedResult, { ok: false }> | (Extract<FeedResult, { ok: true }> & { readonly next: number })> {
  const bounds = await log.bounds(TOPICS.feed, FEED_PARTITION);
  const from =
    request.cursor === undefined
      ? { ok: true as const, offset: bounds.start }
      : decodeCursor(request.cursor, { generation, ...bounds });
  if (!from.ok) return from;
  try {
    const { found, next, at_end } = await collect(log, from.offset, request.limit, request.filter ?? {});
    const items = found.map(({ alert, after }) => ({ alert, cursor: encodeCursor(generation, after) }));
    return { ok: true, items, next, next_cursor: encodeCursor(generation, next), more: !at_end };
  } catch (error) {
    // Retention moved the start between the two reads.
    if (!(error instanceof OffsetOutOfRange)) throw error;
    return readPage(log, generation, request);
  }
}

async function collect(log: EventLog, from: number, limit: number, filter: FeedFilter) {
  const found: { readonly alert: Alert; readonly after: number }[] = [];
  let next = from;
  let looked_at = 0;
  while (looked_at < LIMITS.fetch_records_max) {
    const most = { records: Math.max(limit - found.length, READ_RECORDS_MIN), bytes: LIMITS.pull_bytes_max };
    const read = await log.read(TOPICS.feed, FEED_PARTITION, next, most);
    if (read.next === next) return { found, next, at_end: true };
    for (const record of read.records) {
      if (found.length === limit) break;
      const alert = alertOf(record);
      if (wants(filter, alert)) found.push({ alert, after: record.offset + 1 });
      next = record.offset + 1;
      looked_at++;
    }
    if (found.length === limit) break;
    next = read.next;
  }
  const { end } = await log.bounds(TOPICS.feed, FEED_PARTITION);
  return { found, next, at_end: next >= end };
}

/** A record of the feed. Throws when it is no alert: the feeder has checked it, so the feed was damaged. */
export function alertOf(record: LogRecord): Alert {
  const parsed = Alert.safeParse(JSON.parse(record.value.toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${TOPICS.feed}/${FEED_PARTITION}/${record.offset} is no alert: ${parsed.error.message}`);
}

/** Aborts after so long or with the caller's signal; `end` takes the timer back. */
function startDeadline(wait: NonNullable<PullRequest['wait']>): { readonly signal: AbortSignal; end(): void } {
  const over = new AbortController();
  const signal = AbortSignal.any([wait.signal, over.signal]);
  wait.clock.sleep(Math.min(wait.ms, LIMITS.pull_wait_ms_max), signal).then(() => over.abort());
  return { signal, end: () => over.abort() };
}

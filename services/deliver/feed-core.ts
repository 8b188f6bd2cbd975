import { Alert } from '../../schemas/alert.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { TOPICS } from '../platform/event-log.ts';

/**
 * The pure core of the feed: which alert records are new, which are the repeats of a crash of detect, and where reading
 * goes on. Detect writes the revisions of one uid in order into one partition; after a crash it writes the same bytes
 * again from its last checkpoint on, so a repeat is a record whose revision is not above the highest one seen.
 */

/** Where the feeder stands: next offset of each partition of `agent.alerts`, bound to what the offsets are of. */
export type FeedPosition = {
  readonly alerts_generation: string;
  readonly feed_generation: string;
  readonly next: readonly number[];
};

/**
 * Highest revision of each uid among the last LIMITS.feed_memory_max records of the feed, oldest first. A function of
 * the feed's tail alone, so a restart rebuilds exactly what was there.
 */
export type FeedMemory = {
  readonly seen: Map<string, { readonly revision: number; readonly offset: number }>;
  readonly records_max: number;
};

export type AlertRecord = {
  readonly partition: number;
  readonly offset: number;
  readonly append_ms: number;
  readonly value: Buffer;
};

export type FeedPlan = {
  readonly append: readonly { readonly uid: string; readonly revision: number; readonly value: Buffer }[];
  readonly rejected: readonly DeadLetter[];
  readonly repeats: number;
  /** Revisions that are not the successor of the one before: detect never writes such, so it is counted. */
  readonly holes: number;
};

export function newFeedMemory(records_max: number = LIMITS.feed_memory_max): FeedMemory {
  return { seen: new Map(), records_max };
}

/** Takes in that the feed holds this revision at this offset, and forgets what fell out of the tail. */
export function remember(memory: FeedMemory, uid: string, revision: number, offset: number): void {
  memory.seen.delete(uid);
  memory.seen.set(uid, { revision, offset });
  for (const [oldest, at] of memory.seen) {
    if (at.offset > offset - memory.records_max) break;
    memory.seen.delete(oldest);
  }
}

/** Sorts records of one or more partitions into new, repeated and unreadable. Changes nothing. */
export function planFeed(memory: FeedMemory, records: readonly AlertRecord[]): FeedPlan {
  const append: { uid: string; revision: number; value: Buffer }[] = [];
  const rejected: DeadLetter[] = [];
  const fresh = new Map<string, number>();
  let repeats = 0;
  let holes = 0;
  for (const record of records) {
    const alert = parseAlert(record.value);
    if (typeof alert === 'string') {
      rejected.push(rejection(record, alert));
      continue;
    }
    const { uid, revision } = alert;
    const seen = fresh.get(uid) ?? memory.seen.get(uid)?.revision;
    if (seen !== undefined && revision <= seen) {
      repeats++;
      continue;
    }
    if (seen !== undefined && revision > seen + 1) holes++;
    fresh.set(uid, revision);
    append.push({ uid, revision, value: record.value });
  }
  return { append, rejected, repeats, holes };
}

/** Key of a feed record: it names the revision, so the memory is rebuilt without parsing a single alert. */
export function feedKey(uid: string, revision: number): string {
  return `${uid}:${revision}`;
}

/** Throws when the key is none of `feedKey`'s: only the feeder writes the feed. */
export function parseFeedKey(key: string): { readonly uid: string; readonly revision: number } {
  const colon = key.lastIndexOf(':');
  const revision = Number(key.slice(colon + 1));
  if (colon < 1 || !Number.isSafeInteger(revision) || revision < 1) {
    throw new Error(`${TOPICS.feed} holds the key ${JSON.stringify(key)}, which names no revision of an alert`);
  }
  return { uid: key.slice(0, colon), revision };
}

export function encodePosition(position: FeedPosition): string {
  return JSON.stringify([1, position.alerts_generation, position.feed_generation, ...position.next]);
}

export function decodePosition(text: string): FeedPosition {
  const [version, alerts, feed, ...next] = JSON.parse(text) as unknown[];
  if (version !== 1 || typeof alerts !== 'string' || typeof feed !== 'string' || !next.every(Number.isSafeInteger)) {
    throw new Error(`the feed's position ${JSON.stringify(text)} was not written by this version`);
  }
  return { alerts_generation: alerts, feed_generation: feed, next: next as number[] };
}

/** The alert, or what is wrong with the bytes. */
function parseAlert(value: Buffer): Alert | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString('utf8'));
  } catch {
    return 'the record is not JSON';
  }
  const alert = Alert.safeParse(parsed);
  if (alert.success) return alert.data.uid === '' ? 'uid is empty' : alert.data;
  const issue = alert.error.issues[0];
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an alert'}`;
}

function rejection(record: AlertRecord, message: string): DeadLetter {
  return {
    reason: 'schema_mismatch',
    message: `An alert record cannot be delivered: ${message}. Detect and deliver must run the same version.`,
    origin: TOPICS.alerts,
    position: `${TOPICS.alerts}/${record.partition}/${record.offset}`,
    length: record.value.length,
    bytes: record.value.subarray(0, LIMITS.dead_letter_bytes_max).toString('base64'),
    time: record.append_ms,
  };
}

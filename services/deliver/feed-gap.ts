import type { Gap, GapResume } from '../../schemas/gap.ts';
import { type EventLog, type PartitionBounds, TOPICS } from '../platform/event-log.ts';
import { type GapEvidence, type GapPort, gapOf, HIDDEN_BY_GROWTH } from '../platform/gaps.ts';
import type { FeedPosition } from './feed-core.ts';

/** What the log holds of the alerts now, and which feed it is. */
export type Ground = {
  readonly alerts_generation: string;
  readonly feed_generation: string;
  /** By partition of `agent.alerts`. */
  readonly bounds: readonly PartitionBounds[];
};

export async function readGround(log: EventLog): Promise<Ground> {
  const [alerts, feed] = [await log.describe(TOPICS.alerts), await log.describe(TOPICS.feed)];
  const bounds = await Promise.all(
    Array.from({ length: alerts.partitions }, (_, partition) => log.bounds(TOPICS.alerts, partition)),
  );
  return { alerts_generation: alerts.generation, feed_generation: feed.generation, bounds };
}

/** Where a feed that never was begins. */
export function firstPosition({ bounds, ...generations }: Ground): FeedPosition {
  return { ...generations, next: bounds.map(({ start }) => start) };
}

/** A feed that goes on elsewhere has other evidence. */
function evidenceOf({ alerts_generation, feed_generation, next }: FeedPosition): GapEvidence {
  return [alerts_generation, feed_generation, ...next];
}

const placeOf = (partition: number) => ({ stage: 'deliver', topic: TOPICS.alerts, partition }) as const;

/** A gap that the log no longer shows. */
export function gapHidden(gaps: GapPort, position: FeedPosition): Gap | undefined {
  const evidence = evidenceOf(position);
  for (const partition of position.next.keys()) {
    const hidden = gaps.hidden(placeOf(partition), evidence);
    if (hidden !== undefined) return hidden;
  }
  return undefined;
}

/** Closes what was left open of a feed that goes on. Rejects with LogUnavailable. */
export async function closeLeftovers(gaps: GapPort, { next }: FeedPosition): Promise<void> {
  await gaps.working({ stage: 'deliver', topic: TOPICS.feed, partition: 0 }, 0);
  for (const [partition, offset] of next.entries()) await gaps.working(placeOf(partition), offset);
}

/** Why the feed cannot go on honestly; undefined when it can. Its id depends on the position alone. */
export function gapBefore(position: FeedPosition, ground: Ground): Gap | undefined {
  const { alerts_generation, feed_generation, next } = position;
  const gap = (found: Pick<Gap, 'topic' | 'partition' | 'reason' | 'message' | 'lost'>): Gap =>
    gapOf({ stage: 'deliver', ...found }, evidenceOf(position));
  if (alerts_generation !== ground.alerts_generation) {
    const message = `${TOPICS.alerts} was deleted and made anew: alerts that were not delivered may be missing from it.`;
    return gap({ topic: TOPICS.alerts, partition: 0, reason: 'generation_changed', message });
  }
  if (feed_generation !== ground.feed_generation) {
    const message = `${TOPICS.feed} was deleted and made anew: what webhooks and SIEMs had not read of it is missing.`;
    return gap({ topic: TOPICS.feed, partition: 0, reason: 'generation_changed', message });
  }
  if (next.length !== ground.bounds.length) {
    const message = `${TOPICS.alerts} had ${next.length} partitions and has ${ground.bounds.length}.`;
    return gap({ topic: TOPICS.alerts, partition: 0, reason: 'partition_count_changed', message });
  }
  for (const [partition, { start, end }] of ground.bounds.entries()) {
    const at = next[partition] as number;
    const where = `${TOPICS.alerts}/${partition}`;
    if (at < start) {
      const message = `${where} begins at ${start}, and ${at} was next: alerts were deleted before they were delivered.`;
      return gap({ topic: TOPICS.alerts, partition, reason: 'offset_before_log', message, lost: start - at });
    }
    if (at > end) {
      const message = `${where} ends at ${end}, and ${at} was next: it has lost its tail.`;
      return gap({ topic: TOPICS.alerts, partition, reason: HIDDEN_BY_GROWTH, message });
    }
  }
  return undefined;
}

/**
 * Where the feed goes on. Partitions in which its place is still there stay where they are: going back would deliver
 * again what the memory of the feed has forgotten, and going ahead would leave out what can be read. Where the log has lost
 * its tail, the offset means something else by now, even if it is there again. A feed that was made anew is filled again from the `start`, or goes on without the alerts it held.
 */
export function resumedPosition(
  position: FeedPosition,
  ground: Ground,
  { gap, resume }: { readonly gap: Gap; readonly resume: GapResume },
): FeedPosition {
  const { bounds, ...generations } = ground;
  const refill = position.feed_generation !== ground.feed_generation && resume === 'start';
  const same = position.alerts_generation === ground.alerts_generation && !refill;
  const next = bounds.map(({ start, end }, partition) => {
    const at = position.next[partition];
    const regrown = gap.reason === HIDDEN_BY_GROWTH && gap.partition === partition;
    const there = same && !regrown && at !== undefined && at >= start && at <= end;
    return there ? at : resume === 'start' ? start : end;
  });
  return { ...generations, next };
}

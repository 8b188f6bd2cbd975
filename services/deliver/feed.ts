import type { Gap, GapResume } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, type NewRecord, TOPICS } from '../platform/event-log.ts';
import type { GapPort } from '../platform/gaps.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import {
  type AlertRecord,
  decodePosition,
  encodePosition,
  type FeedMemory,
  type FeedPlan,
  type FeedPosition,
  feedKey,
  newFeedMemory,
  parseFeedKey,
  planFeed,
  remember,
} from './feed-core.ts';
import { closeLeftovers, firstPosition, gapBefore, gapHidden, readGround, resumedPosition } from './feed-gap.ts';
import { firstOf } from './first-of.ts';
import { isPassing } from './passing.ts';

/**
 * The shell of the feed: `agent.alerts` in, `agent.feed` out, each (uid, revision) once and in order. Records and the
 * consumed positions are one transaction that expects the positions as they were read, so of two feeders, or of one
 * whose write ended unclearly and its successor, only one gets through, and nothing is skipped or repeated.
 */

export const FEED_POSITION = 'deliver.feed';
/** The feed has one partition: one order for everybody who reads it. */
export const FEED_PARTITION = 0;

export type FeedPorts = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly gaps: GapPort;
};

/** The log is not the one that was read so far. Going on could skip alerts, so an operator decides (design, section 5). */
export type FeedGap = {
  readonly kind: 'gap';
  readonly gap: Gap;
  /** Moves the position past the gap; the next feeder goes on there. Rejects with PositionConflict or LogUnavailable. */
  resume(where: GapResume): Promise<FeedPosition>;
};

export type Feeder = {
  readonly kind: 'feeder';
  /**
   * Feeds what is there, at most one batch. Resolves with the number of records consumed, 0 at the end.
   * After it rejected the feeder is spent: whether the write went through is unknown, so open a new one.
   */
  step(): Promise<number>;
  /** Resolves when there may be something to feed, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
  /** True while the topics are those that the feeder was opened on. */
  holds(): Promise<boolean>;
};

/** Reads position and memory, and says so when the log is another one than before. Rejects with LogUnavailable. */
export async function openFeeder(ports: FeedPorts): Promise<Feeder | FeedGap> {
  const { log } = ports;
  const [ground, stored] = [await readGround(log), await log.position(FEED_POSITION)];
  const position = stored === undefined ? firstPosition(ground) : decodePosition(stored);
  const gap = gapBefore(position, ground) ?? gapHidden(ports.gaps, position);
  if (gap === undefined) {
    await closeLeftovers(ports.gaps, position);
    return feederFrom(ports, await rebuildMemory(log), position, stored);
  }
  return {
    kind: 'gap',
    gap,
    resume: async (where) => {
      // The log has moved on while people thought about it.
      const resumed = resumedPosition(position, await readGround(log), { gap, resume: where });
      const positions = [{ name: FEED_POSITION, position: encodePosition(resumed) }];
      await log.transact({ records: [], positions, expect: { name: FEED_POSITION, position: stored } });
      return resumed;
    },
  };
}

/**
 * Feeds until the signal aborts. The log being unavailable, or another feeder having been faster, is waited out with
 * growing pauses; a gap is reported and waits for its decision. Rejects on a defect.
 */
export async function runFeed(ports: FeedPorts, signal: AbortSignal): Promise<void> {
  let failures = 0;
  const succeeded = (): void => {
    failures = 0;
  };
  while (!signal.aborted) {
    try {
      const opened = await openFeeder(ports);
      if (opened.kind === 'gap') await standStill(ports, opened, signal);
      else await feedOn(ports, opened, { signal, succeeded });
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (signal.aborted) return;
      ports.telemetry.occurred('feed_retries', {}, { error: error.message });
      await ports.clock.sleep(Math.min(LIMITS.feed_retry_ms_max, LIMITS.feed_retry_ms * 2 ** failures++), signal);
    }
  }
}

/** Feeds until the signal aborts or a topic turns out to be another one. */
async function feedOn(
  { clock }: FeedPorts,
  feeder: Feeder,
  { signal, succeeded }: { readonly signal: AbortSignal; readonly succeeded: () => void },
): Promise<void> {
  let checked_ms = clock.elapsed();
  while (!signal.aborted) {
    if (clock.elapsed() - checked_ms >= LIMITS.log_check_ms) {
      if (!(await feeder.holds())) return;
      checked_ms = clock.elapsed();
    }
    if ((await feeder.step()) === 0) {
      await firstOf(signal, [(either) => feeder.wait(either), (either) => clock.sleep(LIMITS.log_check_ms, either)]);
    }
    succeeded();
  }
}

/** Reports the gap, waits until somebody has decided, and moves the position as it was decided. */
async function standStill({ telemetry, gaps }: FeedPorts, found: FeedGap, signal: AbortSignal): Promise<void> {
  const { id, topic, partition, reason, message } = found.gap;
  telemetry.occurred('gaps_found', {}, { gap: id, topic, partition, reason, message });
  await gaps.report(found.gap);
  let decided = gaps.decision(id);
  while (decided === undefined && !signal.aborted) {
    await gaps.changed(signal);
    decided = gaps.decision(id);
  }
  if (decided === undefined || signal.aborted) return;
  const { next } = await found.resume(decided);
  await gaps.closed(id, topic === TOPICS.alerts ? (next[partition] ?? 0) : 0);
}

function feederFrom(ports: FeedPorts, memory: FeedMemory, from: FeedPosition, stored: string | undefined): Feeder {
  const { log } = ports;
  let position = from;
  let expected = stored;
  return {
    kind: 'feeder',
    step: async () => {
      const { records, next } = await readAll(log, position);
      if (records.length === 0) {
        // Nothing but transaction markers: a position that is not worth a write of its own.
        position = { ...position, next };
        return 0;
      }
      const plan = planFeed(memory, records);
      const moved = { ...position, next };
      const encoded = encodePosition(moved);
      const appended = await log.transact({
        records: recordsOf(plan),
        positions: [{ name: FEED_POSITION, position: encoded }],
        counters: countersOf(plan, records.length),
        expect: { name: FEED_POSITION, position: expected },
      });
      plan.append.forEach(({ uid, revision }, index) => {
        remember(memory, uid, revision, (appended.offsets[index] as { offset: number }).offset);
      });
      position = moved;
      expected = encoded;
      report(ports.telemetry, plan);
      return records.length;
    },
    wait: (signal) =>
      firstOf(
        signal,
        position.next.map(
          (next, partition) => (either: AbortSignal) => log.waitBeyond(TOPICS.alerts, partition, next, either),
        ),
      ),
    holds: async () => gapBefore(position, await readGround(log)) === undefined,
  };
}

/** What is there of every partition, each in offset order, sharing one batch. */
async function readAll(log: EventLog, position: FeedPosition): Promise<{ records: AlertRecord[]; next: number[] }> {
  const partitions = position.next.length;
  const most = {
    records: Math.max(1, Math.floor(LIMITS.fetch_records_max / partitions)),
    bytes: Math.floor(LIMITS.fetch_bytes_max / partitions),
  };
  const records: AlertRecord[] = [];
  const next = [...position.next];
  for (const [partition, offset] of position.next.entries()) {
    const read = await log.read(TOPICS.alerts, partition, offset, most);
    for (const { offset, append_ms, value } of read.records) records.push({ partition, offset, append_ms, value });
    next[partition] = read.next;
  }
  return { records, next };
}

function recordsOf(plan: FeedPlan): NewRecord[] {
  const feed = plan.append.map(({ uid, revision, value }) => ({
    topic: TOPICS.feed,
    partition: FEED_PARTITION,
    key: feedKey(uid, revision),
    value,
  }));
  const dead = plan.rejected.map((letter) => ({
    topic: TOPICS.dead,
    key: letter.position,
    value: Buffer.from(JSON.stringify(letter)),
  }));
  return [...feed, ...dead];
}

/** read = appended + repeated + rejected, in the same transaction as the records (promise P1). */
function countersOf(plan: FeedPlan, read: number): { name: string; add: number }[] {
  return [
    { name: 'feed_read', add: read },
    { name: 'feed_appended', add: plan.append.length },
    { name: 'feed_repeated', add: plan.repeats },
    { name: 'feed_rejected', add: plan.rejected.length },
  ].filter(({ add }) => add > 0);
}

function report(telemetry: Telemetry, plan: FeedPlan): void {
  if (plan.append.length > 0) telemetry.occurred('feed_appended', {}, undefined, plan.append.length);
  if (plan.repeats > 0) telemetry.occurred('feed_repeated', {}, undefined, plan.repeats);
  if (plan.holes > 0) telemetry.occurred('feed_holes', {}, undefined, plan.holes);
  for (const { position, message } of plan.rejected) telemetry.occurred('feed_rejected', {}, { position, message });
}

async function rebuildMemory(log: EventLog): Promise<FeedMemory> {
  const memory = newFeedMemory();
  const { start, end } = await log.bounds(TOPICS.feed, FEED_PARTITION);
  let offset = Math.max(start, end - memory.records_max);
  const most = { records: LIMITS.fetch_records_max, bytes: LIMITS.fetch_bytes_max };
  for (;;) {
    const { records, next } = await log.read(TOPICS.feed, FEED_PARTITION, offset, most);
    if (next === offset) return memory;
    for (const record of records) {
      const { uid, revision } = parseFeedKey(record.key);
      remember(memory, uid, revision, record.offset);
    }
    offset = next;
  }
}

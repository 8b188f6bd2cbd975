import { UNITS } from '../../../schemas/limits.ts';
import { readPosition } from '../../control/writer.ts';
import { FEED_POSITION } from '../../deliver/feed.ts';
import { decodePosition } from '../../deliver/feed-core.ts';
import type { DetectRunner } from '../../detect/runner.ts';
import { firstNeeded, parsePosition, positionName } from '../../ingest/raw-position.ts';
import { systemClock } from '../../platform/clock.ts';
import { type EventLog, LogUnavailable, TOPICS, type Topic } from '../../platform/event-log.ts';
import type { SqliteLog } from '../../platform/sqlite-log/sqlite-log.ts';
import { DEAD_COPIED } from './copies.ts';

const EVERY_MS = UNITS.HOUR_MS;

type Retained = { readonly log: SqliteLog; readonly retention_days: number };

/** Forgets records of the embedded log beyond the configured days, and never one that somebody still has to use. */
export async function retainLog(retained: Retained, runner: DetectRunner, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      await trimOnce(retained, runner, systemClock.now());
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
    }
  }
}

export async function trimOnce(
  { log, retention_days }: Retained,
  runner: Pick<DetectRunner, 'status'>,
  now_ms: number,
): Promise<void> {
  const oldest_ms = now_ms - retention_days * UNITS.DAY_MS;
  for (const { partition, state, durable_offset } of runner.status()) {
    if (state !== 'running') continue;
    const old = await log.offsetAt(TOPICS.events, partition, oldest_ms);
    await log.trim(TOPICS.events, partition, Math.min(old, durable_offset));
  }
  const consumed = await consumers(log);
  for (const [topic, next] of consumed) {
    const { partitions } = await log.describe(topic);
    for (let partition = 0; partition < partitions; partition++) {
      const old = await log.offsetAt(topic, partition, oldest_ms);
      await log.trim(topic, partition, Math.min(old, await next(partition)));
    }
  }
}

type Next = (partition: number) => number | Promise<number>;

/** Up to where the records of a topic have been used by those who must not miss one. The control log is never trimmed. */
async function consumers(log: EventLog): Promise<[Topic, Next][]> {
  const copied = Number((await log.position(DEAD_COPIED)) ?? 0);
  const fed = await log.position(FEED_POSITION);
  const next = fed === undefined ? [] : decodePosition(fed).next;
  const { position } = await readPosition(log);
  return [
    [TOPICS.raw, (partition) => workedOff(log, TOPICS.raw, partition)],
    [TOPICS.spans, (partition) => workedOff(log, TOPICS.spans, partition)],
    [TOPICS.dead, () => copied],
    [TOPICS.alerts, (partition) => next[partition] ?? 0],
    [TOPICS.feed, () => position.feed.next],
    [TOPICS.commands, () => position.commands.next],
  ];
}

async function workedOff(log: EventLog, topic: Topic, partition: number): Promise<number> {
  const text = await log.position(positionName({ topic, partition }));
  const position = text === undefined ? undefined : parsePosition(text);
  return position === undefined ? 0 : firstNeeded(position);
}

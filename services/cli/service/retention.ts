import { UNITS } from '../../../schemas/limits.ts';
import type { DetectRunner } from '../../detect/runner.ts';
import { systemClock } from '../../platform/clock.ts';
import { LogUnavailable, TOPICS } from '../../platform/event-log.ts';
import { DEAD_COPIED } from './copies.ts';
import type { Foundation } from './foundation.ts';

const EVERY_MS = UNITS.HOUR_MS;
/** Topics whose records are consumed long before they grow old. The control log is never trimmed. */
const AGING = [TOPICS.alerts, TOPICS.feed, TOPICS.commands] as const;

/**
 * Forgets log records beyond the configured days, and never one that detect has not made durable yet, nor a dead letter
 * that was not copied.
 */
export async function retainLog(foundation: Foundation, runner: DetectRunner, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      await trimOnce(foundation, runner);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
    }
  }
}

async function trimOnce({ log, config }: Foundation, runner: DetectRunner): Promise<void> {
  const oldest_ms = systemClock.now() - config.log.retention_days * UNITS.DAY_MS;
  for (const { partition, state, durable_offset } of runner.status()) {
    if (state !== 'running') continue;
    const old = await log.offsetAt(TOPICS.events, partition, oldest_ms);
    await log.trim(TOPICS.events, partition, Math.min(old, durable_offset));
  }
  const aged = await log.offsetAt(TOPICS.dead, 0, oldest_ms);
  await log.trim(TOPICS.dead, 0, Math.min(aged, Number((await log.position(DEAD_COPIED)) ?? 0)));
  for (const topic of AGING) {
    const { partitions } = await log.describe(topic);
    for (let partition = 0; partition < partitions; partition++) {
      await log.trim(topic, partition, await log.offsetAt(topic, partition, oldest_ms));
    }
  }
}

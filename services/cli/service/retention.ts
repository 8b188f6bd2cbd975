import { UNITS } from '../../../schemas/limits.ts';
import type { DetectRunner } from '../../detect/runner.ts';
import { systemClock } from '../../platform/clock.ts';
import { TOPICS } from '../../platform/event-log.ts';
import type { Foundation } from './foundation.ts';

const EVERY_MS = UNITS.HOUR_MS;
/** Topics whose records are copied or consumed long before they grow old. The control log is never trimmed. */
const AGING = [TOPICS.dead, TOPICS.alerts, TOPICS.feed, TOPICS.commands] as const;

/** Forgets log records beyond the configured days, and never one that detect has not made durable yet. */
export async function retainLog(foundation: Foundation, runner: DetectRunner, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(EVERY_MS, signal);
    if (!signal.aborted) await trimOnce(foundation, runner);
  }
}

async function trimOnce({ log, config }: Foundation, runner: DetectRunner): Promise<void> {
  const oldest_ms = systemClock.now() - config.log.retention_days * UNITS.DAY_MS;
  for (const { partition, state, durable_offset } of runner.status()) {
    if (state !== 'running') continue;
    const old = await log.offsetAt(TOPICS.events, partition, oldest_ms);
    await log.trim(TOPICS.events, partition, Math.min(old, durable_offset));
  }
  for (const topic of AGING) {
    const { partitions } = await log.describe(topic);
    for (let partition = 0; partition < partitions; partition++) {
      await log.trim(topic, partition, await log.offsetAt(topic, partition, oldest_ms));
    }
  }
}

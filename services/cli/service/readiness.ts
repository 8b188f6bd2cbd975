import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { ReadinessReport } from '../../api/ports.ts';
import { LogUnavailable, TOPICS } from '../../platform/event-log.ts';
import type { Detection } from './detection.ts';
import { type Foundation, freeBytes } from './foundation.ts';
import type { Response } from './response.ts';

/** Below it the disk is as good as full: ClickHouse needs room to merge. */
const FREE_BYTES_MIN = 256 * UNITS.MIB;

/** What a part of the service came to when it ended before it was asked to. */
export type Ended = Map<'detect' | 'feed' | 'responder' | 'webhooks' | 'copies', string>;

/**
 * Ready means: what is acknowledged now will be scored and delivered. Everything that speaks against it is named, for
 * the status page and the operator.
 */
export async function readinessOf(
  foundation: Foundation,
  detection: Detection,
  response: Response,
  ended: Ended,
): Promise<ReadinessReport> {
  const reasons: { code: string; message: string }[] = [];
  const against = (code: string, message: string): void => {
    reasons.push({ code, message });
  };
  for (const [part, message] of ended) against(`${part}_ended`, message);
  for (const { partition, gap } of detection.runner.status()) {
    if (gap !== undefined) against('gap', `partition ${partition} is stopped: ${gap.message}`);
  }
  if (detection.runner.stalled)
    against('store_unavailable', 'writes to the store do not get through; they are repeated');
  const lag = await lagOf(foundation, detection);
  if (lag === undefined) against('log_unavailable', 'the event log does not answer');
  else if (lag > LIMITS.ready_lag_records_max) against('behind', `detect is ${lag} records behind the log`);
  const free = freeBytes(foundation.dir.root);
  if (free < FREE_BYTES_MIN)
    against('disk_full', `${Math.floor(free / UNITS.MIB)} MiB are free in ${foundation.dir.root}`);
  for (const status of await response.webhooks.status()) {
    if (status.state === 'stalled') against('webhook_stalled', `subscription ${status.subscription} is stalled`);
  }
  return { ready: reasons.length === 0, reasons };
}

/** Records in the log that detect has not applied; undefined while the log does not answer. */
export async function lagOf({ log }: Foundation, { runner }: Detection): Promise<number | undefined> {
  try {
    let lag = 0;
    for (const { partition, state, next_offset } of runner.status()) {
      if (state !== 'running') continue;
      const { end } = await log.bounds(TOPICS.events, partition);
      lag += Math.max(0, end - next_offset);
    }
    return lag;
  } catch (error) {
    if (error instanceof LogUnavailable) return undefined;
    throw error;
  }
}

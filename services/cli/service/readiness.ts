import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { ReadinessReport } from '../../api/ports.ts';
import { openGaps } from '../../control/gap-states.ts';
import { LogUnavailable, TOPICS } from '../../platform/event-log.ts';
import { StoreUnavailable } from '../../platform/store.ts';
import type { Detection } from './detection.ts';
import { freeBytes } from './foundation.ts';
import type { Parts } from './parts.ts';

/** Below it the disk is as good as full: ClickHouse needs room to merge. */
const FREE_BYTES_MIN = 256 * UNITS.MIB;

/** What a part of the process came to when it ended before it was asked to. */
export type Ended = Map<PartName, string>;
export type PartName = 'control' | 'ingest' | 'detect' | 'deliver' | 'contain' | 'time' | 'retention';

type Against = (code: string, message: string) => void;

/**
 * Ready means: what is acknowledged now will be scored and delivered, as far as it is this process's to do. Everything
 * that speaks against it is named, for the status page and the operator.
 */
export async function readinessOf(parts: Parts, ended: Ended): Promise<ReadinessReport> {
  const reasons: { code: string; message: string }[] = [];
  const against: Against = (code, message) => {
    reasons.push({ code, message });
  };
  for (const [part, message] of ended) against(`${part}_ended`, message);
  for (const { name, trouble } of parts.offices) if (trouble !== undefined) against(`${name}_ended`, trouble);
  await againstIngest(parts, against);
  await againstDetection(parts, against);
  await againstLog(parts, against);
  await againstStore(parts, against);
  againstDisk(parts, against);
  for (const status of (await parts.deliver?.webhooks()?.status()) ?? []) {
    if (status.state === 'stalled') against('webhook_stalled', `subscription ${status.subscription} is stalled`);
  }
  return { ready: reasons.length === 0, reasons };
}

/** A gap that is nobody's to work on would not be told by any other process. */
async function againstIngest({ ingest, control }: Parts, against: Against): Promise<void> {
  for (const { topic, partition, gap } of (await ingest?.runner.status()) ?? []) {
    if (gap !== undefined) against('gap', `${topic}/${partition} is not read on: ${gap.message}`);
  }
  for (const { gap } of openGaps(control.view.state)) {
    if (gap.stage !== 'deliver' && gap.stage !== 'contain') continue;
    against('gap', `${gap.stage} stands still at ${gap.topic}/${gap.partition}: ${gap.message}`);
  }
}

async function againstDetection(parts: Parts, against: Against): Promise<void> {
  const { detection } = parts;
  if (detection === undefined) return;
  for (const { partition, gap } of detection.runner.status()) {
    if (gap !== undefined) against('gap', `partition ${partition} is stopped: ${gap.message}`);
  }
  if (detection.runner.stalled) {
    against('store_unavailable', 'writes to the store do not get through; they are repeated');
  }
  const lag = await lagOf(parts, detection);
  if (lag !== undefined && lag > LIMITS.ready_lag_records_max)
    against('behind', `detect is ${lag} records behind the log`);
}

async function againstLog({ ground, ingest }: Parts, against: Against): Promise<void> {
  try {
    await ground.log.bounds(TOPICS.control, 0);
  } catch (error) {
    if (!(error instanceof LogUnavailable)) throw error;
    return against('log_unavailable', 'the event log does not answer');
  }
  if (ingest?.runner.stalled === true) against('log_unavailable', 'raw topics cannot be read or worked off just now');
}

/** Where detect works here, its own reads and writes tell more. */
async function againstStore({ foundation, detection }: Parts, against: Against): Promise<void> {
  if (foundation === undefined || detection !== undefined) return;
  try {
    await foundation.store.ping();
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    against('store_unavailable', 'the store does not answer');
  }
}

/** Only where something is kept on it. */
function againstDisk({ ground, foundation }: Parts, against: Against): void {
  const keeps = ground.embedded !== undefined || foundation?.db.kind === 'embedded';
  if (!keeps) return;
  const { root } = ground.dir;
  const free = freeBytes(root);
  if (free < FREE_BYTES_MIN) against('disk_full', `${Math.floor(free / UNITS.MIB)} MiB are free in ${root}`);
}

/** Records in the log that this process's partitions have not applied; undefined while the log does not answer. */
export async function lagOf({ ground: { log } }: Parts, { runner }: Detection): Promise<number | undefined> {
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

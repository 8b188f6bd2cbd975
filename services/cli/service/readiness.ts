import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { ReadinessReport } from '../../api/ports.ts';
import { openGaps } from '../../control/gap-states.ts';
import { systemClock } from '../../platform/clock.ts';
import { TOPICS } from '../../platform/event-log.ts';
import type { Detection } from './detection.ts';
import { freeBytes } from './foundation.ts';
import { isPassing } from './membership.ts';
import type { Parts } from './parts.ts';

/** Below it the disk is as good as full: ClickHouse needs room to merge. */
const FREE_BYTES_MIN = 256 * UNITS.MIB;

/** What a part of the process came to when it ended before it was asked to. */
export type Ended = Map<PartName, string>;
export type PartName = 'control' | 'ingest' | 'detect' | 'deliver' | 'contain' | 'time' | 'stories' | 'retention';

type Reasons = ReadinessReport['reasons'];
type Reason = Reasons[number];

/** Who asks whether all is well asks often, and is not kept waiting by what does not answer. */
const PATIENCE_MS = 2 * UNITS.SECOND_MS;

/**
 * Ready means: what is acknowledged now will be scored and delivered, as far as it is this process's to do. Everything
 * that speaks against it is named, for the status page and the operator.
 */
export async function readinessOf(parts: Parts, ended: Ended): Promise<ReadinessReport> {
  const found = await Promise.all([
    [...ended].map(([part, message]) => ({ code: `${part}_ended`, message })),
    parts.offices.flatMap(({ name, trouble }) =>
      trouble === undefined ? [] : [{ code: `${name}_ended`, message: trouble }],
    ),
    againstIngest(parts),
    againstDetection(parts),
    againstLog(parts),
    againstStore(parts),
    againstDisk(parts),
    againstWebhooks(parts),
  ]);
  const reasons = found.flat();
  return { ready: reasons.length === 0, reasons };
}

async function againstIngest({ ingest, control }: Parts): Promise<Reasons> {
  const partitions = (ingest && (await inTime(ingest.runner.status()))) ?? [];
  const own = partitions.flatMap(({ topic, partition, gap }): Reason[] =>
    gap === undefined ? [] : [{ code: 'gap', message: `${topic}/${partition} is not read on: ${gap.message}` }],
  );
  // Whoever holds these offices stands still; every process says so.
  const offices = openGaps(control.view.state).flatMap(({ gap }): Reason[] => {
    if (gap.stage !== 'deliver' && gap.stage !== 'contain') return [];
    const message = `${gap.stage} stands still at ${gap.topic}/${gap.partition}: ${gap.message}`;
    return [{ code: 'gap', message }];
  });
  return [...own, ...offices];
}

async function againstDetection(parts: Parts): Promise<Reasons> {
  const { detection } = parts;
  if (detection === undefined) return [];
  const reasons = detection.runner.status().flatMap(({ partition, gap }): Reason[] => {
    return gap === undefined ? [] : [{ code: 'gap', message: `partition ${partition} is stopped: ${gap.message}` }];
  });
  const stories = openGaps(parts.control.view.state).find(({ gap }) => gap.topic === TOPICS.findings)?.gap;
  if (stories !== undefined) {
    reasons.push({ code: 'gap', message: `stories over several identities are stopped: ${stories.message}` });
  }
  if (detection.runner.stalled) {
    const message = 'writes to the store do not get through; they are repeated';
    reasons.push({ code: 'store_unavailable', message });
  }
  const lag = await lagOf(parts, detection);
  if (lag !== undefined && lag > LIMITS.ready_lag_records_max) {
    reasons.push({ code: 'behind', message: `detect is ${lag} records behind the log` });
  }
  return reasons;
}

async function againstLog({ ground, ingest }: Parts): Promise<Reasons> {
  const code = 'log_unavailable';
  if ((await inTime(ground.log.bounds(TOPICS.control, 0))) === undefined) {
    return [{ code, message: 'the event log does not answer' }];
  }
  if (ingest?.runner.stalled !== true) return [];
  return [{ code, message: 'raw topics cannot be read or worked off just now' }];
}

/** Where detect works here, its own reads and writes tell more. */
async function againstStore({ foundation, detection }: Parts): Promise<Reasons> {
  if (foundation === undefined || detection !== undefined) return [];
  const answered = await inTime(foundation.store.ping().then(() => true));
  return answered === true ? [] : [{ code: 'store_unavailable', message: 'the store does not answer' }];
}

/** Only where something is kept on it. */
function againstDisk({ ground, foundation }: Parts): Reasons {
  const keeps = ground.embedded !== undefined || foundation?.db.kind === 'embedded';
  if (!keeps) return [];
  const { root } = ground.dir;
  const free = freeBytes(root);
  if (free >= FREE_BYTES_MIN) return [];
  return [{ code: 'disk_full', message: `${Math.floor(free / UNITS.MIB)} MiB are free in ${root}` }];
}

async function againstWebhooks({ deliver }: Parts): Promise<Reasons> {
  const lanes = deliver?.webhooks();
  const status = (lanes && (await inTime(lanes.status()))) ?? [];
  return status
    .filter(({ state }) => state === 'stalled')
    .map(({ subscription }) => ({ code: 'webhook_stalled', message: `subscription ${subscription} is stalled` }));
}

/** Records in the log that this process's partitions have not applied; undefined while the log does not answer. */
export async function lagOf({ ground: { log } }: Parts, { runner }: Detection): Promise<number | undefined> {
  const running = runner.status().filter(({ state }) => state === 'running');
  const lags = running.map(async ({ partition, next_offset }) => {
    const { end } = await log.bounds(TOPICS.events, partition);
    return Math.max(0, end - next_offset);
  });
  return (await inTime(Promise.all(lags)))?.reduce((sum, lag) => sum + lag, 0);
}

/** The answer, or undefined when log or store gave none in time. */
export async function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([answer, systemClock.sleep(PATIENCE_MS, over.signal).then(() => undefined)]);
  } catch (error) {
    if (!isPassing(error)) throw error;
    return undefined;
  } finally {
    over.abort();
  }
}

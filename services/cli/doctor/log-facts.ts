import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { parsePosition, positionName } from '../../ingest/raw-position.ts';
import { systemClock } from '../../platform/clock.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import type { DataDir } from '../../platform/data-dir.ts';
import type { LogFacts, Unopened } from '../../platform/doctor/doctor.ts';
import type { StreamFact } from '../../platform/doctor/facts.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../platform/event-log.ts';
import { openSqliteLog, type SqliteLog } from '../../platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../platform/telemetry.ts';
import { CONTROL_COPIED, DEAD_COPIED } from '../service/copies.ts';
import { kafkaSettings } from '../service/kafka-settings.ts';

/** Looks at the embedded log as a second process. */
export async function lookAtFile(dir: DataDir, { deep }: { readonly deep: boolean }): Promise<LogFacts | Unopened> {
  let log: SqliteLog | undefined;
  try {
    log = openSqliteLog({ path: dir.log, clock: systemClock, telemetry: silentTelemetry() });
    return {
      opened: 'yes',
      kind: 'embedded',
      ...(deep && { damage: await log.quickCheck() }),
      size_bytes: fs.statSync(dir.log).size,
      streams: await log.streams(),
      ...(await commonFacts(log)),
    };
  } catch (error) {
    return refused(error);
  } finally {
    await log?.close();
  }
}

/** Connects to the cluster as another process would, checks the settings of its topics, and makes nothing. */
export async function lookAtCluster({ config, secrets }: LoadedConfig): Promise<LogFacts | Unopened> {
  const { kafka } = config.log;
  if (kafka === undefined) return { opened: 'absent' };
  const { openKafkaLog } = await import('../../platform/kafka/kafka-log.ts');
  const settings = {
    ...kafkaSettings(config, kafka, secrets, `doctor-${randomBytes(8).toString('hex')}`),
    create_topics: false,
  };
  let log: EventLog | undefined;
  try {
    log = await openKafkaLog({ settings, clock: systemClock, telemetry: silentTelemetry() });
    return { opened: 'yes', kind: 'kafka', streams: await streamsOf(log), ...(await commonFacts(log)) };
  } catch (error) {
    return refused(error);
  } finally {
    await log?.close();
  }
}

/** When the last record was appended is not looked for: brokers give the time, so this machine's clock is not asked. */
async function streamsOf(log: EventLog): Promise<StreamFact[]> {
  const streams: StreamFact[] = [];
  for (const topic of Object.values(TOPICS)) {
    const { partitions } = await log.describe(topic);
    for (let partition = 0; partition < partitions; partition++) {
      streams.push({ topic, partition, append_ms: 0, ...(await log.bounds(topic, partition)) });
    }
  }
  return streams;
}

async function commonFacts(log: EventLog): Promise<Pick<LogFacts, 'generation' | 'counters' | 'consumers'>> {
  return {
    generation: (await log.describe(TOPICS.events)).generation,
    counters: await log.counters(),
    consumers: await consumersOf(log),
  };
}

async function consumersOf(log: EventLog): Promise<LogFacts['consumers']> {
  const consumers: LogFacts['consumers'][number][] = [];
  for (const [name, topic] of [
    [DEAD_COPIED, TOPICS.dead],
    [CONTROL_COPIED, TOPICS.control],
  ] as const) {
    const position = await log.position(name);
    if (position !== undefined) consumers.push({ name, topic, partition: 0, next_offset: Number(position) });
  }
  for (const topic of [TOPICS.raw, TOPICS.spans]) {
    const { partitions, generation } = await log.describe(topic);
    for (let partition = 0; partition < partitions; partition++) {
      const text = await log.position(positionName({ topic, partition }));
      const position = text === undefined ? undefined : parsePosition(text);
      if (position?.generation !== generation) continue;
      consumers.push({ name: 'ingest', topic, partition, next_offset: position.next });
    }
  }
  return consumers;
}

/** Errors with a code are for people; anything else is a defect of ours. */
export function refused(error: unknown): Unopened {
  if (error instanceof LogUnavailable)
    return { opened: 'refused', code: `log_${error.reason}`, message: error.message };
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error;
  return { opened: 'refused', code: error.code, message: error.message };
}

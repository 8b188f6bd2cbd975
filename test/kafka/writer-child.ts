import fs from 'node:fs';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog, LogWrite } from '../../services/platform/event-log.ts';
import { openKafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import type { KafkaSettings } from '../../services/platform/kafka/settings.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { record } from '../log/support.ts';

/**
 * A process that writes until it is killed: `node writer-child.ts SETTINGS RUN`. It prints the names of the records of a
 * write once that is acknowledged, by a blocking write, so that nothing is printed too soon.
 */
const LANES = 4;

/** The number that the position of a lane ends with; the next write has the next one. */
export function turnOf(position: string | undefined): number {
  return position === undefined ? 0 : Number(position);
}

/** Three records over the partitions, a sum, and the lane's position. Every second lane is an office. */
export function writeOf(lane: number, run: string, before: string | undefined): LogWrite {
  const turn = turnOf(before) + 1;
  return {
    records: [0, 1, 2].map((i) => record('k', `${lane}/${turn}/${run}/${i}`, i)),
    counters: [{ name: 'records', add: 3 }],
    positions: [{ name: `lane ${lane}`, position: `${turn}` }],
    ...(lane % 2 === 0 ? { expect: { name: `lane ${lane}`, position: before } } : {}),
  };
}

async function work(log: EventLog, lane: number, run: string): Promise<void> {
  for (let position = await log.position(`lane ${lane}`); ; ) {
    const write = writeOf(lane, run, position);
    await log.transact(write);
    position = write.positions?.[0]?.position;
    fs.writeSync(1, `${write.records.map(({ value }) => value).join(' ')}\n`);
  }
}

async function main([settings = '', run = '']: readonly string[]): Promise<void> {
  const log = await openKafkaLog({
    settings: JSON.parse(settings) as KafkaSettings,
    clock: systemClock,
    telemetry: silentTelemetry(),
  });
  await Promise.all(Array.from({ length: LANES }, (_, lane) => work(log, lane, run)));
}

if (import.meta.main) await main(process.argv.slice(2));

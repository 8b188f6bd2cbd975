import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Clock } from '../../services/platform/clock.ts';
import type { EventLog, Topic } from '../../services/platform/event-log.ts';
import { openSqliteLog, type SqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type FaultPlan, newDisk, openSimulatedLog, trimSimulated } from '../support/simulated-log.ts';
import { describeLog } from './conformance.ts';
import { PARTITIONS } from './support.ts';

describeLog('the embedded log', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-log-'));
  const file = path.join(dir, 'log.sqlite');
  return {
    open: async (clock) => openSqliteLog({ path: file, partitions: PARTITIONS, clock, telemetry: silentTelemetry() }),
    trim: (log, topic, partition, before_offset) => (log as SqliteLog).trim(topic, partition, before_offset),
    dispose: async () => fs.rmSync(dir, { recursive: true }),
  };
});

let seed = 0;
const simulated = (faults: FaultPlan) => async () => {
  const random = (): number => (Math.imul(++seed, 0x9e3779b1) >>> 0) / 2 ** 32;
  const disk = newDisk({ partitions: PARTITIONS, random });
  return {
    open: async (clock: Clock) => openSimulatedLog({ disk, clock, faults }),
    trim: async (_: EventLog, topic: Topic, partition: number, before_offset: number) =>
      trimSimulated(disk, topic, partition, before_offset),
    dispose: async () => {},
  };
};
describeLog(
  'the simulated log',
  simulated(() => ({})),
);
describeLog(
  'the simulated log with holes between offsets',
  simulated(() => ({ offsets_skipped: 1, offsets_skipped_after: 1 })),
);

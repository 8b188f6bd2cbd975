import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openSqliteLog, type SqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { newDisk, openSimulatedLog, trimSimulated } from '../support/simulated-log.ts';
import { describeLog } from './conformance.ts';
import { PARTITIONS } from './support.ts';

describeLog('the embedded log', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-log-'));
  const file = path.join(dir, 'log.sqlite');
  return {
    open: (clock) => openSqliteLog({ path: file, partitions: PARTITIONS, clock, telemetry: silentTelemetry() }),
    trim: (log, topic, partition, before_offset) => (log as SqliteLog).trim(topic, partition, before_offset),
    dispose: () => fs.rmSync(dir, { recursive: true }),
  };
});

let seed = 0;
describeLog('the simulated log', () => {
  const random = (): number => (Math.imul(++seed, 0x9e3779b1) >>> 0) / 2 ** 32;
  const disk = newDisk({ partitions: PARTITIONS, random });
  return {
    open: (clock) => openSimulatedLog({ disk, clock }),
    trim: async (_, topic, partition, before_offset) => trimSimulated(disk, topic, partition, before_offset),
    dispose: () => {},
  };
});

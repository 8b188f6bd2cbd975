import { Alert } from '../../schemas/alert.ts';
import { Command } from '../../schemas/command.ts';
import { UNITS } from '../../schemas/limits.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import type { ControlPosition } from '../control/writer.ts';
import { type EventLog, type LogRecord, type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey, partitionOf } from '../platform/partitioner.ts';
import { onAlert } from './alerts.ts';
import { onCommand } from './commands.ts';
import type { Turn } from './turn.ts';

/** What the responder reads in one turn, and the position once it is decided. */
export type Inputs = {
  readonly feed: readonly LogRecord[];
  readonly commands: readonly LogRecord[];
  readonly count: number;
  readonly position: ControlPosition;
};

const BATCH = { records: 256, bytes: 2 * UNITS.MIB } as const;

export async function readInputs(log: EventLog, from: ControlPosition): Promise<Inputs> {
  const feed = await log.read(TOPICS.feed, 0, from.feed.next, BATCH);
  const commands = await log.read(TOPICS.commands, 0, from.commands.next, BATCH);
  return {
    feed: feed.records,
    commands: commands.records,
    count: feed.records.length + commands.records.length,
    position: {
      ...from,
      feed: { ...from.feed, next: feed.next },
      commands: { ...from.commands, next: commands.next },
    },
  };
}

/** Alerts first: what is known to be harmless must not be approved in the same turn. */
export function decideInputs(turn: Turn, { feed, commands }: Inputs): void {
  for (const record of feed) {
    const alert = Alert.safeParse(json(record));
    if (alert.success) onAlert(turn, alert.data);
    else reject(turn, TOPICS.feed, record);
  }
  for (const record of commands) {
    const command = Command.safeParse(json(record));
    if (command.success) onCommand(turn, command.data);
    else reject(turn, TOPICS.commands, record);
  }
}

function json(record: LogRecord): unknown {
  try {
    return JSON.parse(record.value.toString('utf8'));
  } catch {
    return undefined;
  }
}

function reject(turn: Turn, topic: string, { offset }: LogRecord): void {
  turn.notes.push({ name: 'responder_records_rejected', labels: { topic }, fields: { offset } });
}

/** Verdicts as records of the partitions that hold the baselines of their identities. */
export async function verdictRecords(log: EventLog, verdicts: readonly Verdict[]): Promise<NewRecord[]> {
  if (verdicts.length === 0) return [];
  const { partitions } = await log.describe(TOPICS.events);
  return verdicts.map((verdict) => {
    const key = identityKey(verdict.tenant, verdict.identity);
    const record: DetectRecord = { type: 'verdict', verdict };
    const value = Buffer.from(JSON.stringify(record));
    return { topic: TOPICS.events, partition: partitionOf(key, partitions), key, value };
  });
}

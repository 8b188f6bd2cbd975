import { Alert } from '../../schemas/alert.ts';
import { Command } from '../../schemas/command.ts';
import { UNITS } from '../../schemas/limits.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import type { ControlPosition } from '../control/writer.ts';
import { type EventLog, type LogRead, type LogRecord, type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey, partitionOf } from '../platform/partitioner.ts';
import { onAlert } from './alerts.ts';
import { onCommand } from './commands.ts';
import { type Input, type Standstill, topicOf } from './standstill.ts';
import type { Turn } from './turn.ts';

/** What the responder reads in one turn, and the position once it is decided. */
export type Inputs = {
  readonly feed: readonly LogRecord[];
  readonly commands: readonly LogRecord[];
  /** Records of commands that stand still: only what is about gaps is decided of them, and the position stays. */
  readonly aside: readonly LogRecord[];
  readonly position: ControlPosition;
  readonly scan: Scan | undefined;
};

/** How far commands that stand still were looked through; nothing of it survives a restart, which looks again. */
export type Scan = { readonly generation: string; readonly next: number };

const BATCH = { records: 256, bytes: 2 * UNITS.MIB } as const;

/** Rejects with OffsetOutOfRange or LogUnavailable. */
export async function readInputs(
  log: EventLog,
  from: ControlPosition,
  stops: ReadonlyMap<Input, Standstill>,
  scan: Scan | undefined,
): Promise<Inputs> {
  const read = async (input: Input): Promise<LogRead> => {
    const { next } = from[input];
    return stops.has(input) ? { records: [], next } : log.read(topicOf(input), 0, next, BATCH);
  };
  const [feed, commands] = [await read('feed'), await read('commands')];
  const stopped = stops.get('commands');
  const aside = stopped && (await readAside(log, stopped, scan));
  return {
    feed: feed.records,
    commands: commands.records,
    aside: aside?.records ?? [],
    scan: aside?.scan,
    position: {
      ...from,
      feed: { ...from.feed, next: feed.next },
      commands: { ...from.commands, next: commands.next },
    },
  };
}

async function readAside(
  log: EventLog,
  { generation, bounds }: Standstill,
  scan: Scan | undefined,
): Promise<{ readonly records: readonly LogRecord[]; readonly scan: Scan }> {
  const known = scan !== undefined && scan.generation === generation && scan.next <= bounds.end;
  const from = known ? Math.max(scan.next, bounds.start) : bounds.start;
  const { records, next } = await log.read(TOPICS.commands, 0, from, BATCH);
  return { records, scan: { generation, next } };
}

/** Alerts first: what is known to be harmless must not be approved in the same turn. */
export function decideInputs(turn: Turn, { feed, commands, aside }: Inputs): void {
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
  for (const record of aside) {
    const command = Command.safeParse(json(record));
    if (command.success && ABOUT_GAPS.has(command.data.type)) onCommand(turn, command.data);
  }
}

const ABOUT_GAPS: ReadonlySet<Command['type']> = new Set(['report_gap', 'decide_gap', 'close_gap']);

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

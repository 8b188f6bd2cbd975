import { ControlRecord } from '../../schemas/control.ts';
import { decodeRecord } from '../../services/control/sealed.ts';
import { type EventLog, type LogRecord, TOPICS, type Topic } from '../../services/platform/event-log.ts';

/** All that a log holds, read once after the last process has gone. */
export type LogFacts = {
  readonly counters: ReadonlyMap<string, number>;
  readonly events: readonly { readonly type: string; readonly id: string; readonly json: string }[];
  /** Records of the raw topic. */
  readonly raw: number;
  readonly alerts: readonly string[];
  readonly feed: readonly string[];
  readonly dead: readonly { readonly offset: number; readonly reason: string }[];
  readonly control: readonly { readonly offset: number; readonly record: ControlRecord }[];
};

const MOST = { records: 4096, bytes: 16 << 20 };

export async function readFacts(log: EventLog): Promise<LogFacts> {
  const texts = (records: readonly LogRecord[]): string[] => records.map(({ value }) => value.toString('utf8'));
  return {
    counters: await log.counters(),
    events: texts(await readTopic(log, TOPICS.events)).map(eventOf),
    raw: (await readTopic(log, TOPICS.raw)).length,
    alerts: texts(await readTopic(log, TOPICS.alerts)),
    feed: texts(await readTopic(log, TOPICS.feed)),
    dead: (await readTopic(log, TOPICS.dead)).map(({ offset, value }) => ({
      offset,
      reason: (JSON.parse(value.toString('utf8')) as { reason: string }).reason,
    })),
    control: (await readTopic(log, TOPICS.control)).map(({ offset, value }) => ({
      offset,
      record: ControlRecord.parse(decodeRecord(value).json),
    })),
  };
}

function eventOf(json: string): LogFacts['events'][number] {
  try {
    const { type, event } = JSON.parse(json) as { type: string; event?: { id: string } };
    return { type, id: event?.id ?? '', json };
  } catch {
    return { type: 'poison', id: '', json };
  }
}

async function readTopic(log: EventLog, topic: Topic): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  const { partitions } = await log.describe(topic);
  for (let partition = 0; partition < partitions; partition++) {
    let { start: next } = await log.bounds(topic, partition);
    for (;;) {
      const read = await log.read(topic, partition, next, MOST);
      all.push(...read.records);
      if (read.next === next) break;
      next = read.next;
    }
  }
  return all;
}

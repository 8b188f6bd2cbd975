import { z } from 'zod';
import { DeadLetter } from '../../../../schemas/dead-letter.ts';
import type { DeadLetterCursor, ReadStore, StoredDeadLetter } from '../../store.ts';
import type { ClickHouse } from '../connection.ts';
import { ask } from './ask.ts';

type CopyReads = Pick<ReadStore, 'listDeadLetters' | 'countDeadLetters' | 'listControlCopies'>;

export function copyReads(db: ClickHouse): CopyReads {
  return {
    async listDeadLetters({ limit, after, reason }) {
      const sql = `
        SELECT topic, log_partition, log_offset, toUnixTimestamp64Milli(time) AS time_ms, reason, message, field, origin,
          position, length, bytes
        FROM dead_letters FINAL
        WHERE 1 ${reason === undefined ? '' : 'AND reason = {reason:String}'}
          ${after === undefined ? '' : `AND (${PLACE}) < (${AFTER})`}
        ORDER BY time_ms DESC, topic DESC, log_partition DESC, log_offset DESC
        LIMIT {limit:UInt32}`;
      const rows = await ask(db, sql, {
        limit: limit + 1,
        ...(reason === undefined ? {} : { reason }),
        ...(after === undefined ? {} : { ...after }),
      });
      const items = rows.slice(0, limit).map(deadLetterOf);
      const last = items.at(-1);
      const more = rows.length > limit && last !== undefined;
      return { items, next: more ? cursorOf(last) : undefined };
    },
    async countDeadLetters() {
      const sql = `
        SELECT toString(reason) AS name, count() AS count FROM dead_letters FINAL
        GROUP BY name ORDER BY count DESC, name`;
      return (await ask(db, sql)).map((row) => CountedRow.parse(row));
    },
    async listControlCopies({ limit, after, kind }) {
      const sql = `
        SELECT sequence, kind, json FROM control_copies FINAL
        WHERE sequence > {after:Int64} ${kind === undefined ? '' : 'AND kind = {kind:String}'}
        ORDER BY sequence LIMIT {limit:UInt32}`;
      const params = { after: after ?? -1, limit: limit + 1, ...(kind === undefined ? {} : { kind }) };
      const rows = await ask(db, sql, params);
      const items = rows.slice(0, limit).map((row) => ControlColumns.parse(row));
      return { items, next: rows.length > limit ? items.at(-1)?.sequence : undefined };
    },
  };
}

const PLACE = 'toUnixTimestamp64Milli(time), topic, log_partition, log_offset';
const AFTER = '{time:Int64}, {topic:String}, {partition:UInt16}, {offset:UInt64}';

function cursorOf(row: StoredDeadLetter): DeadLetterCursor {
  return { time: row.letter.time, topic: row.topic, partition: row.partition, offset: row.offset };
}

const CountedRow = z.object({ name: z.string(), count: z.int() });
const ControlColumns = z.object({ sequence: z.int(), kind: z.string(), json: z.string() });

const DeadLetterColumns = z.object({
  topic: z.string(),
  log_partition: z.int(),
  log_offset: z.int(),
  time_ms: z.int(),
  reason: z.string(),
  message: z.string(),
  field: z.string(),
  origin: z.string(),
  position: z.string(),
  length: z.int(),
  bytes: z.string(),
});

function deadLetterOf(row: unknown): StoredDeadLetter {
  const { topic, log_partition, log_offset, time_ms, field, ...rest } = DeadLetterColumns.parse(row);
  const letter = DeadLetter.parse({ ...rest, time: time_ms, ...(field === '' ? {} : { field }) });
  return { letter, topic, partition: log_partition, offset: log_offset };
}

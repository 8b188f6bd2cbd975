import type { DatabaseSync } from 'node:sqlite';
import { type LogRead, type LogRecord, OffsetOutOfRange, type PartitionBounds, type Topic } from '../event-log.ts';
import { type BatchRow, batchIsSound, decodeBatch } from './batch.ts';
import { commitWrites } from './commit.ts';
import { LogUnusable } from './errors.ts';
import type { OpenedFile, Stream } from './schema.ts';
import { prepareStatements, type Statements } from './statements.ts';
import type { CheckedWrite } from './write-check.ts';

/** Everything that speaks SQL to an opened log. Synchronous; errors of SQLite pass untranslated. */
export type Storage = ReturnType<typeof openStorage>;

type Most = { readonly records: number; readonly bytes: number };

export function openStorage(file: OpenedFile, path: string) {
  const { db } = file;
  const statements = prepareStatements(db);
  const streamOf = (topic: Topic, partition: number): Stream => {
    const stream = file.topics.get(topic)?.streams[partition];
    if (stream === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
    return stream;
  };
  return {
    streamOf,
    bounds: (stream: Stream): PartitionBounds => boundsOf(statements, stream),
    commit: (writes: readonly CheckedWrite[], now_ms: number) => commitWrites(db, statements, streamOf, writes, now_ms),
    read: (stream: Stream, offset: number, most: Most): LogRead =>
      inSnapshot(db, statements, () => readRecords(statements, path, stream, offset, most)),
    offsetAt: (stream: Stream, append_ms: number): number => offsetAt(statements, stream, append_ms),
    moveStart: (stream: Stream, before_offset: number): void => {
      statements.moveStart.run(before_offset, stream.id);
    },
    /** Deletes some of the batches that lie below the start; true when there may be more. */
    deleteTrimmed: (stream: Stream): boolean => Number(statements.of(stream).trim.run(stream.id).changes) > 0,
    position: (name: string): string | undefined =>
      (statements.position.get(name) as { position: string } | undefined)?.position,
    positions: (): ReadonlyMap<string, string> =>
      new Map((statements.positions.all() as { name: string; position: string }[]).map((r) => [r.name, r.position])),
    counters: (): ReadonlyMap<string, number> =>
      new Map((statements.counters.all() as { name: string; value: number }[]).map((r) => [r.name, r.value])),
    appendedAt: (stream: Stream): number => (statements.head.get(stream.id) as { append_ms: number }).append_ms,
    /** Changes when another connection has committed. */
    dataVersion: (): number => (statements.dataVersion.get() as { data_version: number }).data_version,
    /** What is wrong with the file, one line each. */
    quickCheck: (): string[] =>
      (statements.quickCheck.all() as { quick_check: string }[])
        .map((row) => row.quick_check)
        .filter((line) => line !== 'ok'),
    close: (): void => db.close(),
  };
}

function boundsOf(statements: Statements, stream: Stream): PartitionBounds {
  const { start, end } = statements.bounds.get(stream.id) as PartitionBounds;
  return { start, end };
}

function readRecords(statements: Statements, path: string, stream: Stream, offset: number, most: Most): LogRead {
  const bounds = boundsOf(statements, stream);
  if (offset < bounds.start || offset > bounds.end) {
    throw new OffsetOutOfRange(stream.topic, stream.partition, offset, bounds);
  }
  const { from } = statements.of(stream);
  const records: LogRecord[] = [];
  let bytes = 0;
  let next = offset;
  while (next < bounds.end && records.length < most.records && (records.length === 0 || bytes < most.bytes)) {
    const row = soundRow(from.get(next), next, stream, path);
    bytes += decodeBatch(row, next, { records: most.records, bytes: most.bytes - bytes }, records);
    next = row.last_offset + 1;
  }
  return { records, next: (records.at(-1)?.offset ?? offset - 1) + 1 };
}

/** First offset that was appended at or after the time: append times never decrease, so halving finds it. */
function offsetAt(statements: Statements, stream: Stream, append_ms: number): number {
  let { start: low, end: high } = boundsOf(statements, stream);
  const { time } = statements.of(stream);
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const row = time.get(middle) as { last_offset: number; append_ms: number } | undefined;
    if (row === undefined || row.append_ms >= append_ms) high = middle;
    else low = row.last_offset + 1;
  }
  return low;
}

/** Reads of one moment: a trim by another process cannot fall between them. */
function inSnapshot<T>(db: DatabaseSync, statements: Statements, work: () => T): T {
  statements.begin.run();
  try {
    return work();
  } finally {
    if (db.isTransaction) statements.commit.run();
  }
}

/** The batch that holds the offset: a hole is damage too, and never stepped over. */
function soundRow(row: unknown, offset: number, stream: Stream, path: string): BatchRow {
  if (row !== undefined) {
    const batch = row as BatchRow;
    if (batch.last_offset - batch.count < offset && batchIsSound(batch)) return batch;
  }
  throw new LogUnusable(
    'log_damaged',
    `${path} holds a damaged batch of ${stream.topic}/${stream.partition}: restore it from a backup, and check the disk`,
  );
}

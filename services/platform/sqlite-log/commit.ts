import type { DatabaseSync } from 'node:sqlite';
import { type LogWrite, type NewRecord, PositionConflict, type Topic } from '../event-log.ts';
import { encodeBatches } from './batch.ts';
import type { Stream } from './schema.ts';
import type { Statements } from './statements.ts';
import type { CheckedWrite } from './write-check.ts';

export type Committed = {
  /** For each write its offsets, or the conflict that kept it out. */
  readonly outcomes: readonly (readonly number[] | PositionConflict)[];
  /** New ends of the streams that grew. */
  readonly ends: ReadonlyMap<Stream, number>;
};

/** Next offset and last append time of a stream, while a transaction builds on them. */
type Head = { end: number; append_ms: number };

/** One transaction over an opened log. */
type Transaction = {
  readonly statements: Statements;
  readonly streamOf: (topic: Topic, partition: number) => Stream;
  readonly heads: Map<Stream, Head>;
  readonly now_ms: number;
};

/** Applies the writes in order in one transaction; a write in conflict leaves nothing and keeps nobody else out. */
export function commitWrites(
  db: DatabaseSync,
  statements: Statements,
  streamOf: (topic: Topic, partition: number) => Stream,
  writes: readonly CheckedWrite[],
  now_ms: number,
): Committed {
  const heads = new Map<Stream, Head>();
  const transaction = { statements, streamOf, heads, now_ms };
  statements.beginWrite.run();
  try {
    const outcomes = writes.map((checked) => apply(transaction, checked));
    for (const [stream, head] of heads) statements.setHead.run(head.end, head.append_ms, stream.id);
    statements.commit.run();
    return { outcomes, ends: new Map([...heads].map(([stream, head]) => [stream, head.end])) };
  } catch (error) {
    // A full disk or an I/O error has often rolled back already.
    if (db.isTransaction) statements.rollback.run();
    throw error;
  }
}

function apply(transaction: Transaction, { write, partitions }: CheckedWrite): readonly number[] | PositionConflict {
  const { statements } = transaction;
  const conflict = conflictOf(statements, write.expect);
  if (conflict !== undefined) return conflict;
  for (const { name, position } of write.positions ?? []) statements.setPosition.run(name, position);
  for (const { name, add } of write.counters ?? []) statements.addCounter.run(name, add);
  return append(transaction, write.records, partitions);
}

/** Offsets of the records, in their order. */
function append(transaction: Transaction, records: readonly NewRecord[], partitions: readonly number[]): number[] {
  const offsets = new Array<number>(records.length);
  for (const [stream, indices] of byStream(records, partitions, transaction.streamOf)) {
    const head = headOf(transaction, stream);
    indices.forEach((index, position) => {
      offsets[index] = head.end + position;
    });
    const { insert } = transaction.statements.of(stream);
    for (const batch of encodeBatches(indices.map((index) => records[index] as NewRecord))) {
      head.end += batch.count;
      insert.run(head.end - 1, batch.count, head.append_ms, batch.crc, batch.body);
    }
  }
  return offsets;
}

/** The stream's head with its append time brought up to now; the machine's clock may have gone back meanwhile. */
function headOf({ heads, statements, now_ms }: Transaction, stream: Stream): Head {
  let head = heads.get(stream);
  if (head === undefined) {
    head = statements.head.get(stream.id) as Head;
    heads.set(stream, head);
  }
  head.append_ms = Math.max(head.append_ms, now_ms);
  return head;
}

function conflictOf(statements: Statements, expect: LogWrite['expect']): PositionConflict | undefined {
  if (expect === undefined) return undefined;
  const row = statements.position.get(expect.name) as { position: string } | undefined;
  if (row?.position === expect.position) return undefined;
  return new PositionConflict(`position ${expect.name} is ${row?.position}, not ${expect.position}`);
}

function byStream(
  records: readonly NewRecord[],
  partitions: readonly number[],
  streamOf: (topic: Topic, partition: number) => Stream,
): Map<Stream, number[]> {
  const indices = new Map<Stream, number[]>();
  records.forEach((record, index) => {
    const stream = streamOf(record.topic, partitions[index] as number);
    const found = indices.get(stream);
    if (found === undefined) indices.set(stream, [index]);
    else found.push(index);
  });
  return indices;
}

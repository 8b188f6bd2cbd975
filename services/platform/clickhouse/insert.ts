import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreRefused } from '../store.ts';
import type { ClickHouse } from './connection.ts';
import { RowBinaryWriter } from './row-binary.ts';
import type { Table } from './tables/table.ts';

/** Rows encoded before the event loop gets a turn: about 3 ms. */
const SLICE_ROWS = 2_000;
/** Bytes of one insert: it stays one block for ClickHouse and one bounded buffer here. */
const INSERT_BYTES_MAX = 32 * 1024 * 1024;
/** ClickHouse refuses an insert into more than 100 partitions. */
const PARTITIONS_PER_INSERT_MAX = 90;
/** Buffers kept between inserts, and the size above which one is let go. */
const WRITERS_KEPT_MAX = 2;
const WRITER_BYTES_KEPT_MAX = 16 * 1024 * 1024;

export type Inserter = <Row>(table: Table<Row>, rows: readonly Row[]) => Promise<void>;

/** Inserts rows by any number of statements; when it resolves, all rows are durable. */
export function createInserter(db: ClickHouse): Inserter {
  const idle: RowBinaryWriter[] = [];
  return async (table, rows) => {
    if (rows.length === 0) return;
    const writer = idle.pop() ?? new RowBinaryWriter();
    try {
      for (const group of groupsOf(table, rows)) await insertGroup(db, writer, table, group);
    } finally {
      if (idle.length < WRITERS_KEPT_MAX && writer.capacity <= WRITER_BYTES_KEPT_MAX) idle.push(writer);
    }
  };
}

async function insertGroup<Row>(
  db: ClickHouse,
  writer: RowBinaryWriter,
  table: Table<Row>,
  rows: readonly Row[],
): Promise<void> {
  writer.reset();
  for (let from = 0; from < rows.length; from += SLICE_ROWS) {
    if (from > 0) await nextTurn();
    const to = Math.min(from + SLICE_ROWS, rows.length);
    for (let i = from; i < to; i++) {
      encode(writer, table, rows[i] as Row);
      if (writer.length < INSERT_BYTES_MAX) continue;
      await db.insert(table, writer.bytes());
      writer.reset();
    }
  }
  if (writer.length > 0) await db.insert(table, writer.bytes());
}

/** A value that its column cannot hold is refused here, as the server would. */
function encode<Row>(writer: RowBinaryWriter, table: Table<Row>, row: Row): void {
  try {
    table.write(writer, row);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StoreRefused(`a row does not fit into ${table.name}: ${error.message}`, { cause: error });
  }
}

/** All rows as they are, or, where they lie in too many partitions, in groups that do not. */
function groupsOf<Row>(table: Table<Row>, rows: readonly Row[]): readonly (readonly Row[])[] {
  const partitionOf = table.partitionOf;
  if (partitionOf === undefined) return [rows];
  const byPartition = new Map<number, Row[]>();
  for (const row of rows) {
    const partition = partitionOf(row);
    const group = byPartition.get(partition);
    if (group === undefined) byPartition.set(partition, [row]);
    else group.push(row);
  }
  if (byPartition.size <= PARTITIONS_PER_INSERT_MAX) return [rows];
  const partitions = [...byPartition.values()];
  const groups: Row[][] = [];
  for (let from = 0; from < partitions.length; from += PARTITIONS_PER_INSERT_MAX) {
    groups.push(partitions.slice(from, from + PARTITIONS_PER_INSERT_MAX).flat());
  }
  return groups;
}

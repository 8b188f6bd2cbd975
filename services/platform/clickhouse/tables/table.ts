import type { RowBinaryWriter } from '../row-binary.ts';

/** How rows of one kind go into one table. */
export type Table<Row> = {
  readonly name: string;
  /** Column names and their types on the wire, in the order in which `write` writes them. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly write: (to: RowBinaryWriter, row: Row) => void;
  /** Which of ClickHouse's partitions a row goes to, as a number; absent where the table has just one. */
  readonly partitionOf?: (row: Row) => number;
};

/** Months since the year 0 of an epoch-millisecond time, UTC: one number per `toYYYYMM`. */
export function monthOf(time_ms: number): number {
  const date = new Date(time_ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Values bound to `{name:Type}` in a statement. Nothing else of what callers pass ever becomes SQL. */
export type Params = Readonly<Record<string, string | number | readonly string[] | readonly number[]>>;

export type ReadOptions = { readonly urgent?: boolean };

export type InsertTarget = {
  readonly name: string;
  readonly columns: readonly (readonly [name: string, type: string])[];
};

/**
 * Statements against one ClickHouse, in process or over HTTP: what `detect-store.ts` and `queries/` are written on.
 * All of them throw StoreUnavailable or StoreRefused and nothing else.
 */
export interface ClickHouse {
  readonly kind: 'embedded' | 'server';
  command(sql: string, params?: Params): Promise<void>;
  /**
   * The answer as ClickHouse wrote it; `sql` names its own FORMAT. In process reads wait for each other, and an urgent
   * one for no more than the one that runs.
   */
  read(sql: string, params?: Params, options?: ReadOptions): Promise<Buffer>;
  /** Resolves when all rows of the RowBinary `body` are durable. It may be reused after that. */
  insert(into: InsertTarget, body: Buffer): Promise<void>;
  close(): Promise<void>;
}

/**
 * Settings of every insert, in the statement because chDB lets per-call settings leak into later ones.
 * - async_insert = 0: acknowledged means written.
 * - insert_deduplicate = 0: blocks are never compared, so no insert vanishes for looking like an earlier one. Repeats
 *   are the tables' and the readers' business.
 * - optimize_on_insert = 0: repeats within one insert are rare, and looking for them costs half of the insert.
 */
export const INSERT_SETTINGS = 'async_insert = 0, insert_deduplicate = 0, optimize_on_insert = 0';
/** On a replicated cluster an insert counts once a majority has it, and reads that decide see every such insert. */
export const QUORUM_INSERT_SETTINGS = "insert_quorum = 'auto', insert_quorum_parallel = 0";
export const SEQUENTIAL_READ_SETTINGS = 'select_sequential_consistency = 1';

/** Column names for an INSERT. They are constants of this program; the quoting is for those with a dot. */
export function columnList(into: InsertTarget): string {
  return into.columns.map(([name]) => `\`${name}\``).join(', ');
}

export async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/** Rows of a `FORMAT JSONEachRow` answer. */
export function jsonRows(answer: Buffer): unknown[] {
  const text = answer.toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.length > 0)
    .map((line) => JSON.parse(line) as unknown);
}

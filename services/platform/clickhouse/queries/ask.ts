import { type ClickHouse, jsonRows, type Params } from '../connection.ts';

/**
 * A question is answered within this time or not at all: in process all questions share one connection with detect.
 * Servers before 25.8 quote 64-bit numbers in JSON unless told otherwise.
 */
const SETTINGS = 'max_execution_time = 30, output_format_json_quote_64bit_integers = 0';

/** Rows of a SELECT that names neither FORMAT nor SETTINGS. */
export async function ask(db: ClickHouse, select: string, params?: Params): Promise<unknown[]> {
  return jsonRows(await db.read(`${select} SETTINGS ${SETTINGS} FORMAT JSONEachRow`, params));
}

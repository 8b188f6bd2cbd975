import { StoreRefused, StoreUnavailable } from '../store.ts';

/**
 * Codes with which ClickHouse refuses a value for what it is, whoever sends it and however often
 * (https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp).
 *
 * Everything else is worth repeating: a full disk, a missing grant or a table of another version are for an operator to
 * mend, and dead-lettering every row meanwhile would be worse than waiting. CANNOT_READ_ALL_DATA and
 * ATTEMPT_TO_READ_AFTER_EOF are absent on purpose: a body cut short on the way looks like that, and its rows are good.
 */
const REFUSING = new Set([
  6, // CANNOT_PARSE_TEXT
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  69, // ARGUMENT_OUT_OF_BOUND
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  128, // TOO_LARGE_ARRAY_SIZE
  131, // TOO_LARGE_STRING_SIZE
  190, // SIZES_OF_ARRAYS_DONT_MATCH
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  407, // DECIMAL_OVERFLOW
  469, // VIOLATED_CONSTRAINT
]);

/** What went wrong with a statement, as one of the seam's two kinds. Decided by code, never by text. */
function classify(error: unknown, doing: string): StoreUnavailable | StoreRefused {
  const code = textOf(error, 'code');
  const clickhouse = code !== undefined && /^\d{1,4}$/.test(code) ? Number(code) : undefined;
  const named = textOf(error, 'type') ?? code ?? (error instanceof Error ? error.name : 'unknown error');
  const message = `the store failed to ${doing}: ${named}${clickhouse === undefined ? '' : ` (${clickhouse})`}`;
  const options = { cause: error };
  return clickhouse !== undefined && REFUSING.has(clickhouse)
    ? new StoreRefused(message, options)
    : new StoreUnavailable(message, options);
}

/** Runs one statement; what it throws is one of the seam's two errors. */
export async function classified<T>(doing: string, statement: () => Promise<T>): Promise<T> {
  try {
    return await statement();
  } catch (error) {
    throw classify(error, doing);
  }
}

/** The two client packages (HTTP and chDB's) each bring their own error class, so the shape decides, not the class. */
function textOf(error: unknown, field: 'code' | 'type'): string | undefined {
  if (typeof error !== 'object' || error === null || !(field in error)) return undefined;
  const value: unknown = (error as Record<string, unknown>)[field];
  return typeof value === 'string' && value.length > 0 ? value : undefined;
}

export const UNUSABLE_CODES = [
  'store_cannot_open',
  'store_newer',
  'store_migration_changed',
  'store_database_name',
] as const;

/** The store cannot be used as it stands and repeating will not help: a person must act. */
export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable';
  readonly code: (typeof UNUSABLE_CODES)[number];
  constructor(code: (typeof UNUSABLE_CODES)[number], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

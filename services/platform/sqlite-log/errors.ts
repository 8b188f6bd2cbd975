import { LogUnavailable } from '../event-log.ts';

/** Each is explained in docs/errors.md. */
export const LOG_UNUSABLE_CODES = [
  'log_cannot_open',
  'log_foreign',
  'log_damaged',
  'log_schema_version',
  'log_partitions_differ',
] as const;

/** The file cannot be used as it is; trying again changes nothing. The message names the file and the remedy. */
export class LogUnusable extends Error {
  override readonly name = 'LogUnusable';
  readonly code: (typeof LOG_UNUSABLE_CODES)[number];

  constructor(code: LogUnusable['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html; the low byte of an extended code. */
const SQLITE = { BUSY: 5, LOCKED: 6, READONLY: 8, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const;

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** Another connection holds the write lock for the moment. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === SQLITE.BUSY || code === SQLITE.LOCKED;
}

/** What an error of SQLite means to a user of the log; what is not SQLite's stays as it is. */
export function translateError(error: unknown, path: string): unknown {
  const code = primaryCode(error);
  const cause = { cause: error };
  switch (code) {
    case undefined:
      return error;
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return new LogUnavailable('busy', `${path} is held by another writer: end it, or wait for it`, cause);
    case SQLITE.FULL:
      return new LogUnavailable(
        'disk_full',
        `no space left for ${path}: free space, or shorten log.retention_days`,
        cause,
      );
    case SQLITE.CORRUPT:
      return new LogUnusable('log_damaged', `${path} is damaged: restore it from a backup, and check the disk`, cause);
    case SQLITE.NOTADB:
      return new LogUnusable(
        'log_foreign',
        `${path} is not an event log: choose another data directory, or move the file away`,
        cause,
      );
    case SQLITE.CANTOPEN:
      return new LogUnusable(
        'log_cannot_open',
        `${path} cannot be opened: its directory must exist and be writable`,
        cause,
      );
    case SQLITE.READONLY:
      return new LogUnusable('log_cannot_open', `${path} is read-only: its owner must start the service`, cause);
    default:
      return new LogUnavailable('io', `${path} cannot be read or written: check the disk`, cause);
  }
}

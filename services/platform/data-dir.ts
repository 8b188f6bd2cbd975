import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Where everything of one service lies. Paths only: nothing need exist. */
export type DataDir = {
  readonly root: string;
  /** The embedded event log. */
  readonly log: string;
  /** ClickHouse in this process. */
  readonly store: string;
  /** Directory for what first start creates: local users' links and keys. */
  readonly credentials: string;
  /** Key of the cookies of people, where the configuration names none. */
  readonly cookie_key: string;
  /** Emptied at every start. */
  readonly tmp: string;
  /** Held by the process that runs the service. */
  readonly lock: string;
  /** Holds the name of whoever works on this directory: see `instanceOf`. */
  readonly instance: string;
  /** Ed25519 key that signs checkpoints of the audit log, the one before it, and the checkpoints themselves. */
  readonly auditKey: string;
  readonly auditKeyBefore: string;
  readonly auditCheckpoints: string;
  /** Data directory of a replay into a log that is not here. */
  readonly replay: string;
};

/** Each is explained in docs/errors.md. */
export const DATA_DIR_CODES = ['data_dir_unusable', 'data_dir_foreign', 'data_dir_in_use'] as const;
export type DataDirProblem = {
  readonly code: (typeof DATA_DIR_CODES)[number];
  /** Names the directory, what is wrong, and the remedy. */
  readonly message: string;
};
export type DataDirResult =
  | { readonly ok: true; readonly lock: DataDirLock }
  | { readonly ok: false; readonly problem: DataDirProblem };
export type DataDirLock = { release(): void };

const PRIVATE_DIR = 0o700;
/** Starting waits so long, because another process may only be looking who holds the directory. */
const TAKE_WAIT_MS = 250;

export function dataDirAt(root: string): DataDir {
  return {
    root,
    log: path.join(root, 'log.sqlite'),
    store: path.join(root, 'clickhouse'),
    credentials: path.join(root, 'credentials'),
    cookie_key: path.join(root, 'credentials', 'cookie.key'),
    tmp: path.join(root, 'tmp'),
    lock: path.join(root, 'lock'),
    instance: path.join(root, 'instance'),
    auditKey: path.join(root, 'audit-key.pem'),
    auditKeyBefore: path.join(root, 'audit-key-before.pem'),
    auditCheckpoints: path.join(root, 'audit-checkpoints.jsonl'),
    replay: path.join(root, 'replay'),
  };
}

/**
 * Makes the directory and takes it for this process alone, until `release` or the death of the process, however it
 * dies. Everything below is readable by the owner only.
 */
export function takeDataDir(dir: DataDir): DataDirResult {
  const problem = secure(dir);
  if (problem !== undefined) return { ok: false, problem };
  const lock = lockFile(dir, { wait_ms: TAKE_WAIT_MS });
  if (!lock.ok) return lock;
  try {
    fs.writeFileSync(pidFile(dir), `${process.pid}\n`, { mode: 0o600 });
    fs.rmSync(dir.tmp, { recursive: true, force: true });
    for (const inner of [dir.tmp, dir.credentials]) makePrivate(inner);
  } catch (error) {
    lock.lock.release();
    return { ok: false, problem: unusable(dir, error) };
  }
  return lock;
}

/**
 * The name under which whoever holds this directory appears to others, made at the first start and kept: a process that
 * begins anew under its old name ends what it left open. `make` gives a new one. Throws what the file system throws.
 */
export function instanceOf(dir: DataDir, make: () => string): string {
  if (!fs.existsSync(dir.instance)) {
    // Written whole or not at all: half a name would be another one.
    fs.writeFileSync(`${dir.instance}.new`, `${make()}\n`, { mode: 0o600 });
    fs.renameSync(`${dir.instance}.new`, dir.instance);
  }
  return fs.readFileSync(dir.instance, 'utf8').trim();
}

/**
 * Secret bytes that are made at the first start and kept in a file that only the owner reads. `make` gives new ones. Throws
 * what the file system throws.
 */
export function secretIn(file: string, make: () => Buffer): Buffer {
  if (!fs.existsSync(file)) {
    fs.writeFileSync(`${file}.new`, make(), { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  }
  return fs.readFileSync(file);
}

/** The process that holds the directory; undefined when none does. It may end or begin the next moment. */
export function dataDirHolder(dir: DataDir): { readonly pid: number | undefined } | undefined {
  if (!fs.existsSync(dir.lock)) return undefined;
  const attempt = lockFile(dir, { wait_ms: 0 });
  if (!attempt.ok) return { pid: holderPid(dir) };
  attempt.lock.release();
  return undefined;
}

function secure(dir: DataDir): DataDirProblem | undefined {
  try {
    if (fs.existsSync(dir.root)) {
      if (!isOurs(dir)) {
        return {
          code: 'data_dir_foreign',
          message: `${dir.root} holds files of something else: choose an empty or new directory (--data, data_dir)`,
        };
      }
    }
    makePrivate(dir.root);
    fs.accessSync(dir.root, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return undefined;
  } catch (error) {
    return unusable(dir, error);
  }
}

/** Rights are tightened only where nobody else can have meant them: `--data /tmp` must not lock others out of it. */
function isOurs(dir: DataDir): boolean {
  const entries = fs.readdirSync(dir.root).filter((name) => name !== 'lost+found');
  const ours = [dir.log, dir.lock, dir.store, dir.replay, path.join(dir.root, 'countersign.yaml')].map((file) =>
    path.basename(file),
  );
  return entries.length === 0 || entries.some((name) => ours.includes(name));
}

function makePrivate(directory: string): void {
  fs.mkdirSync(directory, { recursive: true, mode: PRIVATE_DIR });
  if ((fs.statSync(directory).mode & 0o777) !== PRIVATE_DIR) fs.chmodSync(directory, PRIVATE_DIR);
}

function unusable(dir: DataDir, error: unknown): DataDirProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return {
    code: 'data_dir_unusable',
    message: `${dir.root} cannot be used (${code}): it must be a directory that this user owns and can write to`,
  };
}

/**
 * The lock is SQLite's exclusive lock on a file of its own, that is a lock of the kernel: it goes with the process, so
 * no stale lock is ever to be judged. The pid beside it is for the message only.
 */
function lockFile(dir: DataDir, options: { readonly wait_ms: number }): DataDirResult {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(dir.lock, { timeout: options.wait_ms });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    return { ok: false, problem: isHeld(error) ? inUse(dir) : unusable(dir, error) };
  }
  const taken = db;
  held.add(taken);
  const release = (): void => {
    if (held.delete(taken)) taken.close();
  };
  return { ok: true, lock: { release } };
}

/** Keeps locks from the garbage collector, which would close the file of one whose holder forgot it, and free it. */
const held = new Set<DatabaseSync>();

const SQLITE_BUSY = 5;

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY;
}

function inUse(dir: DataDir): DataDirProblem {
  const pid = holderPid(dir);
  return {
    code: 'data_dir_in_use',
    message:
      `${dir.root} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}: ` +
      'stop it, or choose another data directory (--data, data_dir)',
  };
}

function pidFile(dir: DataDir): string {
  return `${dir.lock}.pid`;
}

function holderPid(dir: DataDir): number | undefined {
  try {
    const pid = Number(fs.readFileSync(pidFile(dir), 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

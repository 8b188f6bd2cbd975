import { type FileHandle, open } from 'node:fs/promises';
import { type CheckpointClaims, CompactJws } from '../../schemas/audit.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, TOPICS } from '../platform/event-log.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { beginChain, ControlLogTruncated, headOf } from './chain.ts';
import { claimsOf } from './checkpoints.ts';
import { type ControlEntry, firstControlOffset, followEntry, readControl, whileUnavailable } from './writer.ts';

/**
 * Checkpoints in a file, a JWS a line, in order. The file is its own position: what it holds is compared with the log, and
 * what it lacks is added, so a crash between the log and the file loses nothing.
 */
export type CheckpointFileOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly path: string;
};

export type CheckpointFile = {
  /** Adds every further checkpoint until the signal aborts. Rejects with what the file system says. */
  follow(signal: AbortSignal): Promise<void>;
  /** Adds what is there now. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

/** More than two lines can have. */
const TAIL_BYTES = 16_384;

/**
 * Opens the file and compares its last checkpoint with the log. Rejects with ControlLogTruncated when the log ends before
 * it, holds something else there, or is another one.
 */
export async function openCheckpointFile(options: CheckpointFileOptions): Promise<CheckpointFile> {
  const { log, clock, telemetry, path } = options;
  const file = await open(path, 'a+', 0o600);
  try {
    const last = await lastIn(file, path);
    let next = last === undefined ? await firstControlOffset(log) : await offsetBehind(log, last, path);
    /** Adds what is there, and tells whether there was anything. */
    const add = async (): Promise<boolean> => {
      const read = await readControl(log, next);
      for (const entry of read.entries) {
        const jws = checkpointIn(entry);
        if (jws !== undefined) {
          await file.appendFile(`${jws}\n`);
          await file.datasync();
          telemetry.occurred('checkpoints_exported', { to: 'file', outcome: 'written' });
        }
        next = entry.offset + 1;
      }
      const came = read.next > next || read.entries.length > 0;
      next = read.next;
      return came;
    };
    return {
      async follow(signal) {
        const wait = (): Promise<void> => log.waitBeyond(TOPICS.control, 0, next, signal);
        while (!signal.aborted) await whileUnavailable(clock, signal, async () => (await add()) || wait());
      },
      async flush() {
        while (await add());
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The checkpoint that a record is; undefined for all others. */
export function checkpointIn({ record }: ControlEntry): string | undefined {
  return record.kind === 'checkpoint_signed' ? record.checkpoint : undefined;
}

/** The last checkpoint of the file. Half a line, of a crash while it was written, is taken off. */
async function lastIn(file: FileHandle, path: string): Promise<CheckpointClaims | undefined> {
  const { size } = await file.stat();
  const from = Math.max(0, size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
  const text = buffer.subarray(0, bytesRead).toString('latin1');
  const end = text.lastIndexOf('\n') + 1;
  if (end < text.length) await file.truncate(from + end);
  if (end === 0) return undefined;
  const line = text.slice(text.lastIndexOf('\n', end - 2) + 1, end - 1);
  const claims = CompactJws.safeParse(line).success ? claimsOf(line) : undefined;
  if (claims !== undefined) return claims;
  throw new ControlLogTruncated(
    `the last line of ${path} is no checkpoint: it was altered; keep a copy, and move it away`,
  );
}

/** Offset behind the checkpoint's own record. */
async function offsetBehind(log: EventLog, { n, hash, log: name }: CheckpointClaims, path: string): Promise<number> {
  const wrong = (what: string): ControlLogTruncated =>
    new ControlLogTruncated(
      `${path} says that ${TOPICS.control} held ${n} records, and ${what}. Its tail is lost, or it is another log: ` +
        'verify an export (`countersign audit verify`), restore from a backup, or move the file away',
    );
  if ((await log.describe(TOPICS.control)).generation !== name) throw wrong('this log was made later');
  const chain = beginChain();
  let next = await firstControlOffset(log);
  while (chain.n <= n) {
    const read = await readControl(log, next);
    for (const entry of read.entries) {
      followEntry(chain, entry);
      if (chain.n === n && headOf(chain).hash !== hash) throw wrong(`record ${n} is not the one it was`);
      if (chain.n === n + 1) return entry.offset + 1;
    }
    if (read.next === next) break;
    next = read.next;
  }
  if (chain.n === n) return next;
  throw wrong(`it ends with record ${chain.n}`);
}

import { z } from 'zod';
import { ControlRecord } from '../../schemas/control.ts';
import { UNITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, LogUnavailable, type NewRecord, PositionConflict, TOPICS } from '../platform/event-log.ts';
import { applyControl, type ControlState, emptyControlState } from './state.ts';

/**
 * Whoever writes to the control log expects and advances this one position, so writers exclude each other: the log takes
 * a write only from the one who has seen everything before it.
 */
const CONTROL_POSITION = 'control.writer';

const Consumed = z.object({ generation: z.string(), next: z.int().min(0) });

export const ControlPosition = z.object({
  /** Grows with every fence: the responder that wrote the highest one is the responder. */
  epoch: z.int().min(0),
  /** Who wrote last, and its how-manieth write: no two writes leave the same position. */
  instance: z.string(),
  write: z.int().min(0),
  /** Generation of the control log itself; absent in positions of the first version. */
  control: z.string().optional(),
  /** First record of each input that is not yet decided. */
  feed: Consumed,
  commands: Consumed,
});
export type ControlPosition = z.infer<typeof ControlPosition>;

/**
 * The control position as it stands, with its exact text for `expect`. Throws when the control log is not the one that it
 * was written for: whoever went on would begin with nobody's rights and nothing decided.
 */
export async function readPosition(
  log: EventLog,
): Promise<{ readonly text: string | undefined; readonly position: ControlPosition }> {
  const text = await log.position(CONTROL_POSITION);
  const control = (await log.describe(TOPICS.control)).generation;
  if (text !== undefined) {
    const position = ControlPosition.parse(JSON.parse(text));
    assertSameControl(position, control);
    return { text, position: { ...position, control } };
  }
  const from = async (topic: typeof TOPICS.feed | typeof TOPICS.commands) => ({
    generation: (await log.describe(topic)).generation,
    next: (await log.bounds(topic, 0)).start,
  });
  const [feed, commands] = [await from(TOPICS.feed), await from(TOPICS.commands)];
  return { text, position: { epoch: 0, instance: '', write: 0, control, feed, commands } };
}

/** Throws when the control log was deleted and made anew since the position was written. */
export function assertSameControl({ control }: ControlPosition, generation: string): void {
  if (control === undefined || control === generation) return;
  throw new ControlLogTruncated(`${TOPICS.control} was deleted and made anew; restore it from a backup`);
}

/** A control record as it goes to the log. There is one partition, so the key only says what it is about. */
function controlRecord(record: ControlRecord): NewRecord {
  return { topic: TOPICS.control, partition: 0, key: record.kind, value: Buffer.from(JSON.stringify(record)) };
}

/** One record of the control log with its place in it. */
export type ControlEntry = { readonly offset: number; readonly append_ms: number; readonly record: ControlRecord };

const BATCH = { records: 512, bytes: 4 * UNITS.MIB } as const;

/**
 * Records of the control log from an offset on, some at a time, and where to read on; none at its end. Throws on a record
 * that this version does not know: a newer one wrote it, and guessing would fork the state.
 */
export async function readControl(
  log: EventLog,
  from: number,
): Promise<{ readonly entries: readonly ControlEntry[]; readonly next: number }> {
  const { records, next } = await log.read(TOPICS.control, 0, from, BATCH);
  const entries = records.map(({ offset, append_ms, value }) => ({
    offset,
    append_ms,
    record: ControlRecord.parse(JSON.parse(value.toString('utf8'))),
  }));
  return { entries, next };
}

/** Where the control log begins. Throws when its beginning is gone: half of what was decided is not a state. */
export async function firstControlOffset(log: EventLog): Promise<number> {
  const { start } = await log.bounds(TOPICS.control, 0);
  if (start !== 0) throw new ControlLogTruncated(`the control log begins at ${start}; restore it from a backup`);
  return start;
}

export class ControlLogTruncated extends Error {
  override readonly name = 'ControlLogTruncated';
}

/** Folds the control log from its beginning to its present end. */
export async function foldControl(log: EventLog): Promise<{ readonly state: ControlState; readonly next: number }> {
  const state = emptyControlState();
  let next = await firstControlOffset(log);
  for (;;) {
    const read = await readControl(log, next);
    for (const entry of read.entries) applyControl(state, entry.record);
    if (read.next === next) return { state, next };
    next = read.next;
  }
}

export type ControlWrite = {
  readonly records: readonly ControlRecord[];
  /** Records of other topics that belong to the same decision. */
  readonly others?: readonly NewRecord[];
  /** The position as it was read, and as this write leaves it. */
  readonly expect: string | undefined;
  readonly next: ControlPosition;
};

/**
 * Writes control records and moves the position, as one transaction. Repeats it while the log is unavailable, and tells
 * its own earlier success from somebody else's write by the position it finds.
 */
export async function commitControl(
  log: EventLog,
  clock: Clock,
  write: ControlWrite,
  signal?: AbortSignal,
): Promise<'committed' | 'conflict'> {
  const position = JSON.stringify(write.next);
  return whileUnavailable(clock, signal, async () => {
    try {
      await log.transact({
        records: [...write.records.map(controlRecord), ...(write.others ?? [])],
        positions: [{ name: CONTROL_POSITION, position }],
        expect: { name: CONTROL_POSITION, position: write.expect, fence: 'control' },
      });
      return 'committed';
    } catch (error) {
      if (!(error instanceof PositionConflict)) throw error;
      return (await log.position(CONTROL_POSITION)) === position ? 'committed' : 'conflict';
    }
  });
}

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5 * UNITS.SECOND_MS;

/** Does the work again, with growing pauses, until the log takes it; gives up when the log is closed or the signal aborts. */
export async function whileUnavailable<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let pause_ms = RETRY_MS_MIN; ; pause_ms = Math.min(2 * pause_ms, RETRY_MS_MAX)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LogUnavailable) || error.reason === 'closed' || signal?.aborted) throw error;
      await clock.sleep(pause_ms, signal);
    }
  }
}

/**
 * Appends to the control log without being the responder: at first start, and for an operator's repair while the service
 * is stopped (a running responder would stop at its next write). `build` sees the state the records follow, and may run
 * again when somebody else wrote in between; an empty list writes nothing. `instance` must be of this call alone.
 */
export async function appendControl(
  log: EventLog,
  clock: Clock,
  instance: string,
  build: (state: ControlState) => readonly ControlRecord[],
): Promise<readonly ControlRecord[]> {
  for (;;) {
    const { text, position } = await readPosition(log);
    const records = build((await foldControl(log)).state);
    if (records.length === 0) return records;
    const next = { ...position, instance, write: position.write + 1 };
    if ((await commitControl(log, clock, { records, expect: text, next })) === 'committed') return records;
  }
}

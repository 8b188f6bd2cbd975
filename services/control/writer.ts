import { z } from 'zod';
import { ChainHead } from '../../schemas/audit.ts';
import { ControlRecord } from '../../schemas/control.ts';
import { UNITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, LogUnavailable, type NewRecord, PositionConflict, TOPICS } from '../platform/event-log.ts';
import {
  beginChain,
  brokenText,
  type Chain,
  ControlLogBroken,
  ControlLogTruncated,
  follow,
  headOf,
  linkAfter,
  sha256,
} from './chain.ts';
import { decodeRecord, encodeRecord } from './sealed.ts';
import { applyControl, type ControlState, emptyControlState } from './state.ts';

export { ControlLogTruncated } from './chain.ts';

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
  /** Where the hash chain stands: whoever writes goes on from here, and nobody else can. */
  head: ChainHead,
});
export type ControlPosition = z.infer<typeof ControlPosition>;

/**
 * As it is stored. `instance` has another name here, so that a version that knows no chain cannot read the position, and
 * ends instead of adding a record that breaks the chain for good.
 */
const StoredPosition = ControlPosition.omit({ instance: true }).extend({ v: z.literal(2), writer: z.string() });
const FirstPosition = ControlPosition.omit({ head: true });

function encodePosition({ instance, ...rest }: ControlPosition): string {
  return JSON.stringify({ v: 2, ...rest, writer: instance });
}

/** Throws for what is no position; of the first version the head is looked up in the log. */
async function decodePosition(log: EventLog, text: string): Promise<ControlPosition> {
  const json: unknown = JSON.parse(text);
  const stored = StoredPosition.safeParse(json);
  if (!stored.success) return { ...FirstPosition.parse(json), head: headOf((await foldControl(log)).chain) };
  const { v: _, writer, ...rest } = stored.data;
  return { ...rest, instance: writer };
}

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
    const position = await decodePosition(log, text);
    assertSameControl(position, control);
    return { text, position: { ...position, control } };
  }
  const from = async (topic: typeof TOPICS.feed | typeof TOPICS.commands) => ({
    generation: (await log.describe(topic)).generation,
    next: (await log.bounds(topic, 0)).start,
  });
  const [feed, commands] = [await from(TOPICS.feed), await from(TOPICS.commands)];
  const head = headOf((await foldControl(log)).chain);
  return { text, position: { epoch: 0, instance: '', write: 0, control, feed, commands, head } };
}

/** Throws when the control log was deleted and made anew since the position was written. */
export function assertSameControl({ control }: ControlPosition, generation: string): void {
  if (control === undefined || control === generation) return;
  throw new ControlLogTruncated(`${TOPICS.control} was deleted and made anew; restore it from a backup`);
}

/** One record of the control log with its place in it. */
export type ControlEntry = {
  readonly offset: number;
  readonly append_ms: number;
  readonly record: ControlRecord;
  /** The bytes that the hash chain binds: the record without its secrets. A view of a larger buffer. */
  readonly line: Buffer;
};

const BATCH = { records: 512, bytes: 4 * UNITS.MIB } as const;

/**
 * Records of the control log from an offset on, some at a time, and where to read on; none at its end. Throws on a record
 * that this version does not know: a newer one wrote it, and guessing would fork the state. Whoever folds them follows
 * the hash chain with `followEntry`.
 */
export async function readControl(
  log: Pick<EventLog, 'read'>,
  from: number,
): Promise<{ readonly entries: readonly ControlEntry[]; readonly next: number }> {
  const { records, next } = await log.read(TOPICS.control, 0, from, BATCH);
  const entries = records.map(({ offset, append_ms, value }) => {
    const { line, json } = decodeRecord(value);
    return { offset, append_ms, record: ControlRecord.parse(json), line };
  });
  return { entries, next };
}

/** Goes one record on in the hash chain. Throws ControlLogBroken when it does not follow on the one before it. */
export function followEntry(chain: Chain, { record, line, offset }: ControlEntry): void {
  const broken = follow(chain, sha256(line), record.chain);
  if (broken === undefined) return;
  throw new ControlLogBroken(
    `${TOPICS.control} is broken at offset ${offset}: ${brokenText(broken)}. It is not what was written. Keep a copy ` +
      '(`countersign audit export --from-log`), look at it with `countersign audit verify`, and restore from a backup.',
  );
}

/** Where the control log begins. Throws when its beginning is gone: half of what was decided is not a state. */
export async function firstControlOffset(log: EventLog): Promise<number> {
  const { start } = await log.bounds(TOPICS.control, 0);
  if (start !== 0) throw new ControlLogTruncated(`the control log begins at ${start}; restore it from a backup`);
  return start;
}

export type Folded = { readonly state: ControlState; readonly next: number; readonly chain: Chain };

/** Folds the control log from its beginning to its present end. Throws ControlLogBroken where its chain breaks. */
export async function foldControl(log: EventLog): Promise<Folded> {
  const state = emptyControlState();
  const chain = beginChain();
  let next = await firstControlOffset(log);
  for (;;) {
    const read = await readControl(log, next);
    for (const entry of read.entries) {
      followEntry(chain, entry);
      applyControl(state, entry.record);
    }
    if (read.next === next) return { state, next, chain };
    next = read.next;
  }
}

/**
 * True when the log, as it was folded, ends where a position says that it was left; false when somebody wrote in between.
 * Throws ControlLogTruncated when nobody did: then the log has lost records, or has more than were written.
 */
export async function endsAtHead(
  log: EventLog,
  chain: Chain,
  text: string,
  { head }: ControlPosition,
): Promise<boolean> {
  const found = headOf(chain);
  if (found.n === head.n && found.hash === head.hash) return true;
  if ((await log.position(CONTROL_POSITION)) !== text) return false;
  const message = `${TOPICS.control} ends with record ${found.n}, and record ${head.n} was written last`;
  throw new ControlLogTruncated(`${message}: it was tampered with, or its tail is lost; restore it from a backup`);
}

export type ControlWrite = {
  readonly records: readonly ControlRecord[];
  /** Records of other topics that belong to the same decision. */
  readonly others?: readonly NewRecord[];
  /** The position as it was read, and as this write leaves it. */
  readonly expect: string | undefined;
  readonly next: ControlPosition;
};

/** `text` and `position` are the position as it stands afterwards. */
export type ControlCommit =
  | { readonly kind: 'committed'; readonly text: string; readonly position: ControlPosition }
  | { readonly kind: 'conflict' };

/**
 * Writes control records, chained to the head of the position, and moves the position, as one transaction. Repeats it
 * while the log is unavailable, and tells its own earlier success from somebody else's write by the position it finds.
 */
export async function commitControl(
  log: EventLog,
  clock: Clock,
  write: ControlWrite,
  signal?: AbortSignal,
): Promise<ControlCommit> {
  const { records, head } = chained(write.records, write.next.head);
  const position = { ...write.next, head };
  const text = encodePosition(position);
  return whileUnavailable(clock, signal, async (): Promise<ControlCommit> => {
    try {
      await log.transact({
        records: [...records, ...(write.others ?? [])],
        positions: [{ name: CONTROL_POSITION, position: text }],
        expect: { name: CONTROL_POSITION, position: write.expect, fence: 'control' },
      });
    } catch (error) {
      if (!(error instanceof PositionConflict)) throw error;
      if ((await log.position(CONTROL_POSITION)) !== text) return { kind: 'conflict' };
    }
    return { kind: 'committed', text, position };
  });
}

/** Records as they go to the log, each bound to the one before it. There is one partition: the key only says what it is about. */
function chained(
  records: readonly ControlRecord[],
  from: ChainHead,
): { readonly records: NewRecord[]; readonly head: ChainHead } {
  let head = from;
  const written = records.map((record): NewRecord => {
    const { value, line } = encodeRecord(record, linkAfter(head));
    head = { n: head.n + 1, hash: sha256(line).toString('hex') };
    return { topic: TOPICS.control, partition: 0, key: record.kind, value };
  });
  return { records: written, head };
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
    const { state, chain } = await foldControl(log);
    if (text !== undefined && !(await endsAtHead(log, chain, text, position))) continue;
    const records = build(state);
    if (records.length === 0) return records;
    const next = { ...position, instance, write: position.write + 1 };
    if ((await commitControl(log, clock, { records, expect: text, next })).kind === 'committed') return records;
  }
}

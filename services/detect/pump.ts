import { setImmediate as nextTurn } from 'node:timers/promises';
import { LIMITS } from '../../schemas/limits.ts';
import type { StateBlob } from '../../schemas/outputs.ts';
import { type EventLog, type LogRecord, OffsetOutOfRange, RecordsUnreadable, TOPICS } from '../platform/event-log.ts';
import type { DetectStore } from '../platform/store.ts';
import { type Decoded, decodeRecord } from './decode.ts';
import { isGroupBlob } from './groups.ts';
import { isPassing, Stopped } from './patience.ts';
import { passedBy } from './poison.ts';
import type { Slot, Tenure } from './tenure.ts';

/** What came of one attempt to move a partition on. */
export type Pumped =
  | { readonly kind: 'applied'; readonly records: number; readonly bytes: number }
  /** The log does not answer now. */
  | { readonly kind: 'away'; readonly error: Error }
  | { readonly kind: 'out_of_range' }
  | { readonly kind: 'prior_missing'; readonly version: string; readonly offset: number }
  /** The worker failed on one of these offsets and may be half-way through it: it must not be used again. */
  | { readonly kind: 'failed'; readonly from: number; readonly to: number; readonly error: unknown };

export type PumpOptions = {
  readonly log: EventLog;
  readonly store: DetectStore;
  readonly fetch_records_max?: number;
};

/** Records that are decoded and applied between two turns of the event loop. */
const SLICE_ITEMS = 256;
const NOTHING: ReadonlyMap<string, StateBlob> = new Map();

/** Reads what comes next, fetches the state that it needs, and applies it. */
export async function pump(tenure: Tenure, slot: Slot, on: PumpOptions): Promise<Pumped> {
  const read = await readNext(tenure, slot, on);
  if (read.kind !== 'read') return read;
  const { records, next } = read;
  const round: Round = { tenure, slot, store: on.store, asked: new Set(), at: NOWHERE, applied: 0, bytes: 0 };
  try {
    // One look-up for all of them: where new identities keep coming, each look-up is a pause.
    const expected = guarded(round, spanOf(records), () => slot.worker.expects(hinting(records, tenure)));
    await load(round, expected, spanOf(records));
    for (let from = 0; from < records.length; from += SLICE_ITEMS) {
      const slice = records.slice(from, from + SLICE_ITEMS);
      const stopped = await applySlice(round, slice);
      if (stopped !== undefined) return stopped;
      if (round.applied < from + slice.length) break;
      await nextTurn();
    }
    if (round.applied === records.length) slot.worker.skipTo(next);
    return { kind: 'applied', records: round.applied, bytes: round.bytes };
  } catch (error) {
    if (round.at === NOWHERE || error instanceof Stopped) throw error;
    return { kind: 'failed', ...round.at, error };
  }
}

/** A key is a hint: a record that is looked into by itself, or left out, answers for nothing but what it truly needs. */
function hinting(records: readonly LogRecord[], { failures: { skipped } }: Tenure): readonly LogRecord[] {
  return records.length === 1 ? [] : records.filter(({ offset }) => !skipped.has(offset));
}

/** Offsets from one on and below another. */
type Span = { readonly from: number; readonly to: number };
const NOWHERE: Span = { from: -1, to: -1 };

function spanOf(records: readonly LogRecord[]): Span {
  const [first, last] = [records[0], records.at(-1)];
  return first === undefined || last === undefined ? NOWHERE : { from: first.offset, to: last.offset + 1 };
}

/** One attempt to move a partition on, and how far it has come. */
type Round = {
  readonly tenure: Tenure;
  readonly slot: Slot;
  readonly store: DetectStore;
  /** Identities that were looked up. One that is not in memory all the same has no state yet. */
  readonly asked: Set<string>;
  /** Where the worker fails, if it does; nowhere while it is not at work. */
  at: Span;
  applied: number;
  bytes: number;
};

/** Does synchronous work of the worker, whose failure is put down to the records at hand. */
function guarded<T>(round: Round, span: Span, work: () => T): T {
  round.at = span;
  const result = work();
  round.at = NOWHERE;
  return result;
}

/**
 * Decodes and applies so few records that all they are made of is young, and in the processor's cache, when it is let go.
 * Ends early, or with what keeps the partition from going on.
 */
async function applySlice(round: Round, records: readonly LogRecord[]): Promise<Pumped | undefined> {
  const { tenure, slot, store } = round;
  const { worker } = slot;
  const span = spanOf(records);
  const decoded = guarded(round, span, () => records.map((record) => understood(record, tenure)));
  const needs = guarded(round, span, () => worker.needs(decoded));
  for (const version of needs.priors) {
    const bytes = await tenure.patience.until('read', () => store.readPrior(version));
    if (bytes === undefined) return { kind: 'prior_missing', version, offset: adoptionOf(version, decoded) };
    worker.addPrior(version, bytes);
  }
  const missing = needs.blobs.filter((key) => !round.asked.has(key));
  if (missing.length > 0) await load(round, missing, span);
  for (const [index, record] of decoded.entries()) {
    if (tenure.leaving || tenure.signal.aborted) return undefined;
    const { offset } = record;
    round.at = { from: offset, to: offset + 1 };
    const steps = worker.applySteps(record);
    if (steps !== undefined && !(await finished(steps, tenure.signal))) return undefined;
    round.applied += 1;
    round.bytes += (records[index] as LogRecord).value.length;
  }
  round.at = NOWHERE;
  return undefined;
}

/** Brings state into memory, so many blobs at a time. Identities of which the store holds nothing are not looked up. */
async function load(round: Round, keys: readonly string[], span: Span): Promise<void> {
  const { partition, patience } = round.tenure;
  const { worker, known } = round.slot;
  const ask = (some: readonly string[]) =>
    patience.until('read', () => round.store.readBlobs(TOPICS.events, partition, some));
  const stored: string[] = [];
  const unheard: string[] = [];
  for (const key of keys) {
    if (!isGroupBlob(key)) round.asked.add(key);
    (isGroupBlob(key) || known.mayHold(key) ? stored : unheard).push(key);
  }
  for (const key of unheard) known.add(key);
  guarded(round, span, () => worker.load(unheard, NOTHING));
  let behind: readonly string[] = [];
  for (let at = 0; at < stored.length; at += LIMITS.load_blobs_max) {
    const some = stored.slice(at, at + LIMITS.load_blobs_max);
    const found = await ask(some);
    const groups = guarded(round, span, () => worker.load(some, found));
    if (groups.length > 0) behind = groups;
    await nextTurn();
  }
  if (behind.length === 0) return;
  const found = await ask(behind);
  guarded(round, span, () => worker.catchUp(found));
}

/** False when the signal aborted before the last step: then the worker is half-way through a record. */
async function finished(steps: Generator<undefined, void>, signal: AbortSignal): Promise<boolean> {
  while (steps.next().done !== true) {
    await nextTurn();
    if (signal.aborted) return false;
  }
  return true;
}

type Read = { readonly kind: 'read'; readonly records: readonly LogRecord[]; readonly next: number };

/** The next records under their logical offsets; among offsets on which the worker failed, one at a time. */
async function readNext(tenure: Tenure, { worker }: Slot, on: PumpOptions): Promise<Read | Pumped> {
  const base = worker.offset_base;
  const limits = { records: on.fetch_records_max ?? LIMITS.fetch_records_max, bytes: LIMITS.fetch_bytes_max };
  const { suspects } = tenure.failures;
  if (suspects !== undefined && worker.next >= suspects.to) tenure.failures.suspects = undefined;
  const alone = suspects !== undefined && worker.next >= suspects.from && worker.next < suspects.to;
  const before = suspects !== undefined && worker.next < suspects.from ? suspects.from : Number.POSITIVE_INFINITY;
  try {
    const most = alone ? { ...limits, records: 1 } : limits;
    const { records, next } = await on.log.read(TOPICS.events, tenure.partition, worker.next - base, most);
    const logical = base === 0 ? records : records.map((record) => ({ ...record, offset: record.offset + base }));
    if (next + base <= before) return { kind: 'read', records: logical, next: next + base };
    return { kind: 'read', records: logical.filter(({ offset }) => offset < before), next: before };
  } catch (error) {
    if (isPassing(error)) return { kind: 'away', error };
    if (error instanceof OffsetOutOfRange) return { kind: 'out_of_range' };
    if (error instanceof RecordsUnreadable) return passOver(error, tenure, { worker, base });
    throw error;
  }
}

/** What a foreign writer left is one dead letter without bytes: the log cannot give them. */
function passOver(
  { offset, next, reason, message }: RecordsUnreadable,
  { partition }: Tenure,
  { worker, base }: { readonly worker: Slot['worker']; readonly base: number },
): Pumped {
  const place = { offset: Math.max(worker.next, offset + base), append_ms: 0, value: Buffer.alloc(0) };
  worker.apply(passedBy(place, partition, { reason: 'record_undecodable', message: `${reason}: ${message}` }));
  worker.skipTo(next + base);
  return { kind: 'applied', records: 1, bytes: 0 };
}

function understood(record: LogRecord, { partition, failures }: Tenure): Decoded {
  const error = failures.skipped.get(record.offset);
  if (error === undefined) return decodeRecord(record, TOPICS.events, partition);
  const message = `the worker failed on this record with ${error}: it is a defect of this program; report it`;
  return passedBy(record, partition, { reason: 'record_failed', message });
}

function adoptionOf(version: string, decoded: readonly Decoded[]): number {
  const found = decoded.find(({ record }) => 'type' in record && record.type === 'prior' && record.version === version);
  if (found === undefined) throw new Error(`no record adopts prior ${version}`);
  return found.offset;
}

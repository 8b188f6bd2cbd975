import { setImmediate as nextTurn } from 'node:timers/promises';
import { LIMITS } from '../../schemas/limits.ts';
import type { StateBlob } from '../../schemas/outputs.ts';
import { type EventLog, type LogRecord, OffsetOutOfRange, RecordsUnreadable, TOPICS } from '../platform/event-log.ts';
import type { DetectStore } from '../platform/store.ts';
import { type Decoded, decodeRecord } from './decode.ts';
import { isGroupBlob } from './groups.ts';
import { isPassing, Stopped } from './patience.ts';
import { passedBy } from './poison.ts';
import { inSlices, SLICE_ITEMS } from './slices.ts';
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

const NOTHING: ReadonlyMap<string, StateBlob> = new Map();

/** Reads what comes next, fetches the state that it needs, and applies it. */
export async function pump(tenure: Tenure, slot: Slot, on: PumpOptions): Promise<Pumped> {
  const read = await readNext(tenure, slot, on);
  if (read.kind !== 'read') return read;
  const { worker } = slot;
  const { records } = read;
  /** Offsets at which the worker fails, if it does; none while it is not at work. */
  let from = -1;
  let to = -1;
  const whole = records.length === 1 ? spanOf(records[0] as LogRecord) : { from: worker.next, to: read.next };
  const guarded: Guarded = (work) => {
    ({ from, to } = whole);
    const result = work();
    from = -1;
    return result;
  };
  try {
    const decoded: Decoded[] = [];
    await inSlices(records, (record) => {
      ({ from, to } = spanOf(record));
      decoded.push(understood(record, tenure));
    });
    // One look-up for all of them: where new identities keep coming, each look-up is a pause.
    const needs = guarded(() => worker.needs(decoded));
    for (const version of needs.priors) {
      const bytes = await tenure.patience.until('read', () => on.store.readPrior(version));
      if (bytes === undefined) return { kind: 'prior_missing', version, offset: adoptionOf(version, decoded) };
      worker.addPrior(version, bytes);
    }
    await load(tenure, slot, needs.blobs, { ...on, guarded });
    let bytes = 0;
    let applied = 0;
    for (; applied < decoded.length && !tenure.leaving && !tenure.signal.aborted; applied++) {
      const record = decoded[applied] as Decoded;
      from = record.offset;
      to = from + 1;
      const steps = worker.applySteps(record);
      if (steps !== undefined && !(await finished(steps, tenure.signal))) break;
      bytes += (records[applied] as LogRecord).value.length;
      if (applied % SLICE_ITEMS === SLICE_ITEMS - 1) await nextTurn();
    }
    if (applied === decoded.length) worker.skipTo(read.next);
    return { kind: 'applied', records: applied, bytes };
  } catch (error) {
    if (from < 0 || error instanceof Stopped) throw error;
    return { kind: 'failed', from, to, error };
  }
}

/** Does synchronous work of the worker, whose failure is put down to the records at hand. */
type Guarded = <T>(work: () => T) => T;

const spanOf = ({ offset }: LogRecord): { readonly from: number; readonly to: number } => {
  return { from: offset, to: offset + 1 };
};

/** Brings state into memory, so many blobs at a time. Identities of which the store holds nothing are not looked up. */
async function load(
  { partition, patience }: Tenure,
  { worker, known }: Slot,
  keys: readonly string[],
  { store, guarded }: PumpOptions & { readonly guarded: Guarded },
): Promise<void> {
  const ask = (some: readonly string[]) =>
    patience.until('read', () => store.readBlobs(TOPICS.events, partition, some));
  const stored: string[] = [];
  const unheard: string[] = [];
  for (const key of keys) (isGroupBlob(key) || known.mayHold(key) ? stored : unheard).push(key);
  for (const key of unheard) known.add(key);
  guarded(() => worker.load(unheard, NOTHING));
  let behind: readonly string[] = [];
  for (let at = 0; at < stored.length; at += LIMITS.load_blobs_max) {
    const some = stored.slice(at, at + LIMITS.load_blobs_max);
    const found = await ask(some);
    const groups = guarded(() => worker.load(some, found));
    if (groups.length > 0) behind = groups;
    await nextTurn();
  }
  if (behind.length === 0) return;
  const found = await ask(behind);
  guarded(() => worker.catchUp(found));
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

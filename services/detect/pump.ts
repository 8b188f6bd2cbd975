import { LIMITS } from '../../schemas/limits.ts';
import { type EventLog, type LogRecord, OffsetOutOfRange, RecordsUnreadable, TOPICS } from '../platform/event-log.ts';
import type { DetectStore } from '../platform/store.ts';
import { type Decoded, decodeRecord } from './decode.ts';
import { isPassing, Stopped } from './patience.ts';
import { passedBy } from './poison.ts';
import { inSlices } from './slices.ts';
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

/** Reads what comes next, fetches the state that it needs, and applies it. */
export async function pump(tenure: Tenure, slot: Slot, on: PumpOptions): Promise<Pumped> {
  const read = await readNext(tenure, slot, on);
  if (read.kind !== 'read') return read;
  const { worker } = slot;
  const { partition } = tenure;
  const { records, next } = read;
  /** Offsets at which the work at hand fails, if it does; none while it is not ours. */
  let from = -1;
  let to = -1;
  const working = (first: number, behind: number): void => {
    from = first;
    to = behind;
  };
  try {
    const decoded: Decoded[] = [];
    await inSlices(records, (record) => {
      working(record.offset, record.offset + 1);
      decoded.push(understood(record, tenure));
    });
    // One look-up for all of them: where new identities keep coming, each look-up is a pause.
    working(worker.next, next);
    const needs = worker.needs(decoded);
    working(-1, -1);
    for (const version of needs.priors) {
      const bytes = await tenure.patience.until('read', () => on.store.readPrior(version));
      if (bytes === undefined) return { kind: 'prior_missing', version, offset: adoptionOf(version, decoded) };
      worker.addPrior(version, bytes);
    }
    if (needs.blobs.length > 0) {
      const ask = (keys: readonly string[]) =>
        tenure.patience.until('read', () => on.store.readBlobs(TOPICS.events, partition, keys));
      const found = await ask(needs.blobs);
      working(worker.next, next);
      const behind = worker.load(needs.blobs, found);
      working(-1, -1);
      if (behind.length > 0) worker.catchUp(await ask(behind));
    }
    let bytes = 0;
    let applied = 0;
    await inSlices(decoded, (record, at) => {
      if (tenure.leaving || tenure.signal.aborted) return;
      working(record.offset, record.offset + 1);
      worker.apply(record);
      applied += 1;
      bytes += (records[at] as LogRecord).value.length;
    });
    if (applied === decoded.length) worker.skipTo(next);
    return { kind: 'applied', records: applied, bytes };
  } catch (error) {
    if (from < 0 || error instanceof Stopped) throw error;
    return { kind: 'failed', from, to, error };
  }
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

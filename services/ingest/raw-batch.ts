import type { NewRecord } from '../platform/event-log.ts';
import { type Decided, timeOf } from './core.ts';
import { type RecordedAt, recordsOf } from './record.ts';
import { createRecordedClock, NO_CLOCK, type RecordedClock } from './recorded-clock.ts';
import { type Counting, countDecided, newCounting } from './tally.ts';

/** What whole raw records became, ready to be written, and how far it goes. */
export type RawBatch = {
  readonly records: NewRecord[];
  readonly counting: Counting;
  raw_records: number;
  /** Bytes of `records`. */
  bytes: number;
  /** Offset behind the last record in it. */
  next: number;
  /** Recorded sources: their clock behind that record; undefined before the first event. */
  clock: number | undefined;
};

/** Puts decisions together to batches that end where a record ends. */
export type Assembler = {
  add(decided: Decided): void;
  /** The record of the decisions since the last call ends before offset `next`. */
  endRecord(next: number): void;
  /** Up to `next` the log holds no more records, only what is none. */
  skipTo(next: number): void;
  /** Records that wait for the recorded clock. */
  readonly waiting: number;
  /** No more will follow for now: lets what waits take the clock that the end of a recording gives. */
  settle(): void;
  /** Bytes of what can be taken. */
  readonly bytes: number;
  /** The batch so far; undefined when it would change nothing. */
  take(): RawBatch | undefined;
};

/** For sources that are read as they happen: their clock is the log's. */
export function assembleLive(next: number): Assembler {
  let batch = emptyBatch(next, undefined);
  let from = next;
  return {
    waiting: 0,
    settle: () => undefined,
    add: (decided) => addTo(batch, decided, undefined),
    endRecord(to) {
      batch.raw_records++;
      batch.next = to;
    },
    skipTo(to) {
      batch.next = to;
    },
    get bytes() {
      return batch.bytes;
    },
    take() {
      if (batch.next === from) return undefined;
      const taken = batch;
      from = taken.next;
      batch = emptyBatch(from, undefined);
      return taken;
    },
  };
}

type Open = { readonly decided: Decided[]; readonly at: number[]; added: number; next: number | undefined };

/**
 * For recorded sources, by their names. The clock may ask for what follows before it tells the time of an event, so a record goes into a
 * batch once all its events have their time; `clock` is where the clock stood before offset `next`.
 */
export function assembleRecorded(next: number, clock: number | undefined, source: string): Assembler {
  let batch = emptyBatch(next, clock);
  let from = next;
  /** In order; the last one may still be open at its end. */
  const open: Open[] = [];
  /** Index in `open` of the record that the next settled decision belongs to. */
  let settling = 0;

  const settled = (decided: Decided, at_ms: number): void => {
    let record = open[settling] as Open;
    while (record.at.length === record.added) record = open[++settling] as Open;
    record.decided.push(decided);
    record.at.push(at_ms);
  };
  const newClock = (from_ms: number | undefined): RecordedClock<Decided> => {
    return createRecordedClock<Decided>(settled, from_ms ?? NO_CLOCK);
  };
  let recorded = newClock(clock);

  const last = (): Open => {
    const found = open.at(-1);
    if (found !== undefined && found.next === undefined) return found;
    const begun: Open = { decided: [], at: [], added: 0, next: undefined };
    open.push(begun);
    return begun;
  };
  /** Moves records that are settled to their end into the batch. */
  const move = (): void => {
    let record = open[0];
    while (record !== undefined && record.next !== undefined && record.at.length === record.added) {
      for (const [index, decided] of record.decided.entries()) {
        const at_ms = record.at[index] as number;
        addTo(batch, decided, { at_ms, source });
        if (at_ms !== NO_CLOCK) batch.clock = at_ms;
      }
      batch.raw_records++;
      batch.next = record.next;
      open.shift();
      settling = Math.max(0, settling - 1);
      record = open[0];
    }
  };

  return {
    get waiting() {
      return open.length;
    },
    get bytes() {
      return batch.bytes;
    },
    add(decided) {
      last().added++;
      recorded.push(decided, timeOf(decided));
    },
    endRecord(to) {
      last().next = to;
      move();
    },
    skipTo(to) {
      const record = open.at(-1);
      if (record === undefined) batch.next = to;
      else record.next = to;
    },
    settle() {
      recorded.end();
      move();
      recorded = newClock(batch.clock);
    },
    take() {
      if (batch.next === from) return undefined;
      const taken = batch;
      from = taken.next;
      batch = emptyBatch(from, taken.clock);
      return taken;
    },
  };
}

function emptyBatch(next: number, clock: number | undefined): RawBatch {
  return { records: [], counting: newCounting(), raw_records: 0, bytes: 0, next, clock };
}

function addTo(batch: RawBatch, decided: Decided, recorded: RecordedAt | undefined): void {
  countDecided(batch.counting, decided);
  for (const record of recordsOf(decided, recorded)) {
    batch.records.push(record);
    batch.bytes += record.value.length;
  }
}

import { setImmediate as turn } from 'node:timers/promises';
import { type LogRecord, OffsetOutOfRange, RecordsUnreadable } from '../platform/event-log.ts';
import type { DecideContext, Item } from './core.ts';
import { type Assembler, assembleLive, assembleRecorded, type RawBatch } from './raw-batch.ts';
import { decideSafely } from './raw-decide.ts';
import { itemsOfRecord } from './raw-items.ts';
import type { RawPartitionOptions } from './raw-options.ts';
import { type Patience, Stopped } from './raw-patience.ts';
import type { RawPosition } from './raw-position.ts';
import { deadLetter } from './refusal.ts';

/**
 * What reading on came to: a batch to be written, nothing yet although there may be more, nothing because the log is at
 * its end, or a log that is not the one that was being read.
 */
export type Filled =
  | { readonly kind: 'batch'; readonly batch: RawBatch; readonly position: string }
  | { readonly kind: 'more' | 'end' | 'reopen' };

/** Reads a raw partition from a position on and decides what it reads. */
export class RawReading {
  readonly #options: RawPartitionOptions;
  readonly #patience: Patience;
  readonly #signal: AbortSignal;
  readonly #generation: string;
  readonly #assembler: Assembler;
  readonly #context: Omit<DecideContext, 'now_ms'>;
  /** Offset behind the last record that was decided. */
  #next: number;
  /** What was read, decided up to index `#at`; behind it the log goes on at `#behind`. */
  #records: readonly LogRecord[] = [];
  #at = 0;
  #behind: number;
  #checked_ms: number;
  /** Items decided since the event loop had its turn. */
  #since_turn = 0;

  constructor(options: RawPartitionOptions, from: RawPosition, patience: Patience, signal: AbortSignal) {
    this.#options = options;
    this.#patience = patience;
    this.#signal = signal;
    this.#generation = from.generation;
    const { formats, origin, tenant, recorded } = options.source;
    this.#assembler = recorded ? assembleRecorded(from.next, from.clock) : assembleLive(from.next);
    this.#context = { formats, origin, tenant, catalogue: options.catalogue };
    this.#next = from.next;
    this.#behind = from.next;
    this.#checked_ms = options.clock.elapsed();
  }

  /** Reads, unless something is left, and decides up to a batch. */
  async fill(): Promise<Filled> {
    if (this.#at === this.#records.length && !(await this.#read())) return { kind: 'reopen' };
    const empty = this.#records.length === 0;
    if (empty && this.#behind !== this.#next) this.#assembler.skipTo(this.#behind);
    const kind = empty && this.#behind === this.#next ? 'end' : 'more';
    if (empty) this.#next = this.#behind;
    else await this.#decideRecords();
    const batch = this.#assembler.take();
    return batch === undefined ? { kind } : { kind: 'batch', batch, position: this.#positionBehind(batch) };
  }

  #positionBehind({ next, clock }: RawBatch): string {
    const position: RawPosition = { generation: this.#generation, next, ...(clock === undefined ? {} : { clock }) };
    return JSON.stringify(position);
  }

  /** False when the log is not the one that was being read. */
  async #read(): Promise<boolean> {
    const { log, clock, source, partition, limits } = this.#options;
    this.#records = [];
    this.#at = 0;
    const most = { records: limits.raw_batch_records_max, bytes: limits.raw_batch_bytes_max };
    try {
      const read = await this.#patience.until(() => log.read(source.topic, partition, this.#next, most));
      this.#records = read.records;
      this.#behind = read.next;
    } catch (error) {
      if (error instanceof RecordsUnreadable) return this.#passOver(error);
      if (!(error instanceof OffsetOutOfRange)) throw error;
      await clock.sleep(limits.raw_retry_ms, this.#signal);
      return false;
    }
    if (clock.elapsed() - this.#checked_ms < limits.raw_check_ms) return true;
    this.#checked_ms = clock.elapsed();
    const { generation } = await this.#patience.until(() => log.describe(source.topic));
    return generation === this.#generation;
  }

  /** What the log itself cannot give is told like an item, by a dead letter without bytes. */
  #passOver({ offset, next, message }: RecordsUnreadable): true {
    const { clock, source, partition } = this.#options;
    const position = `${source.topic}/${partition}/${offset}`;
    const refusal = {
      kind: 'refused',
      reason: 'record_unreadable',
      message: `${message}; look at the brokers`,
    } as const;
    const letter = deadLetter(refusal, { bytes: Buffer.alloc(0), position }, source.origin, clock.now());
    this.#assembler.add({ kind: 'dead_letter', letter });
    this.#assembler.endRecord(next);
    this.#next = next;
    this.#behind = next;
    return true;
  }

  async #decideRecords(): Promise<void> {
    const { clock, limits } = this.#options;
    const context = { ...this.#context, now_ms: clock.now() };
    while (this.#at < this.#records.length && this.#assembler.bytes < limits.raw_batch_made_bytes_max) {
      if (this.#signal.aborted) throw new Stopped();
      const record = this.#records[this.#at++] as LogRecord;
      await this.#decideRecord(record, context);
      this.#next = this.#at === this.#records.length ? this.#behind : record.offset + 1;
      this.#assembler.endRecord(this.#next);
    }
  }

  async #decideRecord(record: LogRecord, context: DecideContext): Promise<void> {
    const { source, partition, limits, decide } = this.#options;
    for (const item of itemsOfRecord(record, `${source.topic}/${partition}/${record.offset}`, context.formats)) {
      const all = decideSafely(item, context, this.#failed, decide);
      for (const decided of all) this.#assembler.add(decided);
      this.#since_turn += all.length;
      if (this.#since_turn < limits.raw_slice_items) continue;
      this.#since_turn = 0;
      await turn();
    }
  }

  readonly #failed = (error: unknown, { position }: Item): void => {
    const stack = error instanceof Error ? error.stack : String(error);
    this.#options.telemetry.occurred('ingest_failures', { source: this.#options.source.topic }, { position, stack });
  };

  /** Waits for records; when some wait for the recorded clock, not for ever. */
  async idle(): Promise<void> {
    const { log, clock, source, partition, limits } = this.#options;
    const nap = new AbortController();
    const wake = (): void => nap.abort();
    this.#signal.addEventListener('abort', wake, { once: true });
    let over = false;
    if (this.#assembler.waiting > 0) {
      void clock.sleep(limits.raw_recorded_idle_ms, nap.signal).then(() => {
        over = !nap.signal.aborted;
        wake();
      });
    }
    try {
      await this.#patience.until(() => log.waitBeyond(source.topic, partition, this.#next, nap.signal));
    } finally {
      this.#signal.removeEventListener('abort', wake);
      wake();
    }
    if (over) this.#assembler.settle();
  }
}

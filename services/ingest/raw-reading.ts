import { setImmediate as turn } from 'node:timers/promises';
import type { LogRecord } from '../platform/event-log.ts';
import type { DecideContext, Item } from './core.ts';
import { type Assembler, assembleLive, assembleRecorded, type RawBatch } from './raw-batch.ts';
import { type Cursor, createCursor } from './raw-cursor.ts';
import { decideSafely } from './raw-decide.ts';
import { itemsOfRecord } from './raw-items.ts';
import type { RawReadingOptions } from './raw-options.ts';
import { type Patience, Stopped } from './raw-patience.ts';
import type { Filled, Portion, Reading } from './raw-portion.ts';
import type { RawPosition } from './raw-position.ts';
import { topicName } from './raw-source.ts';
import { countersOf, reportTally, sourceCountersOf, tallyOf } from './tally.ts';

/** Reads a raw partition from a position on and decides what it reads. */
export class RawReading implements Reading {
  readonly #options: RawReadingOptions;
  readonly #cursor: Cursor;
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
  /** Items decided since the event loop had its turn. */
  #since_turn = 0;

  constructor(options: RawReadingOptions, from: RawPosition, patience: Patience, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#generation = from.generation;
    const { formats, origin, tenant, recorded, topic } = options.source;
    this.#assembler = recorded ? assembleRecorded(from.next, from.clock, topicName(topic)) : assembleLive(from.next);
    this.#context = { formats, origin, tenant, catalogue: options.catalogue };
    this.#next = from.next;
    this.#behind = from.next;
    this.#cursor = createCursor(options, { generation: from.generation, origin, patience, signal });
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
    return batch === undefined ? { kind } : { kind: 'batch', batch: this.#portionOf(batch) };
  }

  #portionOf({ records, counting, raw_records, next, clock }: RawBatch): Portion {
    const { telemetry, source } = this.#options;
    const counted = tallyOf(counting);
    const position: RawPosition = { generation: this.#generation, next, ...(clock === undefined ? {} : { clock }) };
    return {
      records,
      counters: [...countersOf(counted), ...sourceCountersOf(counted, topicName(source.topic))],
      raw_records,
      next,
      position: JSON.stringify(position),
      report: () => reportTally(telemetry, counted),
    };
  }

  /** False when the log is not the one that was being read. */
  async #read(): Promise<boolean> {
    this.#records = [];
    this.#at = 0;
    const found = await this.#cursor.read(this.#next);
    if (found.kind === 'reopen') return false;
    this.#behind = found.next;
    if (found.kind === 'records') {
      this.#records = found.records;
      return true;
    }
    this.#assembler.add({ kind: 'dead_letter', letter: found.letter });
    this.#assembler.endRecord(found.next);
    this.#next = found.next;
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
    const { clock, limits } = this.#options;
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
      await this.#cursor.waitBeyond(this.#next, nap.signal);
    } finally {
      this.#signal.removeEventListener('abort', wake);
      wake();
    }
    if (over) this.#assembler.settle();
  }
}

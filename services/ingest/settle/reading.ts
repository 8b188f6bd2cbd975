import { setImmediate as turn } from 'node:timers/promises';
import type { LogRecord } from '../../platform/event-log.ts';
import { type Cursor, createCursor } from '../raw-cursor.ts';
import type { PartitionOptions } from '../raw-options.ts';
import { type Patience, Stopped } from '../raw-patience.ts';
import type { Filled, Portion, Reading } from '../raw-portion.ts';
import type { RawPosition } from '../raw-position.ts';
import { deadLetter, type Refusal } from '../refusal.ts';
import { SettleBatch } from './batch.ts';
import { decodeSpanRecord } from './decode.ts';
import type { SettleRule } from './rule.ts';
import type { SettleSink } from './settler.ts';
import { type StreamName, Streams } from './streams.ts';

export type SettleOptions = PartitionOptions & { readonly rule: SettleRule };

/**
 * Reads a partition of `agent.audit.spans` and settles what stands in it. First everything that is still remembered at the
 * position is read again, and what is decided there is left out: it was written with the position, or before.
 */
export class SettleReading implements Reading {
  readonly #options: SettleOptions;
  readonly #cursor: Cursor;
  readonly #signal: AbortSignal;
  readonly #generation: string;
  readonly #streams: Streams;
  /** What is below it was decided before. */
  readonly #resume: number;
  /** The record at hand was decided before. */
  #again = false;
  #batch = new SettleBatch();
  /** Offset behind the last record that was taken in, and behind the last that was handed out. */
  #next: number;
  #handed: number;
  #records: readonly LogRecord[] = [];
  #at = 0;
  #behind: number;
  #since_turn = 0;

  constructor(options: SettleOptions, from: RawPosition, patience: Patience, signal: AbortSignal) {
    const { generation, next, memory = [] } = from;
    this.#options = options;
    this.#signal = signal;
    this.#generation = generation;
    this.#cursor = createCursor(options, { generation, origin: options.topic, patience, signal });
    this.#streams = new Streams(options.rule, (stream) => this.#sinkOf(stream), next, memory);
    this.#resume = next;
    this.#handed = next;
    this.#next = Math.min(next, ...memory.map((one) => one.from));
    this.#behind = this.#next;
  }

  async fill(): Promise<Filled> {
    if (this.#at === this.#records.length && !(await this.#read())) return { kind: 'reopen' };
    const empty = this.#records.length === 0;
    const kind = empty && this.#behind === this.#next ? 'end' : 'more';
    if (empty) this.#next = this.#behind;
    else await this.#take();
    if (this.#next <= this.#handed) return { kind };
    const batch = this.#portion();
    this.#handed = this.#next;
    this.#batch = new SettleBatch();
    return { kind: 'batch', batch };
  }

  idle(): Promise<void> {
    return this.#cursor.waitBeyond(this.#next, this.#signal);
  }

  #portion(): Portion {
    const position: RawPosition = {
      generation: this.#generation,
      next: this.#next,
      memory: [...this.#streams.remembered()],
    };
    const batch = this.#batch;
    const { telemetry } = this.#options;
    return {
      records: batch.records,
      counters: batch.counters(),
      raw_records: batch.raw_records,
      next: this.#next,
      position: JSON.stringify(position),
      report: () => batch.report(telemetry),
    };
  }

  /** False when the log is not the one that was being read. */
  async #read(): Promise<boolean> {
    this.#records = [];
    this.#at = 0;
    const found = await this.#cursor.read(this.#next);
    if (found.kind === 'reopen') return false;
    this.#behind = found.next;
    if (found.kind === 'records') this.#records = found.records;
    else if (found.next > this.#resume) this.#batch.refuse(found.letter);
    if (found.kind === 'unreadable') this.#next = found.next;
    return true;
  }

  async #take(): Promise<void> {
    const { limits } = this.#options;
    while (this.#at < this.#records.length && this.#batch.bytes < limits.raw_batch_made_bytes_max) {
      if (this.#signal.aborted) throw new Stopped();
      const record = this.#records[this.#at++] as LogRecord;
      this.#takeIn(record);
      this.#next = this.#at === this.#records.length ? this.#behind : record.offset + 1;
      if (++this.#since_turn < limits.raw_slice_items) continue;
      this.#since_turn = 0;
      await turn();
    }
  }

  #takeIn({ offset, append_ms, value }: LogRecord): void {
    const { topic, partition, telemetry } = this.#options;
    this.#again = offset < this.#resume;
    if (!this.#again) this.#batch.raw_records++;
    const record = decodeSpanRecord(value);
    const position = `${topic}/${partition}/${offset}`;
    if (record === undefined) this.#refuse(NOT_OURS, value, position);
    try {
      this.#streams.take({ offset, append_ms, record, bytes: value.length });
    } catch (error) {
      const stack = error instanceof Error ? error.stack : String(error);
      telemetry.occurred('ingest_failures', { source: topic }, { position, stack });
      this.#refuse(FAILED, value, position);
    }
  }

  #sinkOf(stream: StreamName): SettleSink {
    return {
      event: (settled) => {
        if (!this.#again) this.#batch.event(stream, settled);
      },
      alias: (alias, at) => {
        if (!this.#again) this.#batch.alias(stream, alias, at);
      },
      evicted: (what) => {
        if (!this.#again) this.#batch.evicted(what);
      },
      reused: () => {
        if (!this.#again) this.#batch.reused();
      },
    };
  }

  #refuse(refusal: Refusal, bytes: Buffer, position: string): void {
    if (this.#again) return;
    const { topic, clock } = this.#options;
    this.#batch.refuse(deadLetter(refusal, { bytes, position }, topic, clock.now()));
  }
}

const NOT_OURS: Refusal = {
  kind: 'refused',
  reason: 'record_undecodable',
  message: 'the record is none of those that ingest writes here; let nothing else write to this topic',
};

const FAILED: Refusal = {
  kind: 'refused',
  reason: 'ingest_failed',
  message: 'settling failed on this record; keep it and report it',
};

import { LIMITS } from '../../../schemas/limits.ts';
import type { SpanRecord } from '../../../schemas/span.ts';
import { Marks } from './marks.ts';
import type { SettleRule } from './rule.ts';
import { type SettleClock, Settler, type SettleSink } from './settler.ts';

/** Where the memory of one stream begins: `source` names a recording, and is absent for what is live. */
export type Remembered = SettleClock & {
  readonly source?: string | undefined;
  readonly recorded: boolean;
  /** Offset of the first record that counts. */
  readonly from: number;
  /** Latest append time up to it, epoch milliseconds. */
  readonly live: number;
  /** How far time has passed by now. */
  readonly now: number;
};

/** A record in its place; `record` is undefined for what only lets time pass. */
export type Placed = {
  readonly offset: number;
  readonly append_ms: number;
  readonly record: SpanRecord | undefined;
  /** Bytes of its value. */
  readonly bytes: number;
};

export type StreamName = { readonly source: string | undefined; readonly recorded: boolean };
/** Told apart by the stream that something comes from. */
export type StreamSink = (stream: StreamName) => SettleSink;

type Stream = {
  readonly source: string | undefined;
  readonly settler: Settler;
  readonly marks: Marks;
  /** Append time of its last record. */
  last: number;
};

/**
 * Settles all that stands in one partition of `agent.audit.spans`: what is live by the append time of the log, and each
 * recording by itself on its own clock, since the one knows nothing of the other. A recording of which nothing came for as
 * long as anything is remembered, or whose own time has stood still for a day, is over.
 */
export class Streams {
  readonly #rule: SettleRule;
  readonly #sink: StreamSink;
  readonly #live: Stream;
  readonly #recorded = new Map<string, Stream>();
  /** Latest append time. */
  #append_ms: number;
  /** Offset up to which everything was decided before. */
  readonly #next: number;
  /** Streams whose memory was given and has not begun. */
  readonly #pending: Map<string, Remembered>;

  constructor(rule: SettleRule, sink: StreamSink, next: number, remembered: readonly Remembered[]) {
    this.#rule = rule;
    this.#next = next;
    this.#sink = sink;
    const live = remembered.find(({ recorded }) => !recorded) ?? { ...nothing(next), recorded: false };
    this.#live = this.#begin(live);
    this.#append_ms = remembered.reduce((first, one) => (one.from < first.from ? one : first), live).live;
    this.#pending = new Map(remembered.filter(({ recorded }) => recorded).map((one) => [one.source ?? '', one]));
  }

  /** Where the memories begin, the live one first. */
  remembered(): readonly Remembered[] {
    const memoryOf = (stream: Stream, recorded: boolean): Remembered => ({
      ...(stream.source === undefined ? {} : { source: stream.source }),
      recorded,
      ...stream.marks.first,
      now: stream.settler.clock.passed,
    });
    const recorded = [...this.#recorded].sort(byName).map(([, stream]) => memoryOf(stream, true));
    return [memoryOf(this.#live, false), ...recorded];
  }

  get sizes(): readonly Settler['size'][] {
    return [this.#live, ...this.#recorded.values()].map(({ settler }) => settler.size);
  }

  /** Takes in the next record of the log. */
  take(placed: Placed): void {
    const { offset, append_ms, record } = placed;
    const now = Math.max(this.#append_ms, append_ms);
    this.#append_ms = now;
    const { settler, marks } = this.#live;
    const counts = offset >= marks.first.from;
    if (counts) {
      marks.add({ from: offset, ...settler.clock, live: now });
      settler.pass(now);
      marks.pass(now);
    }
    this.#endOld(now);
    if (record === undefined) return;
    if (record.at !== undefined) this.#takeRecorded(placed, record.at, record);
    else if (record.type === 'waiting' && counts) settler.put(record, now, placed.bytes);
  }

  #takeRecorded({ offset, bytes }: Placed, at: number, record: SpanRecord): void {
    const name = record.source ?? '';
    const waits = this.#pending.get(name);
    if (waits !== undefined && offset < waits.from) return;
    this.#pending.delete(name);
    let stream = this.#recorded.get(name);
    // What is not remembered there was over.
    if (stream === undefined && waits === undefined && offset < this.#next) return;
    if (stream === undefined) {
      const begun = { ...nothing(offset), live: this.#append_ms, source: record.source, recorded: true };
      stream = this.#begin(waits ?? begun);
      this.#recorded.set(name, stream);
    }
    stream.last = this.#append_ms;
    const { settler, marks } = stream;
    marks.add({ from: offset, ...settler.clock, live: this.#append_ms });
    if (record.type === 'waiting') settler.put(record, at, bytes);
    else {
      settler.pass(at);
      marks.pass(at);
    }
  }

  #begin({ source, recorded, from, come, passed, live }: Remembered): Stream {
    const settler = new Settler(this.#rule, this.#sink({ source, recorded }), { come, passed });
    const apart = { memory_ms: this.#rule.memory_ms, apart_ms: LIMITS.settle_mark_ms };
    return { source, settler, marks: new Marks({ from, come, passed, live }, apart), last: live };
  }

  #endOld(now: number): void {
    if (this.#recorded.size === 0) return;
    const over = [...this.#recorded].filter(([, { last, marks }]) => {
      return last < now - this.#rule.memory_ms || marks.first.live < now - LIMITS.settle_standstill_ms;
    });
    for (const [name, stream] of over.sort(byName)) {
      stream.settler.end();
      this.#recorded.delete(name);
    }
  }
}

const nothing = (from: number): Omit<Remembered, 'recorded'> => ({ from, come: 0, passed: 0, live: 0, now: 0 });

/** Not the order in which they came, which a restart does not see. */
const byName = ([a]: readonly [string, Stream], [b]: readonly [string, Stream]): number => (a < b ? -1 : 1);

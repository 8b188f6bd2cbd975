import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../clock.ts';
import { LogUnavailable, OffsetOutOfRange } from '../event-log.ts';
import { partitionOf } from '../partitioner.ts';
import { keyBytes, keyText } from './key-text.ts';
import type { KafkaReader } from './reader-types.ts';
import type { BatchRecord } from './record-batch.ts';
import { type KafkaSettings, LEDGER_PARTITIONS, transactionalId } from './settings.ts';

/**
 * Positions and counters, in a compacted topic:
 *
 *   p/<name>                       -> the position
 *   c/<transactional id>/<name>    -> sum of what this writer ever added, in decimal
 *
 * They are written in the transaction of the records that they belong to. A writer that begins reads back its own sums,
 * so what it writes stays exact across crashes; the counter is the sum over writers, each of which has one owner.
 */
export type LedgerRecord = { readonly partition: number; readonly record: BatchRecord };

export type Ledger = {
  /**
   * `all` waits for transactions that are under way in the position's partition, for as long as those may take; `decided`
   * waits for none of them.
   */
  position(name: string, how: 'all' | 'decided'): Promise<string | undefined>;
  /** What the writer of this fence has added, by counter. Called once it owns the fence. */
  sumsOf(fence: string): Promise<ReadonlyMap<string, number>>;
  /** Sums over all writers, as far as decided, and all that this handle has written. */
  counters(): Promise<ReadonlyMap<string, number>>;
  /** Tells that this handle has committed records of a ledger partition up to `end`. */
  wrote(partition: number, end: number): void;
  positionRecord(name: string, position: string): LedgerRecord;
  sumRecord(fence: string, name: string, sum: number): LedgerRecord;
};

/** What has been read of one partition. */
type View = {
  next: number;
  readonly entries: Map<string, string>;
  /** What this handle has written ends here. */
  written: number;
  reading: Promise<void>;
};

const READ = { records: 8_192, bytes: 4 * 1024 * 1024 };
const PAUSE_MS = 1;
const PAUSE_MS_MAX = 50;

const POSITION = 'p/';
const SUM = 'c/';

export function createLedger(options: {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly reader: Pick<KafkaReader, 'offsets' | 'read'>;
}): Ledger {
  const { settings } = options;
  const patience_ms = 2 * settings.transaction_timeout_ms + LIMITS.kafka_request_ms;
  const views = createViews({ ...options, topic: settings.topics.ledger, patience_ms });
  return {
    position: async (name, how) => {
      const entries = await views.caughtUp(partitionOf(name, LEDGER_PARTITIONS), how);
      return entries.get(POSITION + name);
    },
    sumsOf: async (fence) => {
      const entries = await views.caughtUp(partitionOf(fence, LEDGER_PARTITIONS), 'all');
      const prefix = sumKey(settings, fence, '');
      return new Map(
        [...entries]
          .filter(([key]) => key.startsWith(prefix))
          .map(([key, sum]) => [key.slice(prefix.length), Number(sum)]),
      );
    },
    counters: async () => {
      const partitions = Array.from({ length: LEDGER_PARTITIONS }, (_, partition) => partition);
      const all = await Promise.all(partitions.map((partition) => views.caughtUp(partition, 'decided')));
      const sums = new Map<string, number>();
      for (const [key, sum] of all.flatMap((entries) => [...entries])) {
        if (!key.startsWith(SUM)) continue;
        const name = key.slice(key.indexOf('/', SUM.length) + 1);
        sums.set(name, (sums.get(name) ?? 0) + Number(sum));
      }
      return sums;
    },
    wrote: views.wrote,
    positionRecord: (name, position) => ({
      partition: partitionOf(name, LEDGER_PARTITIONS),
      record: { key: POSITION + name, value: keyBytes(position) },
    }),
    sumRecord: (fence, name, sum) => ({
      partition: partitionOf(fence, LEDGER_PARTITIONS),
      record: { key: sumKey(settings, fence, name), value: Buffer.from(`${sum}`) },
    }),
  };
}

/** What the partitions of the topic say, each read on from where it was. */
function createViews(options: {
  readonly topic: string;
  /** No transaction lasts so long: the broker ends it before. */
  readonly patience_ms: number;
  readonly clock: Clock;
  readonly reader: Pick<KafkaReader, 'offsets' | 'read'>;
}) {
  const { topic, clock, reader, patience_ms } = options;
  const views = Array.from({ length: LEDGER_PARTITIONS }, (): View => {
    return { next: 0, entries: new Map(), written: 0, reading: Promise.resolve() };
  });
  const viewOf = (partition: number): View => views[partition] as View;

  /** Folds what stands from `view.next` on; nothing when it is not decided yet. */
  const readOn = async (view: View, partition: number): Promise<void> => {
    try {
      const { records, next } = await reader.read(topic, partition, view.next, READ);
      for (const { key, value, tombstone } of records) {
        if (tombstone === true) view.entries.delete(key);
        else view.entries.set(key, keyText(value));
      }
      view.next = next;
    } catch (error) {
      if (!(error instanceof OffsetOutOfRange)) throw error;
      beginAnew(view, error.bounds.start);
    }
  };
  const readTo = async (partition: number, how: 'all' | 'decided'): Promise<void> => {
    const view = viewOf(partition);
    const { start, stable, end } = await reader.offsets(topic, partition);
    if (view.next > end) beginAnew(view, start);
    view.next = Math.max(view.next, start);
    const to = how === 'all' ? end : Math.max(stable, view.written);
    let moved_ms = clock.elapsed();
    for (let pause = PAUSE_MS; view.next < to; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
      const before = view.next;
      await readOn(view, partition);
      if (view.next > before) moved_ms = clock.elapsed();
      else if (clock.elapsed() - moved_ms > patience_ms) throw stuck(topic, partition, view.next);
      else await clock.sleep(pause);
    }
  };
  return {
    /** One reading at a time for each partition. */
    caughtUp: async (partition: number, how: 'all' | 'decided'): Promise<ReadonlyMap<string, string>> => {
      const view = viewOf(partition);
      const reading = view.reading.then(() => readTo(partition, how));
      view.reading = reading.catch(() => {});
      await reading;
      return view.entries;
    },
    wrote: (partition: number, end: number): void => {
      const view = viewOf(partition);
      view.written = Math.max(view.written, end);
    },
  };
}

/** The broker has lost the end of a transaction: waiting on would be waiting for ever, and in silence. */
function stuck(topic: string, partition: number, offset: number): LogUnavailable {
  const message =
    `${topic}/${partition} stands still at ${offset}: a transaction there is open for longer than any may last. Look for ` +
    `it with kafka-transactions.sh find-hanging`;
  return new LogUnavailable('busy', message);
}

/** What a ledger that was made anew or cut says now is what there is. */
function beginAnew(view: View, start: number): void {
  view.entries.clear();
  view.next = start;
  view.written = 0;
}

/** The transactional id holds no slash here, so that the name may. */
function sumKey(settings: KafkaSettings, fence: string, name: string): string {
  return `${SUM}${encodeURIComponent(transactionalId(settings, fence))}/${name}`;
}

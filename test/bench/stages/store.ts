import { LIMITS } from '../../../schemas/limits.ts';
import type { ScoredEvent } from '../../../schemas/outputs.ts';
import { type OpenStore, openStore } from '../../../services/platform/clickhouse/client.ts';
import { RowBinaryWriter } from '../../../services/platform/clickhouse/row-binary.ts';
import { EVENTS } from '../../../services/platform/clickhouse/tables/events.ts';
import { silentTelemetry } from '../../../services/platform/telemetry.ts';
import { withDirectory } from '../directory.ts';
import { playHistory, workerAfter } from '../history.ts';
import { canonicalInput, type Input } from '../input.ts';
import { decodedRecords } from '../log-records.ts';
import { type Measured, measureInTurn, type Work } from '../measure.ts';
import type { Size } from '../modes.ts';

export type StoreFigures = Readonly<Record<'record' | 'record_encode' | 'record_insert', Measured>>;

/**
 * Scored events into ClickHouse in process, in batches as detect flushes them, until they are durable: the whole of it,
 * the encoding alone, and the insert alone of rows that were encoded before.
 */
export function measureStore(size: Size): Promise<StoreFigures> {
  const input = canonicalInput(size);
  const batches = batchesOf(scoredRows(size, input));
  return withDirectory(async (path) => {
    const opened = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
    try {
      return await measureInTurn(storeWorks(opened, batches, input.bytes), size.rounds);
    } finally {
      await opened.store.close();
    }
  });
}

type Batch = { readonly rows: ScoredEvent[]; readonly body: Buffer };

function storeWorks(
  { store, db }: OpenStore,
  batches: readonly Batch[],
  bytes: number,
): Record<keyof StoreFigures, Work> {
  const events = batches.reduce((sum, { rows }) => sum + rows.length, 0);
  const writer = new RowBinaryWriter();
  const cleanup = (): Promise<void> => db.command('TRUNCATE TABLE events');
  return {
    record: {
      events,
      bytes,
      cleanup,
      run: async () => {
        for (const { rows } of batches) {
          await store.writeOutputs({
            events: rows,
            findings: [],
            alerts: [],
            aliases: [],
            poison: [],
            handed: [],
            effects: [],
          });
        }
      },
    },
    record_encode: {
      events,
      bytes,
      run: () => {
        for (const { rows } of batches) {
          writer.reset();
          for (const row of rows) EVENTS.write(writer, row);
        }
      },
    },
    record_insert: {
      events,
      bytes,
      cleanup,
      run: async () => {
        for (const { body } of batches) await db.insert(EVENTS, body);
      },
    },
  };
}

function scoredRows(size: Size, input: Input): ScoredEvent[] {
  const history = playHistory(size);
  const worker = workerAfter(history);
  const decoded = decodedRecords(input, worker.next);
  worker.load(worker.needs(decoded).blobs, new Map());
  for (const record of decoded) worker.apply(record);
  return worker.takeOutputs().events;
}

function batchesOf(rows: readonly ScoredEvent[]): Batch[] {
  const batches: Batch[] = [];
  for (let from = 0; from < rows.length; from += LIMITS.flush_rows_max) {
    const batch = rows.slice(from, from + LIMITS.flush_rows_max);
    const writer = new RowBinaryWriter();
    for (const row of batch) EVENTS.write(writer, row);
    batches.push({ rows: batch, body: Buffer.from(writer.bytes()) });
  }
  return batches;
}

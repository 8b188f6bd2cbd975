import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { emptyCatalogue } from '../../../services/ingest/catalogue.ts';
import { createIngest } from '../../../services/ingest/submit.ts';
import { systemClock } from '../../../services/platform/clock.ts';
import type { NewRecord } from '../../../services/platform/event-log.ts';
import { openSqliteLog, type SqliteLog } from '../../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../../services/platform/telemetry.ts';
import { withDirectory } from '../directory.ts';
import { canonicalInput, type Input } from '../input.ts';
import { newRecords } from '../log-records.ts';
import { type Measured, measureInTurn, type Work } from '../measure.ts';
import type { Size } from '../modes.ts';
import { batches, SUBMIT_ITEMS } from '../submit.ts';

export type LogFigures = Readonly<Record<'ingest' | 'append', Measured>>;

/** Batches as a client sends them, through ingest into the embedded log until durable; and the same records appended. */
export function measureLog(size: Size): Promise<LogFigures> {
  const input = canonicalInput(size);
  return withDirectory((path) =>
    measureInTurn({ ingest: ingestWork(path, input), append: appendWork(path, input) }, size.rounds),
  );
}

function ingestWork(path: string, input: Input): Work {
  const telemetry = silentTelemetry();
  return withLog(path, input, async (log) => {
    const ingest = createIngest({ log, clock: systemClock, telemetry, mappings: [], catalogue: emptyCatalogue() });
    for (const { items, at } of batches(input)) {
      const { accepted } = await ingest.submit(items, { format: 'canonical', origin: 'bench', at });
      if (accepted !== items.length) throw new Error('an item of the fleet was not accepted');
    }
  });
}

function appendWork(path: string, input: Input): Work {
  const records = newRecords(input);
  return withLog(path, input, async (log) => {
    for (let from = 0; from < records.length; from += SUBMIT_ITEMS) {
      const some: readonly NewRecord[] = records.slice(from, from + SUBMIT_ITEMS);
      await log.transact({ records: some });
    }
  });
}

/** Each run on a log of its own. */
function withLog(parent: string, { items, bytes }: Input, run: (log: SqliteLog) => Promise<void>): Work {
  let directory = '';
  let log: SqliteLog | undefined;
  return {
    events: items.length,
    bytes,
    prepare: () => {
      directory = mkdtempSync(join(parent, 'log-'));
      log = openSqliteLog({ path: join(directory, 'log.sqlite'), clock: systemClock, telemetry: silentTelemetry() });
    },
    run: async () => {
      if (log !== undefined) await run(log);
    },
    cleanup: async () => {
      await log?.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

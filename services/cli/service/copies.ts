import { DeadLetter } from '../../../schemas/dead-letter.ts';
import { controlCopies } from '../../control/copies.ts';
import { readControl } from '../../control/writer.ts';
import { systemClock } from '../../platform/clock.ts';
import { type EventLog, LogUnavailable, OffsetOutOfRange, PositionConflict, TOPICS } from '../../platform/event-log.ts';
import { type CopyStore, StoreRefused, StoreUnavailable } from '../../platform/store.ts';
import type { Telemetry } from '../../platform/telemetry.ts';

/**
 * Copies of dead letters and of the control log in ClickHouse, so that there is one place to ask. The logs stay the truth:
 * a copy is written first and the position after it, so a crash repeats rows that collapse and never skips one.
 */
type Seams = { readonly log: EventLog; readonly store: CopyStore; readonly telemetry: Telemetry };

const BATCH = { records: 1000, bytes: 8 << 20 };
const PAUSE_MS = 1000;
/** Positions up to which the copies reach. */
export const DEAD_COPIED = 'copy.dead';
export const CONTROL_COPIED = 'copy.control';

export async function copyDeadLetters(seams: Seams, signal: AbortSignal): Promise<void> {
  const { log, store } = seams;
  const refused = refusals(seams.telemetry);
  await follow(log, TOPICS.dead, DEAD_COPIED, signal, async (next) => {
    const { records, next: further } = await log.read(TOPICS.dead, 0, next, BATCH);
    const rows = records.map(({ offset, value }) => ({
      letter: DeadLetter.parse(JSON.parse(value.toString('utf8'))),
      topic: TOPICS.dead,
      partition: 0,
      offset,
    }));
    await writeAllTaken(rows, (part) => store.writeDeadLetters(part), refused('dead_letters'));
    return further;
  });
}

export async function copyControl(seams: Seams, signal: AbortSignal): Promise<void> {
  const { log, store } = seams;
  const refused = refusals(seams.telemetry);
  await follow(log, TOPICS.control, CONTROL_COPIED, signal, async (next) => {
    const { entries, next: further } = await readControl(log, next);
    const copies = controlCopies(entries);
    await writeAllTaken(copies, (part) => store.writeControlCopies(part), refused('control_copies'));
    return further;
  });
}

const refusals = (telemetry: Telemetry) => (table: string) => (error: StoreRefused) =>
  telemetry.occurred('rows_refused', { table }, { error: error.message });

/** A row that the store refuses for good stays in the log, and does not keep the others from being copied. */
async function writeAllTaken<Row>(
  rows: readonly Row[],
  write: (rows: readonly Row[]) => Promise<void>,
  refused: (error: StoreRefused) => void,
): Promise<void> {
  if (rows.length === 0) return;
  try {
    await write(rows);
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error;
    if (rows.length === 1) return refused(error);
    const middle = rows.length >>> 1;
    await writeAllTaken(rows.slice(0, middle), write, refused);
    await writeAllTaken(rows.slice(middle), write, refused);
  }
}

/** Copies batch after batch; `copy` resolves with where to go on, which at the end is where it began. */
async function follow(
  log: EventLog,
  topic: (typeof TOPICS)['dead'] | (typeof TOPICS)['control'],
  name: string,
  signal: AbortSignal,
  copy: (next: number) => Promise<number>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const stored = await log.position(name);
      const { start } = await log.bounds(topic, 0);
      const next = Math.max(start, stored === undefined ? start : Number(stored));
      const further = await copy(next);
      if (further === next) await log.waitBeyond(topic, 0, next, signal);
      else await advance(log, name, stored, further);
    } catch (error) {
      // Retention may have moved the start between the two looks.
      const passing =
        error instanceof StoreUnavailable ||
        error instanceof LogUnavailable ||
        error instanceof OffsetOutOfRange ||
        error instanceof PositionConflict;
      if (!passing) throw error;
      if (signal.aborted) return;
      await systemClock.sleep(PAUSE_MS, signal);
    }
  }
}

/** Of two processes that copy for a moment, the one that was there before gets no further. */
async function advance(log: EventLog, name: string, stored: string | undefined, further: number): Promise<void> {
  const positions = [{ name, position: String(further) }];
  await log.transact({ records: [], positions, expect: { name, position: stored, fence: 'copies' } });
}

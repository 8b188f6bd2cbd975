import { DeadLetter } from '../../../schemas/dead-letter.ts';
import { controlCopies } from '../../control/copies.ts';
import { type ControlEntry, readControl } from '../../control/writer.ts';
import { systemClock } from '../../platform/clock.ts';
import { type EventLog, LogUnavailable, TOPICS } from '../../platform/event-log.ts';
import { type CopyStore, StoreUnavailable } from '../../platform/store.ts';

/**
 * Copies of dead letters and of the control log in ClickHouse, so that there is one place to ask. The logs stay the truth:
 * a copy is written first and the position after it, so a crash repeats rows that collapse and never skips one.
 */
type Seams = { readonly log: EventLog; readonly store: CopyStore };

const BATCH = { records: 1000, bytes: 8 << 20 };
const PAUSE_MS = 1000;

export async function copyDeadLetters(seams: Seams, signal: AbortSignal): Promise<void> {
  const { log, store } = seams;
  await follow(log, TOPICS.dead, 'copy.dead', signal, async (next) => {
    const records = await log.read(TOPICS.dead, 0, next, BATCH);
    const rows = records.map(({ offset, value }) => ({
      letter: DeadLetter.parse(JSON.parse(value.toString('utf8'))),
      topic: TOPICS.dead,
      partition: 0,
      offset,
    }));
    if (rows.length > 0) await store.writeDeadLetters(rows);
    return records.at(-1)?.offset;
  });
}

export async function copyControl(seams: Seams, signal: AbortSignal): Promise<void> {
  const { log, store } = seams;
  await follow(log, TOPICS.control, 'copy.control', signal, async (next) => {
    const entries: readonly ControlEntry[] = await readControl(log, next);
    if (entries.length > 0) await store.writeControlCopies(controlCopies(entries));
    return entries.at(-1)?.offset;
  });
}

/** Copies batch after batch; `copy` resolves with the last offset it copied, or undefined at the end. */
async function follow(
  log: EventLog,
  topic: (typeof TOPICS)['dead'] | (typeof TOPICS)['control'],
  name: string,
  signal: AbortSignal,
  copy: (next: number) => Promise<number | undefined>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const stored = await log.position(name);
      const { start } = await log.bounds(topic, 0);
      const next = Math.max(start, stored === undefined ? start : Number(stored));
      const last = await copy(next);
      if (last === undefined) await log.waitBeyond(topic, 0, next, signal);
      else await log.transact({ records: [], positions: [{ name, position: String(last + 1) }] });
    } catch (error) {
      if (!(error instanceof StoreUnavailable || error instanceof LogUnavailable)) throw error;
      if (signal.aborted) return;
      await systemClock.sleep(PAUSE_MS, signal);
    }
  }
}

import { type Decoded, decodeRecord } from '../../services/detect/decode.ts';
import { decideItem } from '../../services/ingest/core.ts';
import { eventRecord } from '../../services/ingest/record.ts';
import { type LogRecord, type NewRecord, TOPICS } from '../../services/platform/event-log.ts';
import { contextFor, type Input, TICK_MS } from './input.ts';

/** The records that ingest appends for the input, on the recorded clock. */
export function newRecords({ items, times }: Input): NewRecord[] {
  const context = contextFor('canonical');
  return items.flatMap((item, index) =>
    decideItem(item, context).map((decided) => {
      if (decided.kind !== 'accepted') throw new Error('an item of the fleet was not accepted');
      return eventRecord(decided.event, decided.json, times[index]);
    }),
  );
}

/** The same as one partition of the log, from an offset on. */
export function logRecords(input: Input, first = 0): LogRecord[] {
  return newRecords(input).map(({ key, value }, index) => {
    return { offset: first + index, append_ms: input.times[index] ?? 0, key, value };
  });
}

/** The same as detect reads it, with a tick whenever recorded time crosses a boundary. Offsets count from `first`. */
export function decodedRecords(input: Input, first = 0): Decoded[] {
  const decoded: Decoded[] = [];
  const add = (one: Omit<Decoded, 'offset'>): void => {
    decoded.push({ ...one, offset: first + decoded.length });
  };
  let ticked = Number.NEGATIVE_INFINITY;
  for (const raw of logRecords(input)) {
    const event = decodeRecord(raw, TOPICS.events, 0);
    const tick = Math.floor(event.log_ms / TICK_MS) * TICK_MS;
    if (tick > ticked) add({ log_ms: tick, recorded: true, record: { type: 'tick', at: tick } });
    ticked = Math.max(ticked, tick);
    add(event);
  }
  return decoded;
}

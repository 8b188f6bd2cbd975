import type { ScoredEvent } from '../../../schemas/outputs.ts';
import { RowBinaryWriter } from './row-binary.ts';
import { EVENTS } from './tables/events.ts';
import { PackedEvent } from './tables/packed-event.ts';

/** A chunk is closed when so much is in it: small enough to come from memory that was used before. */
const CHUNK_BYTES = 60 * 1024;

/** Writes scored events as the rows they will be, one chunk after the other, each held alive by its own rows. */
export function createEventPacker(): (row: ScoredEvent) => ScoredEvent {
  let writer = new RowBinaryWriter();
  return (row) => {
    if (writer.length >= CHUNK_BYTES) writer = new RowBinaryWriter();
    const from = writer.length;
    try {
      EVENTS.write(writer, row);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // Its insert will refuse it, where a refusal is dealt with.
      writer.truncate(from);
      return row;
    }
    return new PackedEvent(row, writer.buffer, from, writer.length);
  };
}

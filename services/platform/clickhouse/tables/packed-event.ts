import type { CanonicalEvent } from '../../../../schemas/event.ts';
import type { ScoredEvent } from '../../../../schemas/outputs.ts';
import { unpackEventRow } from '../queries/event-rows.ts';

/**
 * A scored event as the bytes of its row in a chunk that it shares with others. Rows wait for their insert by the ten
 * thousand; as objects they would outlive two collections of the young generation, which costs more than writing them.
 * What is asked of one beyond its place is read back from its bytes, in the normal form of `readEventRow`.
 */
export class PackedEvent implements ScoredEvent {
  readonly partition: number;
  readonly offset: number;
  readonly log_time: number;
  readonly chunk: Buffer;
  readonly from: number;
  readonly to: number;

  constructor(row: Pick<ScoredEvent, 'partition' | 'offset' | 'log_time'>, chunk: Buffer, from: number, to: number) {
    this.partition = row.partition;
    this.offset = row.offset;
    this.log_time = row.log_time;
    this.chunk = chunk;
    this.from = from;
    this.to = to;
  }

  get event(): CanonicalEvent {
    return this.#unpacked().event;
  }

  get bits(): number {
    return this.#unpacked().bits;
  }

  get parts(): readonly number[] {
    return this.#unpacked().parts;
  }

  get flags(): number {
    return this.#unpacked().flags;
  }

  #unpacked(): ScoredEvent {
    return unpackEventRow(this.chunk.subarray(this.from, this.to));
  }
}

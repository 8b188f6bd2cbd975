import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { attempt } from './damage.ts';
import { WIRE } from './wire.ts';

export type Signal = 'span' | 'log' | 'metric';

const of = (field: number, wire: number): number => field * 8 + wire;

/** Fields by which Span, LogRecord and Metric differ, by number and wire type (trace.proto, logs.proto, metrics.proto). */
const TELLING: ReadonlyMap<number, Signal> = new Map([
  [of(1, WIRE.fixed64), 'log'], // time_unix_nano
  [of(2, WIRE.varint), 'log'], // severity_number
  [of(6, WIRE.varint), 'span'], // kind
  [of(7, WIRE.fixed64), 'span'], // start_time_unix_nano
  [of(7, WIRE.delimited), 'metric'], // sum
  [of(8, WIRE.fixed64), 'span'], // end_time_unix_nano
  [of(8, WIRE.fixed32), 'log'], // flags
  [of(10, WIRE.varint), 'span'], // dropped_attributes_count
  [of(11, WIRE.fixed64), 'log'], // observed_time_unix_nano
  [of(15, WIRE.delimited), 'span'], // status
  [of(16, WIRE.fixed32), 'span'], // flags
]);

/** What the message in a range is, undefined where it shows too little. The requests of all signals have one outline. */
export function signalOf(
  reader: BinaryReader,
  { from, to }: { readonly from: number; readonly to: number },
): Signal | undefined {
  reader.pos = from;
  const told = attempt('item', () => ({ signal: look(reader, to) }));
  reader.pos = to;
  return 'signal' in told ? told.signal : undefined;
}

/** A metric without a sum has its name in the field of the trace id, and a log record without attributes has no field 1. */
function look(reader: BinaryReader, to: number): Signal | undefined {
  let ids = 0;
  let first = false;
  let any = false;
  while (reader.pos < to) {
    const [field, wire] = reader.tag();
    const told = TELLING.get(of(field, wire));
    if (told !== undefined) return told;
    const start = reader.pos;
    reader.skip(wire, field);
    any = true;
    first ||= field === 1;
    if (wire === WIRE.delimited && reader.pos - start === ID_SIZES[field]) ids++;
  }
  if (first) return ids === 2 ? 'span' : 'metric';
  return any ? 'log' : undefined;
}

/** Bytes of trace id and span id with the byte that says so. */
const ID_SIZES: readonly (number | undefined)[] = [undefined, 17, 9];

import { isUtf8 } from 'node:buffer';
import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';
import { Damage } from './damage.ts';

/** Wire types of the protobuf encoding (protobuf.dev, Encoding). */
export const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

/** A reader that gives strings only where they are UTF-8. */
export function wireReader(bytes: Buffer): BinaryReader {
  return new BinaryReader(bytes, utf8);
}

function utf8(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(text)) return text.toString('utf8');
  throw new Damage('invalid_utf8', 'a text is no UTF-8; write the attributes of the source as UTF-8');
}

/** A known field of another type is refused, not passed over. */
export function expectType(type: WireType, wanted: number, field: string): void {
  if (type === wanted) return;
  throw new Damage('schema_mismatch', `${field} has wire type ${type}, not ${wanted}; send OTLP 1.x`, field);
}

/** End of the message that begins here, which lies within the one that ends at `outer`. */
export function readEnd(reader: BinaryReader, type: WireType, outer: number, field: string): number {
  expectType(type, WIRE.delimited, field);
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > outer) throw overrun(field);
  return end;
}

/** To be called behind the last field of a message. */
export function expectEnd(reader: BinaryReader, end: number, field: string): void {
  if (reader.pos !== end) throw overrun(field);
}

function overrun(field: string): Damage {
  return new Damage('truncated_input', `${field} breaks off; look at what wrote or carried the request`, field);
}

export function readText(reader: BinaryReader, type: WireType, field: string): string {
  expectType(type, WIRE.delimited, field);
  return reader.string();
}

/** An id in hex, empty where it is absent. One that is too long to be any is cut. */
export function readId(reader: BinaryReader, type: WireType, field: string): string {
  expectType(type, WIRE.delimited, field);
  const bytes = reader.bytes();
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, ID_BYTES_SHOWN)).toString('hex');
}

const ID_BYTES_SHOWN = 20;

export function readBytes(reader: BinaryReader, type: WireType, field: string): Uint8Array {
  expectType(type, WIRE.delimited, field);
  return reader.bytes();
}

/** An `int32` or an enum. */
export function readInt(reader: BinaryReader, type: WireType, field: string): number {
  expectType(type, WIRE.varint, field);
  return reader.int32();
}

/** An `int64`, rounded to what a number holds. */
export function readLong(reader: BinaryReader, type: WireType, field: string): number {
  expectType(type, WIRE.varint, field);
  return Number(reader.int64());
}

export function readBool(reader: BinaryReader, type: WireType, field: string): boolean {
  expectType(type, WIRE.varint, field);
  return reader.bool();
}

export function readDouble(reader: BinaryReader, type: WireType, field: string): number {
  expectType(type, WIRE.fixed64, field);
  return reader.double();
}

/** `fixed64` nanoseconds as whole milliseconds. */
export function readTime(reader: BinaryReader, type: WireType, field: string): number {
  expectType(type, WIRE.fixed64, field);
  const low = reader.fixed32();
  return millisOf(reader.fixed32(), low);
}

const NANOS_PER_MILLI = 1_000_000;
const WORD = 2 ** 32;

/** Long division in numbers: 64 bits do not fit in one, and a BigInt costs ten times as much. */
function millisOf(high: number, low: number): number {
  const rest = high % NANOS_PER_MILLI;
  return ((high - rest) / NANOS_PER_MILLI) * WORD + Math.floor((rest * WORD + low) / NANOS_PER_MILLI);
}

import type { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { expectDepth } from './checked.ts';
import type { AttributeValue, OtlpScope } from './model.ts';
import { expectEnd, readBool, readBytes, readDouble, readEnd, readLong, readText } from './wire.ts';

/** Messages of common.proto and resource.proto. A repeated field adds to what is there, as protobuf wants it. */

export type MutableAttributes = Map<string, AttributeValue>;

/** A KeyValue. */
export function readAttribute(
  reader: BinaryReader,
  type: WireType,
  outer: number,
  into: MutableAttributes,
  depth = 1,
): void {
  const end = readEnd(reader, type, outer, 'attributes');
  let key = '';
  let value: AttributeValue;
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) key = readText(reader, wire, 'attributes.key');
    else if (field === 2) value = readValue(reader, readEnd(reader, wire, end, 'attributes.value'), depth, value);
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'attributes');
  into.set(key, value);
}

/** An AnyValue that ends at `end`. Of several values the last one counts. */
export function readValue(
  reader: BinaryReader,
  end: number,
  depth: number,
  before: AttributeValue = undefined,
): AttributeValue {
  expectDepth(depth);
  let value = before;
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) value = readText(reader, wire, 'string_value');
    else if (field === 2) value = readBool(reader, wire, 'bool_value');
    else if (field === 3) value = readLong(reader, wire, 'int_value');
    else if (field === 4) value = readDouble(reader, wire, 'double_value');
    else if (field === 5) value = readList(reader, wire, end, depth, value);
    else if (field === 6) value = readMap(reader, wire, end, depth, value);
    else if (field === 7) value = readBytes(reader, wire, 'bytes_value');
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'value');
  return value;
}

function readList(
  reader: BinaryReader,
  type: WireType,
  outer: number,
  depth: number,
  before: AttributeValue,
): AttributeValue {
  const end = readEnd(reader, type, outer, 'array_value');
  const list: AttributeValue[] = Array.isArray(before) ? before : [];
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) list.push(readValue(reader, readEnd(reader, wire, end, 'array_value'), depth + 1));
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'array_value');
  return list;
}

function readMap(
  reader: BinaryReader,
  type: WireType,
  outer: number,
  depth: number,
  before: AttributeValue,
): AttributeValue {
  const end = readEnd(reader, type, outer, 'kvlist_value');
  const map: MutableAttributes = before instanceof Map ? before : new Map();
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) readAttribute(reader, wire, end, map, depth + 1);
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'kvlist_value');
  return map;
}

/** The attributes of a Resource that ends at `end`. */
export function readResource(reader: BinaryReader, end: number, into: MutableAttributes): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) readAttribute(reader, wire, end, into);
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'resource');
}

/** An InstrumentationScope that ends at `end`, added to `before`. */
export function readScope(reader: BinaryReader, end: number, before: OtlpScope): OtlpScope {
  let { name, version } = before;
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) name = readText(reader, wire, 'scope.name');
    else if (field === 2) version = readText(reader, wire, 'scope.version');
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'scope');
  return { name, version };
}

import { isObject, type JsonObject } from '../decode.ts';
import { excerpt } from '../refusal.ts';
import { expectDepth } from './checked.ts';
import { Damage } from './damage.ts';
import type { Attributes, AttributeValue, OtlpScope } from './model.ts';

/**
 * The JSON mapping of proto3 (protobuf.dev, ProtoJSON) with the differences of OTLP (OTLP specification, JSON Protobuf
 * Encoding): names in lowerCamelCase or as in the proto files, null for absent, ids in hex, 64-bit integers as texts or
 * numbers. Unknown names are passed over.
 */

export type MutableAttributes = Map<string, AttributeValue>;

export function wrong(field: string, value: unknown, wanted: string): Damage {
  return new Damage('schema_mismatch', `${field}: ${excerpt(value)} is no ${wanted}; send OTLP/JSON`, field);
}

export function objectOf(value: unknown, field: string): JsonObject {
  if (isObject(value)) return value;
  throw wrong(field, value, 'object');
}

/** A repeated field, empty where it is absent. */
export function listOf(value: unknown, field: string): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw wrong(field, value, 'list');
}

export function textOf(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  throw wrong(field, value, 'text');
}

const HEX = /^[0-9a-f]*$/;

/** An id in hex where it is one, whatever its length; else none. */
export function hexOrNone(value: unknown): string {
  return typeof value === 'string' && HEX.test(value.toLowerCase()) ? value.toLowerCase() : '';
}

/** An id in hex, whatever its length. */
export function hexOf(value: unknown, field: string): string {
  const hex = textOf(value, field).toLowerCase();
  if (HEX.test(hex)) return hex;
  throw wrong(field, value, 'id in hex');
}

const INT32_MAX = 2 ** 31;

/** An enum, by its number or one of its names without the prefix. */
export function enumOf(value: unknown, field: string, prefix: string, names: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value < INT32_MAX && value >= -INT32_MAX) return value;
  const index = typeof value === 'string' && value.startsWith(prefix) ? names.indexOf(value.slice(prefix.length)) : -1;
  if (index !== -1) return index;
  throw wrong(field, value, 'number of the enum');
}

const INT64_MAX = 2n ** 63n;
const INTEGER = /^-?\d{1,20}$/;

/** An `int64`, rounded to what a number holds. */
function longOf(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= Number(INT64_MAX)) return value + 0;
  if (typeof value === 'string' && INTEGER.test(value)) {
    const exact = BigInt(value);
    if (exact < INT64_MAX && exact >= -INT64_MAX) return Number(exact);
  }
  throw wrong('int_value', value, '64-bit integer');
}

const UINT64_MAX = 2n ** 64n;
const NATURAL = /^\d{1,20}$/;
/** Texts of fewer digits need no comparison. */
const UINT64_DIGITS = 20;
const NANOS_PER_MILLI = 1_000_000;

/** Nanoseconds since 1970 as whole milliseconds. A number of that size has lost its last digits: it is near microseconds. */
export function timeOf(value: unknown, field: string): number {
  if (typeof value === 'string' && NATURAL.test(value)) {
    if (value.length < UINT64_DIGITS || BigInt(value) < UINT64_MAX) return Number(value.slice(0, -6));
  }
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < UINT64_MAX) {
    if (Number.isSafeInteger(value)) return Math.floor(value / NANOS_PER_MILLI);
    return Math.floor(Math.round(value / 1000) / 1000);
  }
  throw wrong(field, value, 'time in nanoseconds');
}

const DOUBLE = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function doubleOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && (DOUBLE.test(value) || /^(NaN|-?Infinity)$/.test(value))) return Number(value);
  throw wrong('double_value', value, 'number');
}

function boolOf(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw wrong('bool_value', value, 'true or false');
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

function bytesOf(value: unknown): Buffer {
  if (typeof value === 'string' && BASE64.test(value)) return Buffer.from(value, 'base64');
  throw wrong('bytes_value', value, 'base64');
}

/** A list of KeyValue. */
export function attributesOf(value: unknown, depth = 1): MutableAttributes {
  const attributes: MutableAttributes = new Map();
  for (const element of listOf(value, 'attributes')) {
    const { key, value } = objectOf(element, 'attributes');
    const name = key === null || key === undefined ? '' : textOf(key, 'attributes.key');
    attributes.set(name, anyValueOf(value, depth));
  }
  return attributes;
}

/** An AnyValue; absent, null and empty ones are undefined. */
export function anyValueOf(value: unknown, depth = 1): AttributeValue {
  if (value === null || value === undefined) return undefined;
  expectDepth(depth);
  const object = objectOf(value, 'value');
  let found: AttributeValue;
  let count = 0;
  for (const name in object) {
    const read = object[name] === null ? undefined : KINDS.get(name);
    if (read === undefined) continue;
    found = read(object[name], depth);
    if (++count > 1) throw new Damage('schema_mismatch', `a value is ${name} and something else; send one of them`);
  }
  return found;
}

const readList = (value: unknown, depth: number): AttributeValue =>
  listOf(objectOf(value, 'array_value').values, 'array_value.values').map((element) => anyValueOf(element, depth + 1));
const readMap = (value: unknown, depth: number): AttributeValue =>
  attributesOf(objectOf(value, 'kvlist_value').values, depth + 1);
const readText = (value: unknown): AttributeValue => textOf(value, 'string_value');

const KINDS: ReadonlyMap<string, (value: unknown, depth: number) => AttributeValue> = new Map([
  ['stringValue', readText],
  ['string_value', readText],
  ['boolValue', boolOf],
  ['bool_value', boolOf],
  ['intValue', longOf],
  ['int_value', longOf],
  ['doubleValue', doubleOf],
  ['double_value', doubleOf],
  ['arrayValue', readList],
  ['array_value', readList],
  ['kvlistValue', readMap],
  ['kvlist_value', readMap],
  ['bytesValue', bytesOf],
  ['bytes_value', bytesOf],
]);

/** The attributes of a Resource. */
export function resourceOf(value: unknown): Attributes {
  return value === null || value === undefined ? new Map() : attributesOf(objectOf(value, 'resource').attributes);
}

/** An InstrumentationScope. */
export function scopeOf(value: unknown): OtlpScope {
  if (value === null || value === undefined) return { name: '', version: '' };
  const { name, version } = objectOf(value, 'scope');
  return {
    name: name === null || name === undefined ? '' : textOf(name, 'scope.name'),
    version: version === null || version === undefined ? '' : textOf(version, 'scope.version'),
  };
}

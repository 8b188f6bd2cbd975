import { LIMITS } from '../../schemas/limits.ts';
import { isObject, type JsonObject } from './decode.ts';
import { type Notes, note } from './text.ts';

/**
 * The fields of a document that something reads, as a tree: `WHOLE` under a name means that its whole value is read.
 * Elements of a list stand under `*` or under their index.
 */
export type KnownFields = ReadonlyMap<string, KnownFields | typeof WHOLE>;
export const WHOLE = 'whole';

/** Source fields that no canonical field takes, in source order; `cut` when some of them were not even listed. */
export type Leftovers = { readonly fields: (readonly [path: string, value: unknown])[]; cut: boolean };

/** Names through which careless merging downstream would reach a prototype. Dropped wherever they stand. */
const POLLUTING: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The fields of `document` that `known` does not name; undefined, and next to nothing spent, when there are none. */
export function findLeftovers(document: JsonObject, known: KnownFields): Leftovers | undefined {
  return inObject(document, known, '', undefined);
}

type Found = Leftovers | undefined;

function inObject(value: JsonObject, known: KnownFields, prefix: string, found: Found): Found {
  let all = found;
  for (const name in value) {
    const inner = known.get(name);
    if (inner === WHOLE) continue;
    if (inner !== undefined) all = inValue(value[name], inner, prefix + name, all);
    else all = keep(prefix, name, value[name], all);
    if (all !== undefined && all.fields.length >= LIMITS.unmapped_fields_max) {
      all.cut = true;
      return all;
    }
  }
  return all;
}

function inValue(value: unknown, known: KnownFields, path: string, found: Found): Found {
  if (isObject(value)) return inObject(value, known, `${path}.`, found);
  if (!Array.isArray(value)) return value === null ? found : keep('', path, value, found);
  let all = found;
  for (let index = 0; index < value.length && index < LIMITS.unmapped_fields_max; index++) {
    const inner = known.get('*') ?? known.get(String(index));
    if (inner === undefined) all = keep(path, `[${index}]`, value[index], all);
    else if (inner !== WHOLE) all = inValue(value[index], inner, `${path}[${index}]`, all);
  }
  return all;
}

function keep(prefix: string, name: string, value: unknown, found: Found): Leftovers {
  const all = found ?? { fields: [], cut: false };
  if (POLLUTING.has(name)) all.cut = true;
  else all.fields.push([prefix + name, value]);
  return all;
}

/**
 * The leftovers as an event keeps them: sorted by name, so that the order a source happens to write in does not change
 * the event's key, and within `unmapped_bytes_max` bytes of JSON.
 */
export function boundUnmapped(leftovers: Leftovers, notes: Notes): Record<string, unknown> | undefined {
  const fields = leftovers.fields.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const copying: Copying = { cut: leftovers.cut, room: 0 };
  const kept: Record<string, unknown> = {};
  let left = LIMITS.unmapped_bytes_max - '{}'.length;
  let some = false;
  for (const [path, value] of fields) {
    const name = path.toWellFormed();
    copying.room = left - name.length;
    const copy = safeCopy(value, copying);
    const bytes = copying.room < 0 ? left + 1 : jsonBytes(name) + jsonBytes(copy) + ':,'.length;
    if (bytes > left || POLLUTING.has(name)) {
      copying.cut = true;
      continue;
    }
    kept[name] = copy;
    left -= bytes;
    some = true;
  }
  if (copying.cut) note(notes, 'unmapped_cut');
  return some ? kept : undefined;
}

/** `room`: bytes of JSON that still fit, never less than that; below 0 the copy is useless and copying ends. */
type Copying = { cut: boolean; room: number };

/** A copy with sorted names, well-formed text and no polluting name. Recursion is bounded by the decoder's depth check. */
function safeCopy(value: unknown, copying: Copying): unknown {
  copying.room -= typeof value === 'string' ? value.length + '"",'.length : '1,'.length;
  if (copying.room < 0) return undefined;
  if (typeof value === 'string') return value.toWellFormed();
  // JSON has neither -0 nor a number as large as 1e999, which the parser takes for infinite.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : String(value);
  // Lists of OTLP may have places without a value, which JSON writes as null.
  if (Array.isArray(value)) return copyWhileRoom(value, (element) => safeCopy(element, copying) ?? null, copying);
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  const names = Object.keys(value);
  if (names.length > copying.room) copying.room = -1;
  else names.sort();
  copyWhileRoom(
    names,
    (name) => {
      if (POLLUTING.has(name)) copying.cut = true;
      else copy[name.toWellFormed()] = safeCopy(value[name], copying);
    },
    copying,
  );
  return copy;
}

function copyWhileRoom<T, U>(values: readonly T[], copy: (value: T) => U, copying: Copying): U[] {
  const copies: U[] = [];
  for (const value of values) {
    if (copying.room < 0) break;
    copies.push(copy(value));
  }
  return copies;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

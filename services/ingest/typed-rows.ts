import { LIMITS } from '../../schemas/limits.ts';
import { isObject, type JsonObject } from './decode.ts';
import type { FieldTable } from './field-table.ts';
import { compileReader, isAbsent, knownFields, type Path, parsePath } from './paths.ts';
import { excerpt, type Refusal } from './refusal.ts';
import { cleanName } from './text.ts';
import type { KnownFields } from './unmapped.ts';

/**
 * What a field must be where it is there at all. `name`: a text, or a number where a copy lost the quotes of one. `flag`,
 * `size` (0 or more) and `code` (a whole number): also as text. `any`: of no fixed form.
 */
export type FieldType = 'text' | 'name' | 'flag' | 'size' | 'code' | 'object' | 'list' | 'any';

/** A row of a format's table with the type of its source field. Ends `to` in `unmapped`, the field is also kept aside. */
export type TypedRow = { readonly from: string; readonly type: FieldType; readonly to: string };

export type CompiledRows = {
  readonly table: FieldTable;
  /** What is read and not kept aside. Objects and lists are not listed as such, only what is read in them. */
  readonly known: KnownFields;
  /** The first field that is there and not what the format says. */
  check(document: JsonObject): Refusal | undefined;
};

/** One list behind a format's table, its leftovers and the types of its fields. `remedy` ends the refusal of a wrong type. */
export function compileRows(format: string, rows: readonly TypedRow[], remedy: string): CompiledRows {
  const stepsOf = (from: string): Path['steps'] => (parsePath(from) as Path).steps;
  const isKept = ({ to, type }: TypedRow): boolean => to.endsWith('unmapped') || type === 'object' || type === 'list';
  const checks = rows
    .filter(({ type, from }) => type !== 'any' && !from.includes('*'))
    .map(({ from, type }) => ({ from, type, read: compileReader(stepsOf(from)) }));
  return {
    table: { format, rows: rows.map(({ from, to }) => ({ from, to })) },
    known: knownFields(rows.filter((row) => !isKept(row)).map(({ from }) => stepsOf(from))),
    check(document) {
      for (const { from, type, read } of checks) {
        const value = read(document);
        if (isAbsent(value) || fits(value, type)) continue;
        const message = `${from}: ${excerpt(value)} must be ${WANTED[type]}; ${remedy}`;
        return { kind: 'refused', reason: 'schema_mismatch', field: from, message };
      }
      return undefined;
    },
  };
}

const WANTED: Readonly<Record<FieldType, string>> = {
  text: 'a text',
  name: 'a text',
  flag: 'true or false',
  size: 'a number, 0 or more',
  code: 'a whole number',
  object: 'an object',
  list: 'a list',
  any: 'anything',
};

function fits(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && !Array.isArray(value);
    case 'list':
      return Array.isArray(value);
    case 'flag':
      return flagOf(value) !== undefined;
    case 'size':
      return sizeOf(value) !== undefined;
    case 'code':
      return codeOf(value) !== undefined;
    default:
      return typeof value === 'string' || (type === 'name' && typeof value === 'number') || type === 'any';
  }
}

/** A text that is there, also of a number; undefined for everything else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' ? String(value) : undefined;
}

export function flagOf(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : undefined;
}

const DECIMAL = /^\d{1,16}(\.\d{1,16})?$/;

export function sizeOf(value: unknown): number | undefined {
  const size = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
  return typeof size === 'number' && size >= 0 ? size : undefined;
}

export function codeOf(value: unknown): number | undefined {
  const code = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
  return Number.isSafeInteger(code) ? (code as number) : undefined;
}

/** An identifier within its bound. One that is longer keeps its beginning, and a hash that tells it from others. */
export const identifierOf = (text: string): string =>
  text.length <= LIMITS.id_chars_max ? text : cleanName(text, LIMITS.id_chars_max, { plain: true, flags: undefined });

const NOTHING: JsonObject = {};
/** The object, or an empty one, so that what is not there needs no question of its own. */
export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : NOTHING);

/** The fields that are there. */
export function present<T extends Record<string, string | undefined>>(fields: T): Partial<Record<keyof T, string>> {
  const there: Partial<Record<keyof T, string>> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) there[name] = value;
  }
  return there;
}

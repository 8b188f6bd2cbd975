import { hash } from 'node:crypto';
import type { CanonicalField, FieldRule, MappingFile } from '../../schemas/mapping.ts';
import { compileReader, isAbsent, type Path, parsePath } from './paths.ts';

/** Reads the value of one canonical field; undefined when the source has none. `element` is what `@` stands for. */
export type FieldReader = (document: unknown, element: unknown) => unknown;

/** A rule written out; a bare text is its `path`. */
export type RuleObject = Exclude<FieldRule, string>;
type Words = { readonly [word: string]: string | number };

/** The value tables of a mapping that stand beside its rules. */
export type ValueTables = Pick<MappingFile, 'operation' | 'classification'>;

/** Compiles a checked rule to closures. Nothing of the user's text is ever evaluated as code. */
export function compileRule(rule: FieldRule, field: string, target: CanonicalField, tables: ValueTables): FieldReader {
  const parts: RuleObject = typeof rule === 'string' ? { path: rule } : rule;
  if (parts.const !== undefined) {
    const constant = parts.const;
    return () => constant;
  }
  let read = parts.template === undefined ? readPath(parts.path as string) : readTemplate(parts.template);
  if (parts.before !== undefined || parts.after !== undefined) read = cutText(read, parts.before, parts.after);
  if (parts.type !== undefined) read = convert(read, parts.type);
  if (target.type === 'time' && parts.format !== undefined) read = convertTime(read, parts.format);
  const words = parts.map ?? tableOf(field, tables);
  if (words !== undefined || target.words !== undefined) read = translate(read, words, target.words, parts.default);
  return parts.default === undefined ? read : withDefault(read, parts.default);
}

function tableOf(field: string, tables: ValueTables): Words | undefined {
  if (field === 'action.operation') return tables.operation;
  return field.endsWith('classification') ? tables.classification : undefined;
}

function readPath(text: string): FieldReader {
  const path = parsePath(text) as Path;
  const read = compileReader(path.steps);
  const present = (value: unknown): unknown => (isAbsent(value) ? undefined : value);
  return path.relative ? (_document, element) => present(read(element)) : (document) => present(read(document));
}

/** `a-{x.y}` as literals and paths, in turn. */
export function templateParts(template: string): { readonly literals: string[]; readonly paths: string[] } {
  const pieces = template.split(/\{([^{}]*)\}/);
  return {
    literals: pieces.filter((_, index) => index % 2 === 0),
    paths: pieces.filter((_, index) => index % 2 === 1),
  };
}

function readTemplate(template: string): FieldReader {
  const { literals, paths } = templateParts(template);
  const readers = paths.map(readPath);
  return (document, element) => {
    let text = literals[0] as string;
    for (let index = 0; index < readers.length; index++) {
      const value = (readers[index] as FieldReader)(document, element);
      if (value === undefined || typeof value === 'object') return undefined;
      text += String(value) + (literals[index + 1] as string);
    }
    return text;
  };
}

function cutText(read: FieldReader, before: string | undefined, after: string | undefined): FieldReader {
  return (document, element) => {
    let value = read(document, element);
    if (typeof value === 'string' && after !== undefined) value = textAfter(value, after);
    if (typeof value === 'string' && before !== undefined) value = textBefore(value, before);
    return value === '' ? undefined : value;
  };
}

/** Undefined where the mark does not occur: there is no such part. */
function textBefore(text: string, mark: string): string | undefined {
  const at = text.indexOf(mark);
  return at === -1 ? undefined : text.slice(0, at);
}

function textAfter(text: string, mark: string): string | undefined {
  const at = text.indexOf(mark);
  return at === -1 ? undefined : text.slice(at + mark.length);
}

const NUMBER = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/;

/** What cannot be converted stays as it is: the validation that follows refuses it and names it. */
const CONVERSIONS: { readonly [T in NonNullable<RuleObject['type']>]: (value: unknown) => unknown } = {
  string: (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
  number: (value) => (typeof value === 'string' && NUMBER.test(value) ? Number(value) : value),
  bytes_of: (value) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value)),
  hash: (value) => hash('sha256', typeof value === 'string' ? value : JSON.stringify(value), 'hex').slice(0, 32),
};

function convert(read: FieldReader, type: NonNullable<RuleObject['type']>): FieldReader {
  const conversion = CONVERSIONS[type];
  return (document, element) => {
    const value = read(document, element);
    return value === undefined ? undefined : conversion(value);
  };
}

const MS_PER_UNIT = { epoch_s: 1000, epoch_ms: 1, epoch_us: 1e-3, epoch_ns: 1e-6 } as const;

/** Rounds to whole milliseconds. Nanoseconds as a JSON number are no longer exact, but to the millisecond they are. */
function convertTime(read: FieldReader, format: NonNullable<RuleObject['format']>): FieldReader {
  if (format === 'rfc3339') return read;
  const factor = MS_PER_UNIT[format];
  return (document, element) => {
    const value = read(document, element);
    const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
    return typeof number === 'number' ? Math.floor(number * factor) : value;
  };
}

/**
 * Source word to canonical word. Where the canonical list is closed, a word that neither the map nor the list knows
 * becomes `default`, else `unknown`: the event counts, and `countersign map test` names the word.
 */
function translate(
  read: FieldReader,
  words: Words | undefined,
  closed: readonly string[] | undefined,
  fallback: string | number | undefined,
): FieldReader {
  const table = new Map(Object.entries(words ?? {}));
  const listed = closed === undefined ? undefined : new Set(closed);
  return (document, element) => {
    const value = read(document, element);
    if (value === undefined || typeof value === 'object') return value;
    const word = String(value);
    const lower = word.toLowerCase();
    const mapped = table.get(word) ?? table.get(lower);
    if (mapped !== undefined) return mapped;
    if (listed === undefined) return words !== undefined && fallback !== undefined ? fallback : value;
    return listed.has(lower) ? lower : (fallback ?? 'unknown');
  };
}

function withDefault(read: FieldReader, fallback: string | number): FieldReader {
  return (document, element) => read(document, element) ?? fallback;
}

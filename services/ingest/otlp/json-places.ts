import { LIMITS } from '../../../schemas/limits.ts';

/** The bytes of a value by the names and indexes that lead to it; undefined where they were not found. */
export type BytesAt = (path: readonly (string | number)[]) => Buffer | undefined;

/**
 * Finds values in the bytes of a document that is known to be JSON: what is dead-lettered keeps the bytes it came as, and
 * what the parser made of them is not that. `names` says for each level which lists of objects are looked into. The bytes
 * are walked once, when the first value is asked for.
 */
export function bytesAt(bytes: Buffer, names: readonly ReadonlySet<string>[]): BytesAt {
  let found: ReadonlyMap<string, Buffer> | undefined;
  return (path) => {
    found ??= placesOf(bytes, names);
    return found.get(path.join('/'));
  };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

function placesOf(bytes: Buffer, names: readonly ReadonlySet<string>[]): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  const inObject = (at: number, level: number, path: string): void => {
    if (bytes[at] !== BRACE) return;
    eachMember(bytes, at, (name, value) => {
      if (names[level]?.has(name) === true) inList(value, level, `${path}${name}/`);
    });
  };
  const inList = (at: number, level: number, path: string): void => {
    if (bytes[at] !== BRACKET) return;
    eachElement(bytes, at, (index, from, to) => {
      if (level + 1 < names.length) inObject(from, level + 1, `${path}${index}/`);
      // A name that stands there twice leads to values that do not count, and those must not fill the memory.
      else if (found.size < LIMITS.bundle_items_max) found.set(path + index, bytes.subarray(from, to));
    });
  };
  inObject(beginOf(bytes), 0, '');
  return found;
}

/** Behind white space and a byte order mark. */
function beginOf(bytes: Buffer): number {
  return skipSpace(bytes, bytes[0] === 0xef ? 3 : 0);
}

function eachMember(bytes: Buffer, object: number, visit: (name: string, value: number) => void): void {
  let at = skipSpace(bytes, object + 1);
  while (bytes[at] === QUOTE) {
    const end = endOfText(bytes, at);
    const name = JSON.parse(bytes.toString('utf8', at, end)) as string;
    const value = skipSpace(bytes, skipSpace(bytes, end) + 1);
    visit(name, value);
    at = skipSpace(bytes, endOfValue(bytes, value));
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
}

function eachElement(bytes: Buffer, list: number, visit: (index: number, from: number, to: number) => void): void {
  let at = skipSpace(bytes, list + 1);
  for (let index = 0; at < bytes.length && bytes[at] !== 0x5d; index++) {
    const end = endOfValue(bytes, at);
    visit(index, at, end);
    at = skipSpace(bytes, end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
}

function endOfValue(bytes: Buffer, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return endOfText(bytes, start);
  if (first !== BRACE && first !== BRACKET) return endOfPlain(bytes, start);
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfText(bytes, at) - 1;
    else if (byte === BRACE || byte === BRACKET) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at + 1;
  }
  return bytes.length;
}

function endOfText(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return bytes.length;
}

/** Behind a number or a word. */
function endOfPlain(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && !ENDS.has(bytes[at] as number)) at++;
  return at;
}

const ENDS: ReadonlySet<number> = new Set([COMMA, 0x5d, 0x7d, 0x20, 0x0a, 0x0d, 0x09]);

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}

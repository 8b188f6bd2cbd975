import { isAscii, isUtf8 } from 'node:buffer';
import { LIMITS } from '../../schemas/limits.ts';
import { printable, type Refusal } from './refusal.ts';

/** The text of an item, and whether it is plain: no string in it can hold a control character or a lone surrogate. */
export type Decoded = { readonly kind: 'document'; readonly document: JsonObject; readonly plain: boolean };
export type JsonObject = { readonly [key: string]: unknown };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Bytes of one item to a JSON object, with every bound checked before the parser runs. Never throws. */
export function decodeDocument(bytes: Buffer): Decoded | Refusal {
  if (bytes.length > LIMITS.item_bytes_max) return tooLarge(bytes.length);
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) return invalidUtf8(bytes);
  const text = textOf(bytes, { ascii });
  if (exceedsDepth(text, LIMITS.item_depth_max)) return tooDeep();
  return documentOf(text, { ascii });
}

/**
 * The same for a bundle, which may be larger. What is deeper than `bundle_depth_max` becomes null before the parser runs:
 * whoever writes an item decides how deep it is, and must not decide what becomes of the others.
 */
export function decodeBundle(bytes: Buffer): Decoded | Refusal {
  if (bytes.length > LIMITS.bundle_bytes_max) return tooLarge(bytes.length, LIMITS.bundle_bytes_max);
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) return invalidUtf8(bytes);
  return documentOf(cutDepth(textOf(bytes, { ascii }), LIMITS.bundle_depth_max), { ascii });
}

type Known = { readonly ascii: boolean };

function textOf(bytes: Buffer, { ascii }: Known): string {
  return ascii ? bytes.toString('latin1') : withoutByteOrderMark(bytes.toString('utf8'));
}

function documentOf(text: string, { ascii }: Known): Decoded | Refusal {
  const document = parse(text);
  if (document instanceof SyntaxError) return notJson(document, text);
  if (!isObject(document)) return notAnObject(document);
  return { kind: 'document', document, plain: ascii && !text.includes('\\') && !text.includes('\u007f') };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Whether `text` nests deeper than `depth_max`. Counting all opening brackets answers it for nearly every document; only
 * one with more brackets than the bound is walked character by character.
 */
export function exceedsDepth(text: string, depth_max: number): boolean {
  return occursMoreThan(text, depth_max) && walkDepth(text, depth_max);
}

function occursMoreThan(text: string, most: number): boolean {
  let left = most;
  for (let at = text.indexOf('{'); at !== -1; at = text.indexOf('{', at + 1)) if (--left < 0) return true;
  for (let at = text.indexOf('['); at !== -1; at = text.indexOf('[', at + 1)) if (--left < 0) return true;
  return false;
}

function walkDepth(text: string, depth_max: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depth_max) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}

/** Index of the quote that closes the one at `start`; the end where none does. Most of what is long is in quotes. */
function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}

/** The text with `null` in place of every object and list that lies deeper than `depth_max`. */
export function cutDepth(text: string, depth_max: number): string {
  if (!exceedsDepth(text, depth_max)) return text;
  const kept: string[] = [];
  let from = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth === depth_max + 1) kept.push(text.slice(from, at));
    } else if (code === 0x7d || code === 0x5d) {
      if (depth-- === depth_max + 1) {
        kept.push('null');
        from = at + 1;
      }
    }
  }
  // One that is never closed is no JSON, and neither is what remains.
  return depth > depth_max ? kept.join('') : kept.join('') + text.slice(from);
}

function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

/** Also for readers that know the length of an item before they hold it. */
export function tooLarge(length: number, most: number = LIMITS.item_bytes_max): Refusal {
  return {
    kind: 'refused',
    reason: 'item_too_large',
    message: `the item has ${length} bytes, more than ${most}; leave content out of audit events, or split the item`,
  };
}

function invalidUtf8(bytes: Buffer): Refusal {
  const first = firstInvalid(bytes);
  const hex = bytes.subarray(first, first + 4).toString('hex');
  return {
    kind: 'refused',
    reason: 'invalid_utf8',
    message: `byte ${first} (0x${hex}) is no UTF-8; write the source's text as UTF-8`,
  };
}

/** Bisects for the longest prefix that at most breaks off within a character, and goes back to where that begins. */
function firstInvalid(bytes: Buffer): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (isGoodPrefix(bytes, middle)) good = middle;
    else bad = middle;
  }
  while (!isUtf8(bytes.subarray(0, good))) good--;
  return good;
}

function isGoodPrefix(bytes: Buffer, end: number): boolean {
  for (let back = 0; back < 4 && back <= end; back++) {
    if (isUtf8(bytes.subarray(0, end - back))) return back === 0 || couldBegin(bytes.subarray(end - back, end));
  }
  return false;
}

/** Whether the bytes are the beginning of one longer character (RFC 3629, section 4). */
function couldBegin(bytes: Buffer): boolean {
  const lead = bytes[0] as number;
  const length =
    lead >= 0xf0 && lead <= 0xf4 ? 4 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xc2 && lead < 0xe0 ? 2 : 0;
  if (bytes.length >= length) return false;
  return bytes.subarray(1).every((byte) => byte >= 0x80 && byte <= 0xbf);
}

function tooDeep(): Refusal {
  return {
    kind: 'refused',
    reason: 'too_deep',
    message: `the item nests deeper than ${LIMITS.item_depth_max} levels; flatten it at the source`,
  };
}

function notJson(error: SyntaxError, text: string): Refusal {
  const remedy = text.trim() === '' ? 'the item is empty' : printable(error.message);
  return { kind: 'refused', reason: 'not_json', message: `no JSON: ${remedy}; send one JSON object per item` };
}

function notAnObject(value: unknown): Refusal {
  const what = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  return {
    kind: 'refused',
    reason: 'not_an_object',
    message: `the item is ${what}, not a JSON object; send every event as an object of its own`,
  };
}

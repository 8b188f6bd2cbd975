import { LIMITS } from '../../schemas/limits.ts';
import type { Item } from './core.ts';
import { tooLarge } from './decode.ts';
import type { Refusal } from './refusal.ts';

/** Cuts a stream of bytes into items. Holds one item at most, and of an oversized one only its beginning. */
export type Splitter = {
  push(chunk: Buffer, items: Item[]): void;
  /** `damage` says why the stream ended before its end, if it did. */
  end(items: Item[], damage?: Refusal): void;
};

const NEWLINE = 0x0a;
const BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Splits NDJSON into its lines, one JSON list into its elements, the list of `{"Records": [...]}` likewise, and objects
 * written over several lines into themselves; which of them it is shows in the first bytes. `name` stands before the
 * positions: `name:line`, `name[index]`. Blank lines are no items. What follows a `Records` object is looked at anew, for
 * files put one behind another.
 */
export function createSplitter(name: string): Splitter {
  let inner: Inner | undefined;
  let lead: Buffer = EMPTY;
  let started = false;
  let lines_before = 0;
  let elements_before = 0;
  /** Chooses the inner splitter; returns what it is to be given, or undefined while that cannot be told. */
  const begin = (chunk: Buffer, ended: boolean): Buffer | undefined => {
    lead = lead.length === 0 ? chunk : Buffer.concat([lead, chunk]);
    if (!started && lead.length < BYTE_ORDER_MARK.length && !ended) return undefined;
    if (!started && lead.subarray(0, 3).equals(BYTE_ORDER_MARK)) lead = lead.subarray(3);
    started = true;
    const start = firstVisible(lead);
    lines_before += newlines(lead.subarray(0, start));
    lead = lead.subarray(start);
    const opening = lead.length === 0 ? undefined : openingOf(lead, ended);
    if (opening === undefined) return undefined;
    if (opening.kind === 'lines') inner = createLineSplitter(name, lines_before);
    else inner = createListSplitter(name, { index: elements_before, within: opening.kind });
    const rest = lead.subarray(opening.skip);
    lines_before += newlines(lead.subarray(0, opening.skip));
    lead = EMPTY;
    return rest;
  };
  /** Returns what stands behind the end of a `Records` object, whose lines are counted for what follows it. */
  const advance = (current: Inner, chunk: Buffer, items: Item[]): Buffer | undefined => {
    const rest = current.push(chunk, items);
    if (current.may_end) lines_before += newlines(chunk.subarray(0, chunk.length - (rest?.length ?? 0)));
    if (rest === undefined) return undefined;
    elements_before = current.count();
    inner = undefined;
    return rest;
  };
  const push = (chunk: Buffer, items: Item[]): void => {
    let rest: Buffer | undefined = chunk;
    while (rest !== undefined) rest = inner === undefined ? begin(rest, false) : advance(inner, rest, items);
  };
  return {
    push,
    end(items, damage) {
      if (inner === undefined) {
        const rest = begin(EMPTY, true);
        if (rest !== undefined) push(rest, items);
      }
      if (inner !== undefined) inner.end(items, damage);
      else if (damage !== undefined) items.push(cutOff(damage, createHeld(), `${name}:${lines_before + 1}`));
    },
  };
}

/** Splits one kind of input. Where that can end before the input does, `push` returns what follows. */
type Inner = Pick<Splitter, 'end'> & {
  push(chunk: Buffer, items: Item[]): Buffer | undefined;
  readonly may_end: boolean;
  /** Elements until now, for positions. */
  count(): number;
};

/** What the first bytes open, and how many of them the inner splitter is not to see. */
type Opening = { readonly kind: 'lines' | 'list' | 'objects' | 'records'; readonly skip: number };

/** As far as it is looked for `Records`, or for the first name of an object written over several lines. */
const OPENING_BYTES_MAX = 256;
const RECORDS = Buffer.from('"Records"');
const COLON = 0x3a;

/** Undefined while more bytes are needed to tell, which does not depend on how they come. `lead` begins with a visible one. */
function openingOf(lead: Buffer, ended: boolean): Opening | undefined {
  const bytes = lead.subarray(0, OPENING_BYTES_MAX);
  if (bytes[0] === BRACKET) return { kind: 'list', skip: 0 };
  if (bytes[0] !== OPENING_BRACE) return { kind: 'lines', skip: 0 };
  const name = nextVisible(bytes, 1);
  const over_lines = bytes.subarray(1, name).includes(NEWLINE) && bytes[name] === QUOTE;
  const other: Opening = { kind: over_lines ? 'objects' : 'lines', skip: 0 };
  const found = bytes.subarray(name, name + RECORDS.length);
  const more = bytes.length < OPENING_BYTES_MAX && !ended ? undefined : other;
  if (!found.equals(RECORDS.subarray(0, found.length))) return other;
  if (found.length < RECORDS.length) return more;
  const colon = nextVisible(bytes, name + RECORDS.length);
  if (colon === bytes.length) return more;
  if (bytes[colon] !== COLON) return other;
  const bracket = nextVisible(bytes, colon + 1);
  if (bracket === bytes.length) return more;
  return bytes[bracket] === BRACKET ? { kind: 'records', skip: bracket } : other;
}

function nextVisible(bytes: Buffer, from: number): number {
  return from + firstVisible(bytes.subarray(from));
}

/**
 * The items of a body that is there as a whole. A body with more than `items_max` of them is split no further than to
 * show that it has more: 8 MiB hold four million items, which take a gigabyte of memory only to be refused.
 */
export function splitBody(body: Buffer, name: string, items_max: number = LIMITS.http_batch_items_max): Item[] {
  const items: Item[] = [];
  const splitter = createSplitter(name);
  for (let at = 0; at < body.length; at += BODY_PIECE_BYTES) {
    splitter.push(body.subarray(at, at + BODY_PIECE_BYTES), items);
    if (items.length > items_max) return items.slice(0, items_max + 1);
  }
  splitter.end(items);
  return items;
}

const BODY_PIECE_BYTES = 64 * 1024;

function createLineSplitter(name: string, lines_before: number): Inner {
  const held = createHeld();
  let line = lines_before;
  const finish = (tail: Buffer, items: Item[]): void => {
    line++;
    const item = held.take(tail, `${name}:${line}`);
    if (item.broken !== undefined || firstVisible(item.bytes) < item.bytes.length) items.push(item);
  };
  return {
    push(chunk, items) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        finish(chunk.subarray(from, at), items);
        from = at + 1;
      }
      if (from < chunk.length) held.add(chunk.subarray(from));
      return undefined;
    },
    may_end: false,
    count: () => line,
    end(items, damage) {
      if (damage !== undefined) items.push(cutOff(damage, held, `${name}:${line + 1}`));
      else if (held.length() > 0) finish(EMPTY, items);
    },
  };
}

const EMPTY = Buffer.alloc(0);

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const CLOSING_BRACKET = 0x5d;
const CLOSING_BRACE = 0x7d;
const BACKSLASH = 0x5c;
const isOpening = (byte: number): boolean => byte === OPENING_BRACE || byte === BRACKET;
const isClosing = (byte: number): boolean => byte === CLOSING_BRACE || byte === CLOSING_BRACKET;

/**
 * Before the opening bracket, between elements, in one, in a text of it, after the closing bracket, in what follows that,
 * and after the closing brace of the object around it.
 */
type ListState = 'before' | 'between' | 'element' | 'text' | 'escape' | 'closed' | 'rest' | 'done';

/** `index`: number of the first element. `within`: a list, one in an object, or objects without a list around them. */
type ListOptions = { readonly index: number; readonly within: 'list' | 'records' | 'objects' };

/** Splits a list byte by byte. Where an element begins and ends is all it knows of JSON; the parser judges the rest. */
function createListSplitter(name: string, options: ListOptions): Inner {
  const held = createHeld();
  const { within } = options;
  let index = options.index;
  let depth = 0;
  let state: ListState = within === 'objects' ? 'between' : 'before';
  const finish = (tail: Buffer, items: Item[]): void => {
    items.push(held.take(tail, `${name}[${index}]`));
    index++;
    depth = 0;
  };
  /** One byte of an element that stands in no text. */
  const inElement = (chunk: Buffer, from: number, at: number, items: Item[]): ListState => {
    const byte = chunk[at] as number;
    if (byte === QUOTE) return 'text';
    if (isOpening(byte)) depth++;
    else if (depth > 0 && isClosing(byte)) {
      if (--depth > 0) return 'element';
      finish(chunk.subarray(from, at + 1), items);
      return 'between';
    } else if (depth === 0 && (byte === COMMA || byte === CLOSING_BRACKET)) {
      finish(chunk.subarray(from, at), items);
      return byte === COMMA ? 'between' : 'closed';
    }
    return 'element';
  };
  const push = (chunk: Buffer, items: Item[]): Buffer | undefined => {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (state === 'text') state = afterTextByte(byte);
      else if (state === 'escape') state = 'text';
      else if (state === 'element') state = inElement(chunk, from, at, items);
      else if (state === 'closed' && byte === CLOSING_BRACE && within === 'records') {
        state = 'done';
        return chunk.subarray(at + 1);
      } else if (state !== 'rest') {
        state = outsideElements(state, byte);
        if (state === 'element' || state === 'rest') from = at;
        if (state === 'element') state = inElement(chunk, from, at, items);
      }
    }
    if (state === 'element' || state === 'text' || state === 'escape' || state === 'rest')
      held.add(chunk.subarray(from));
    return undefined;
  };
  const end = (items: Item[], damage?: Refusal): void => {
    const complete = COMPLETE[within];
    const refusal = damage ?? (state === 'rest' ? AFTER_LIST : state === complete ? undefined : LIST_OPEN);
    if (refusal !== undefined) items.push(cutOff(refusal, held, `${name}[${index}]`));
  };
  return { push, end, may_end: within === 'records', count: () => index };
}

/** Where the input may end. A `Records` object that was read to its end is given back before. */
const COMPLETE = { list: 'closed', records: 'done', objects: 'between' } as const;

function afterTextByte(byte: number): ListState {
  if (byte === BACKSLASH) return 'escape';
  return byte === QUOTE ? 'element' : 'text';
}

function outsideElements(state: ListState, byte: number): ListState {
  if (state === 'before') return 'between';
  if (byte <= SPACE) return state;
  if (state === 'closed') return 'rest';
  if (byte === CLOSING_BRACKET) return 'closed';
  return byte === COMMA ? 'between' : 'element';
}

const AFTER_LIST: Refusal = {
  kind: 'refused',
  reason: 'not_json',
  message: 'something follows the end of the JSON list; send one list, or one JSON object per line',
};

const LIST_OPEN: Refusal = {
  kind: 'refused',
  reason: 'truncated_input',
  message:
    'the JSON list, or the object around it, breaks off before its closing bracket; the items before this point were taken, send the rest again',
};

/** The item that is being read, bounded: what is over the limit of bundles is counted and not kept. */
type Held = {
  add(bytes: Buffer): void;
  length(): number;
  take(tail: Buffer, position: string): Item;
};

function createHeld(): Held {
  let parts: Buffer[] = [];
  let kept = 0;
  let length = 0;
  const add = (bytes: Buffer): void => {
    length += bytes.length;
    const room = length > LIMITS.bundle_bytes_max ? Math.max(0, LIMITS.dead_letter_bytes_max - kept) : bytes.length;
    if (room === 0) return;
    parts.push(bytes.subarray(0, room));
    kept += Math.min(room, bytes.length);
  };
  return {
    add,
    length: () => length,
    take(tail, position) {
      if (parts.length > 0 || tail.length > LIMITS.bundle_bytes_max) add(tail);
      else length = tail.length;
      const bytes = parts.length === 0 ? tail : parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      const whole = length;
      parts = [];
      kept = 0;
      length = 0;
      if (whole <= LIMITS.bundle_bytes_max) return { bytes, position };
      const first = bytes.subarray(0, LIMITS.dead_letter_bytes_max);
      return { bytes: first, position, broken: { refusal: tooLarge(whole, LIMITS.bundle_bytes_max), length: whole } };
    },
  };
}

/** What was held when the input ended too early. */
function cutOff(refusal: Refusal, held: Held, position: string): Item {
  const { bytes, broken } = held.take(EMPTY, position);
  return { bytes, position, broken: { refusal, length: broken?.length ?? bytes.length } };
}

/** Index of the first byte that is no JSON white space. */
export function firstVisible(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && isSpace(bytes[at] as number)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === 0x0d || byte === 0x09;
}

function newlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

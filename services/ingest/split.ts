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
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Splits NDJSON into its lines, or one JSON list into its elements; which of them it is shows in the first byte. `name`
 * stands before the positions: `name:line`, `name[index]`. Blank lines are no items.
 */
export function createSplitter(name: string): Splitter {
  let inner: Splitter | undefined;
  let lead: Buffer = Buffer.alloc(0);
  let lines_before = 0;
  const begin = (chunk: Buffer, items: Item[], ended: boolean): void => {
    lead = Buffer.concat([lead, chunk]);
    if (lead.length < BYTE_ORDER_MARK.length && !ended) return;
    if (lines_before === 0 && lead.subarray(0, 3).equals(BYTE_ORDER_MARK)) lead = lead.subarray(3);
    const start = firstVisible(lead);
    lines_before += newlines(lead.subarray(0, start));
    if (start === lead.length) {
      lead = Buffer.alloc(0);
      return;
    }
    inner = lead[start] === BRACKET ? createListSplitter(name) : createLineSplitter(name, lines_before);
    inner.push(lead.subarray(start), items);
  };
  return {
    push: (chunk, items) => (inner === undefined ? begin(chunk, items, false) : inner.push(chunk, items)),
    end(items, damage) {
      if (inner === undefined) begin(Buffer.alloc(0), items, true);
      if (inner !== undefined) inner.end(items, damage);
      else if (damage !== undefined) items.push(cutOff(damage, createHeld(), `${name}:1`));
    },
  };
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

function createLineSplitter(name: string, lines_before: number): Splitter {
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
    },
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
const BACKSLASH = 0x5c;
const isOpening = (byte: number): boolean => byte === 0x7b || byte === BRACKET;
const isClosing = (byte: number): boolean => byte === 0x7d || byte === CLOSING_BRACKET;

/** Before the opening bracket, between elements, in one, in a text of it, after the closing bracket, in what follows. */
type ListState = 'before' | 'between' | 'element' | 'text' | 'escape' | 'closed' | 'rest';

/** Splits a list byte by byte. Where an element begins and ends is all it knows of JSON; the parser judges the rest. */
function createListSplitter(name: string): Splitter {
  const held = createHeld();
  let index = 0;
  let depth = 0;
  let state: ListState = 'before';
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
  return {
    push(chunk, items) {
      let from = 0;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] as number;
        if (state === 'text') state = afterTextByte(byte);
        else if (state === 'escape') state = 'text';
        else if (state === 'element') state = inElement(chunk, from, at, items);
        else if (state !== 'rest') {
          state = outsideElements(state, byte);
          if (state === 'element' || state === 'rest') from = at;
          if (state === 'element') state = inElement(chunk, from, at, items);
        }
      }
      if (state === 'element' || state === 'text' || state === 'escape' || state === 'rest')
        held.add(chunk.subarray(from));
    },
    end(items, damage) {
      const refusal = damage ?? (state === 'rest' ? AFTER_LIST : state === 'closed' ? undefined : LIST_OPEN);
      if (refusal !== undefined) items.push(cutOff(refusal, held, `${name}[${index}]`));
    },
  };
}

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
    'the JSON list breaks off before its closing bracket; the items before this point were taken, send the rest again',
};

/** The item that is being read, bounded: what is over the limit is counted and not kept. */
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
    const room = length > LIMITS.item_bytes_max ? Math.max(0, LIMITS.dead_letter_bytes_max - kept) : bytes.length;
    if (room === 0) return;
    parts.push(bytes.subarray(0, room));
    kept += Math.min(room, bytes.length);
  };
  return {
    add,
    length: () => length,
    take(tail, position) {
      if (parts.length > 0 || tail.length > LIMITS.item_bytes_max) add(tail);
      else length = tail.length;
      const bytes = parts.length === 0 ? tail : parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      const whole = length;
      parts = [];
      kept = 0;
      length = 0;
      if (whole <= LIMITS.item_bytes_max) return { bytes, position };
      const first = bytes.subarray(0, LIMITS.dead_letter_bytes_max);
      return { bytes: first, position, broken: { refusal: tooLarge(whole), length: whole } };
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
  for (const byte of bytes) if (byte === NEWLINE) count++;
  return count;
}

import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';

/** Why an item is refused; the shell of it all, a dead letter, is added where the item's bytes are known. */
export type Refusal = {
  readonly kind: 'refused';
  readonly reason: DeadLetter['reason'];
  /** The field, the value and the remedy, for a person. */
  readonly message: string;
  readonly field?: string;
};

type RefusedItem = {
  readonly bytes: Buffer;
  readonly position: string;
  readonly broken?: { readonly length: number };
};

/** The dead letter of a refused item: its first bytes, its true length, and where it came from. */
export function deadLetter(refusal: Refusal, item: RefusedItem, origin: string, now_ms: number): DeadLetter {
  return {
    reason: refusal.reason,
    message: refusal.message,
    ...(refusal.field === undefined ? {} : { field: refusal.field }),
    origin,
    position: item.position,
    length: item.broken?.length ?? item.bytes.length,
    bytes: item.bytes.subarray(0, LIMITS.dead_letter_bytes_max).toString('base64'),
    time: now_ms,
  };
}

const EXCERPT_CHARS_MAX = 80;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A value as a message may show it: JSON, short, and printable. */
export function excerpt(value: unknown): string {
  if (value === undefined) return 'nothing';
  const whole = typeof value === 'string' ? JSON.stringify(value.slice(0, EXCERPT_CHARS_MAX + 1)) : shallow(value);
  const visible = printable(whole);
  return visible.length <= EXCERPT_CHARS_MAX ? visible : `${visible.slice(0, EXCERPT_CHARS_MAX).toWellFormed()}...`;
}

/** A text with nothing in it that a terminal or a log would act on. */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, escaped);
}

function shallow(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/** Makes one UTF-16 code unit visible as `\uXXXX`. */
export function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

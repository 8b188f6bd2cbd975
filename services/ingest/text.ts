import { hash } from 'node:crypto';
import type { EventFlag } from '../../schemas/event.ts';
import { escaped } from './refusal.ts';

/**
 * What canonicalising one event noticed. `plain` is the promise of the decoder that no string holds a control character
 * or a lone surrogate, which spares nearly every event the search.
 */
export type Notes = { readonly plain: boolean; flags: EventFlag[] | undefined };

export function note(notes: Notes, flag: EventFlag): void {
  if (notes.flags === undefined) notes.flags = [flag];
  else if (!notes.flags.includes(flag)) notes.flags.push(flag);
}

/** C0, DEL and C1 controls, and the separators and bidirectional controls that make text lie to whoever reads it. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const UNSAFE_OR_LONE =
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** Hexadecimal digits of the hash that keeps names apart that differ only beyond the cut. */
const CUT_HASH_CHARS = 12;

/** A free name in safe form: unsafe characters made visible, length bounded, both flagged. */
export function cleanName(value: string, chars_max: number, notes: Notes): string {
  if (notes.plain && value.length <= chars_max) return value;
  let name = value;
  if (!notes.plain && (UNSAFE.test(name) || !name.isWellFormed())) {
    note(notes, 'escaped');
    name = name.replace(UNSAFE_OR_LONE, escaped);
  }
  if (name.length <= chars_max) return name;
  note(notes, 'truncated');
  const kept = name.slice(0, chars_max - CUT_HASH_CHARS - 1);
  return `${dropHalfCharacter(kept)}~${hash('sha256', name, 'hex').slice(0, CUT_HASH_CHARS)}`;
}

function dropHalfCharacter(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}

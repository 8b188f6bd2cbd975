import { z } from 'zod';
import { type Refused, refuseAs } from './errors.ts';

/**
 * Cursors of pages that come from the store or from memory: the place after the last item, and the name of the list, so
 * that the cursor of one list is not taken for a place in another. They hold nothing that their holder has not seen.
 */
export type Keyset<Place> = {
  encode(place: Place): string;
  /** Undefined for no cursor. */
  decode(text: string | undefined): Place | undefined | Refused;
};

const TEXT = /^[A-Za-z0-9_-]{2,2048}$/;

export function keyset<Place>(name: string, place: z.ZodType<Place>): Keyset<Place> {
  const Cursor = z.tuple([z.literal(name), place]);
  return {
    encode: (at) => Buffer.from(JSON.stringify([name, at])).toString('base64url'),
    decode(text) {
      if (text === undefined) return undefined;
      const parsed = Cursor.safeParse(json(text));
      if (parsed.success) return parsed.data[1];
      return refuseAs('cursor_malformed', 'the cursor is not one that this list gave', {
        field: 'query.cursor',
        remedy: 'send next_cursor of the last answer, unchanged, with the same filters',
      });
    },
  };
}

function json(text: string): unknown {
  if (!TEXT.test(text)) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

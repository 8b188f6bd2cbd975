import { z } from 'zod';
import { LIMITS } from '../../schemas/limits.ts';

/**
 * The pull cursor: where a reader goes on in the feed. Opaque to its holder, versioned, and bound to the generation of
 * the feed, because an offset of another feed would silently skip or repeat.
 */

/** Stable codes; the API's error page explains each. */
export const CURSOR_ERRORS = [
  'cursor_malformed',
  'cursor_version',
  'cursor_generation',
  'cursor_expired',
  'cursor_beyond_end',
] as const;

export type CursorError = {
  readonly code: (typeof CURSOR_ERRORS)[number];
  /** What is wrong and what to do about it; names no byte of the cursor. */
  readonly message: string;
};

export type CursorResult =
  | { readonly ok: true; readonly offset: number }
  | { readonly ok: false; readonly error: CursorError };

const VERSION = 1;
const Cursor = z.tuple([z.int(), z.string().max(LIMITS.id_chars_max), z.int().min(0)]);
const CURSOR = /^[A-Za-z0-9_-]{4,1024}$/;

export function encodeCursor(generation: string, offset: number): string {
  return Buffer.from(JSON.stringify([VERSION, generation, offset])).toString('base64url');
}

/** The next offset that the cursor stands for, checked against what the feed holds now. */
export function decodeCursor(
  text: string,
  feed: { readonly generation: string; readonly start: number; readonly end: number },
): CursorResult {
  const parsed = parse(text);
  if (parsed === undefined) {
    return refuse('cursor_malformed', 'The cursor is not one of ours. Send next_cursor of the last answer, unchanged.');
  }
  const [version, generation, offset] = parsed;
  if (version !== VERSION) {
    return refuse(
      'cursor_version',
      `The cursor has version ${version}, this service reads ${VERSION}. Upgrade the service that answers.`,
    );
  }
  if (generation !== feed.generation) {
    return refuse(
      'cursor_generation',
      'The cursor belongs to an earlier feed that was deleted. Start again without a cursor; metadata.uid tells repeats.',
    );
  }
  if (offset < feed.start) {
    return refuse(
      'cursor_expired',
      `${feed.start - offset} positions after the cursor were removed by retention. Start again without a cursor, and read what is missing from GET /v1/alerts.`,
    );
  }
  if (offset > feed.end) {
    return refuse(
      'cursor_beyond_end',
      'The cursor is ahead of the feed, as after a restore from an older backup. Start again without a cursor; metadata.uid tells repeats.',
    );
  }
  return { ok: true, offset };
}

function parse(text: string): z.infer<typeof Cursor> | undefined {
  if (!CURSOR.test(text)) return undefined;
  try {
    return Cursor.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function refuse(code: CursorError['code'], message: string): CursorResult {
  return { ok: false, error: { code, message } };
}

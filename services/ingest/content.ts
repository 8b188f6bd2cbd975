import { createHmac } from 'node:crypto';
import type { ContentConfig } from '../../schemas/ingest-settings.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { FrozenConfig } from '../platform/config.ts';
import { exceedsDepth } from './decode.ts';

/** What becomes of content: prompts, arguments, results. It is measured and dropped; anything more was asked for. */
export type ContentPolicy = {
  /** Names of source fields whose content stays with the event. */
  readonly keep: ReadonlySet<string>;
  readonly hash_key: string | undefined;
  readonly targets: ContentConfig['targets'];
};

export function contentPolicy(config: FrozenConfig['ingest']['content'], hash_key: string | undefined): ContentPolicy {
  return { keep: new Set(config.keep), hash_key, targets: config.targets };
}

/** Bytes in UTF-8 of content as it stands in the source: text as it is, anything else as compact JSON. */
export function bytesOf(content: unknown): number | undefined {
  if (content === undefined || content === null) return undefined;
  return Buffer.byteLength(textOf(content));
}

/** HMAC-SHA-256 of content under the operator's key, cut to 128 bits (RFC 2104, section 5), as 32 hex digits. */
export function contentHash(content: unknown, key: string): string {
  return createHmac('sha256', key).update(textOf(content)).digest('hex').slice(0, HASH_CHARS);
}

const HASH_CHARS = 32;

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : (JSON.stringify(content) ?? '');
}

/** Content as kept: text within `text_chars_max`, anything else as compact JSON within it. */
export function keptContent(content: unknown): string {
  return textOf(content).slice(0, LIMITS.text_chars_max).toWellFormed();
}

/** Content that is JSON in a text, read; everything else, and what nests too deep, as it is. */
export function readContent(content: unknown): unknown {
  if (typeof content !== 'string') return content;
  const first = content.trimStart()[0];
  if ((first !== '{' && first !== '[') || exceedsDepth(content, LIMITS.item_depth_max)) return content;
  try {
    return JSON.parse(content) as unknown;
  } catch {
    return content;
  }
}

/** Number of records in a result that is a list, or JSON of one; undefined for everything else. */
export function recordsIn(content: unknown): number | undefined {
  if (Array.isArray(content)) return content.length;
  if (typeof content !== 'string' || !/^\s*\[/.test(content)) return undefined;
  const read = readContent(content);
  return Array.isArray(read) ? read.length : undefined;
}

import { contentHash, keptContent } from '../content.ts';
import { isObject, type JsonObject } from '../decode.ts';
import { CONTENT_WORDS } from '../genai/leftovers.ts';
import { findLeftovers, type Leftovers } from '../unmapped.ts';
import type { Reading } from './reading.ts';

const TEXT_CHARS_MAX = 256;

/** Content of one call under the names by which `ingest.content.keep` asks for it. */
export type Content = { readonly tool_arguments: unknown; readonly result: unknown };

/**
 * What nothing reads of a record, as the event keeps it aside: short single values, none whose name says that it is
 * content; the content that the operator asked for; keyed hashes where there is a key.
 */
export function asideOf(document: JsonObject, content: Content, { settings, known }: Reading): Leftovers | undefined {
  const found = findLeftovers(document, known);
  const fields: [string, unknown][] = [];
  let cut = found?.cut ?? false;
  for (const [path, value] of found?.fields ?? []) {
    const parts = isObject(value)
      ? Object.entries(value).map(([name, part]) => [`${path}.${name}`, part] as const)
      : [[path, value] as const];
    for (const [name, part] of parts) {
      if (CONTENT_WORDS.test(name)) continue;
      if (isShort(part)) fields.push([name, part]);
      else cut ||= part !== null;
    }
  }
  fields.push(...askedFor(content, settings.content));
  return fields.length === 0 && !cut ? undefined : { fields, cut };
}

function isShort(value: unknown): boolean {
  return typeof value === 'string'
    ? value.length <= TEXT_CHARS_MAX
    : typeof value === 'number' || typeof value === 'boolean';
}

function askedFor(content: Content, { keep, hash_key }: Reading['settings']['content']): [string, unknown][] {
  return (
    [
      ['message.params.arguments', 'content_hash.arguments', content.tool_arguments],
      ['message.result', 'content_hash.result', content.result],
    ] as const
  ).flatMap(([name, hash, value]): [string, unknown][] => {
    if (value === undefined) return [];
    const kept: [string, unknown][] = keep.has(name) ? [[name, keptContent(value)]] : [];
    return hash_key === undefined ? kept : [...kept, [hash, contentHash(value, hash_key)]];
  });
}

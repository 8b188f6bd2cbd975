import { keptContent } from '../content.ts';
import type { Attributes, AttributeValue } from '../otlp/model.ts';
import { excerpt, type Refusal } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import { bareUrl } from '../targets.ts';
import type { Leftovers } from '../unmapped.ts';
import { CONTENT_PREFIXES, FIELDS, KNOWN } from './fields.ts';
import { plainOf } from './plain.ts';

/** Attributes that are one value by the conventions. */
const SINGLE: ReadonlySet<string> = new Set(Object.values(FIELDS).flatMap(({ names }): readonly string[] => names));

/** Words in the name of a text that is likely content, or a secret, of an instrumentation that nobody here knows. */
export const CONTENT_WORDS =
  /prompt|completion|message|msg|schema|content|input|output|argument|args|result|response|body|text|query|statement|description|instruction|document|reason|thought|header|authorization|cookie|token|secret|password|credential|stack/i;
const TEXT_CHARS_MAX = 256;
const LIST_MAX = 16;

/**
 * What nothing reads of an item, as the event keeps it aside: short values only, none whose name says that it is content,
 * and the content that the operator asked for. Refused when an attribute that is read holds what it cannot hold.
 */
export function unreadOf(attributes: Attributes, settings: IngestSettings): Leftovers | Refusal | undefined {
  let found: Leftovers | undefined;
  for (const [name, value] of attributes) {
    if (typeof value === 'object' && SINGLE.has(name)) return refuseStructure(name, value);
    const kept = keptOf(name, value, settings);
    if (kept === undefined) continue;
    found ??= { fields: [], cut: false };
    if (kept === CUT) found.cut = true;
    else found.fields.push([name, kept]);
  }
  return found;
}

const CUT = Symbol('too long to be kept');
type Kept = string | number | boolean | readonly unknown[] | typeof CUT | undefined;

function keptOf(name: string, value: AttributeValue, settings: IngestSettings): Kept {
  if (settings.content.keep.has(name)) return keptContent(plainOf(value));
  if (KNOWN.has(name) || settings.identity.attributes.has(name)) return undefined;
  if (CONTENT_PREFIXES.some((prefix) => name.startsWith(prefix))) return undefined;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value === undefined || value === '' || CONTENT_WORDS.test(name)) return undefined;
  if (typeof value === 'string') return value.length <= TEXT_CHARS_MAX ? withoutQuery(value) : CUT;
  return Array.isArray(value) && isShortList(value as readonly unknown[]) ? (value as readonly unknown[]) : CUT;
}

/** The path of a request tells where, and its query and login what. */
function withoutQuery(value: string): string {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/|\/)/i.test(value) ? bareUrl(value) : value;
}

function isShortList(list: readonly unknown[]): boolean {
  if (list.length > LIST_MAX) return false;
  return list.every((element) => {
    if (typeof element === 'string') return element.length <= TEXT_CHARS_MAX / LIST_MAX;
    return typeof element === 'number' || typeof element === 'boolean';
  });
}

function refuseStructure(name: string, value: AttributeValue): Refusal {
  const message = `${name}: ${excerpt(value)} stands where one value is needed; correct the instrumentation`;
  return { kind: 'refused', reason: 'schema_mismatch', field: name, message };
}

import type { Resource } from '../../../schemas/event.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { readContent } from '../content.ts';
import { isObject, type JsonObject } from '../decode.ts';
import { plainOf } from '../genai/plain.ts';
import type { AttributeValue } from '../otlp/model.ts';
import { programsOf } from './command.ts';

/** The arguments of a call: as they stand in the record, as text, and as the object that they are the JSON of. */
export type Arguments = {
  readonly content: unknown;
  readonly text: string | undefined;
  readonly document: JsonObject | undefined;
};

export const NO_ARGUMENTS: Arguments = { content: undefined, text: undefined, document: undefined };

export function argumentsOf(value: AttributeValue): Arguments {
  const content = value === '' ? undefined : plainOf(value);
  const read = readContent(content);
  return {
    content,
    text: typeof content === 'string' ? content : undefined,
    document: isObject(read) ? read : undefined,
  };
}

/** An argument that names what a tool touches, under the first of its names that is there. */
export type Target = {
  readonly kind: 'file' | 'directory' | 'url' | 'uri' | 'agent' | 'skill' | 'program' | 'patch' | 'urls';
  readonly names: readonly string[];
};

/** More are counted and cut later, with the event's flag. */
const FOUND_MAX = LIMITS.resources_per_event_max + 1;

/** What the targets name, and of a command no more than its programs, of a URL neither its query nor who logs in. */
export function resourcesOf(targets: readonly Target[], given: Arguments): readonly Resource[] {
  const found: Resource[] = [];
  for (const target of targets) {
    for (const value of valuesOf(target, given)) {
      if (found.length >= FOUND_MAX) return found;
      found.push(...resourcesIn(target, value));
    }
  }
  return found.slice(0, FOUND_MAX);
}

/** The text itself stands for commands and patches that do not come as JSON. */
function valuesOf({ kind, names }: Target, { text, document }: Arguments): readonly unknown[] {
  if (document === undefined) return text !== undefined && (kind === 'program' || kind === 'patch') ? [text] : [];
  for (const name of names) {
    const value = document[name];
    if (value === undefined || value === null) continue;
    return Array.isArray(value) && kind !== 'program' ? value.slice(0, FOUND_MAX) : [value];
  }
  return [];
}

function resourcesIn({ kind }: Target, value: unknown): readonly Resource[] {
  if (kind === 'program') return programsOf(value).map((name) => ({ id: `${kind}:${name}`, kind }));
  if (typeof value !== 'string' || value === '') return [];
  if (kind === 'patch') return filesOfPatch(value);
  if (kind === 'urls') return urlsIn(value);
  if (kind === 'url') return [urlResource(value)].filter((resource) => resource !== undefined);
  return [{ id: AS_IT_IS.has(kind) ? value : `${kind}:${value}`, kind }];
}

/** Kinds whose names say by themselves what they are. */
const AS_IT_IS: ReadonlySet<Target['kind']> = new Set<Target['kind']>(['file', 'directory', 'uri']);

const PATCH_LINE = /^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+)$/gm;

/** Files named by the headers of a patch in the form of Codex's `apply_patch` (codex-rs/apply-patch, its grammar). */
function filesOfPatch(patch: string): readonly Resource[] {
  const files = new Set<string>();
  for (const [, file] of patch.matchAll(PATCH_LINE)) {
    if (files.size >= FOUND_MAX) break;
    if (file !== undefined) files.add(file.trim());
  }
  files.delete('');
  return [...files].map((id) => ({ id, kind: 'file' }));
}

const URL_IN_TEXT = /https?:\/\/[^\s"'<>()]{1,2048}/g;

function urlsIn(value: string): readonly Resource[] {
  const found = new Map<string, Resource>();
  for (const [url] of value.matchAll(URL_IN_TEXT)) {
    if (found.size >= FOUND_MAX) break;
    const resource = urlResource(url);
    if (resource !== undefined) found.set(resource.id, resource);
  }
  return [...found.values()];
}

const URL_CHARS_MAX = 8_192;

/** Scheme, host and path (RFC 3986, section 3); the host is the store. Undefined for what is no absolute URL. */
function urlResource(value: string): Resource | undefined {
  const url = value.length > URL_CHARS_MAX ? null : URL.parse(value);
  if (url === null || url.host === '') return undefined;
  return { id: `${url.protocol}//${url.host}${url.pathname}`, store: url.host, kind: 'url' };
}

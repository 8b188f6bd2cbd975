import type { Resource, Volume } from '../../../schemas/event.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { bytesOf, type ContentPolicy, contentHash, readContent, recordsIn } from '../content.ts';
import type { Attributes, AttributeValue, OtlpSpanEvent } from '../otlp/model.ts';
import { bareUrl, targetsIn } from '../targets.ts';
import type { Act } from './classify.ts';
import { CONTENT, contentOf, FIELDS, nameOf } from './fields.ts';
import { plainOf } from './plain.ts';
import { nameIn } from './selectors.ts';

/** What went into an act and what came out of it, measured; the content itself stays behind. */
export type Exchange = {
  readonly volume: Volume;
  /** Read once, for the catalogue and the vocabulary. */
  readonly tool_arguments: unknown;
  readonly targets: readonly Resource[];
  /** Keyed hashes under the names of `unmapped`, where there is a key. */
  readonly hashes: readonly (readonly [name: string, hash: string])[];
};

const NO_TARGETS: readonly Resource[] = [];

export function exchangeOf(
  act: Act,
  attributes: Attributes,
  events: readonly OtlpSpanEvent[],
  policy: ContentPolicy,
): Exchange {
  const input = plainOf(inputOf(act, attributes, events));
  const output = plainOf(outputOf(act, attributes, events));
  const tool_arguments = act.form === 'tool' ? readContent(input) : undefined;
  const bytes_in = bytesOf(input);
  const bytes_out = bytesOf(output) ?? piecesOf(attributes).bytes;
  const records = recordsIn(output) ?? recordsOf(attributes, events);
  const named = policy.targets === 'vocabulary' ? targetsIn(tool_arguments) : NO_TARGETS;
  const volume: Volume = {};
  if (bytes_in !== undefined) volume.bytes_in = bytes_in;
  if (bytes_out !== undefined) volume.bytes_out = bytes_out;
  if (records !== undefined) volume.records = records;
  return {
    volume,
    tool_arguments,
    targets: act.form === 'tool' ? [...sourceOf(attributes), ...named] : NO_TARGETS,
    hashes: hashesOf(input, output, policy.hash_key),
  };
}

function inputOf(act: Act, attributes: Attributes, events: readonly OtlpSpanEvent[]): AttributeValue {
  const query = act.form === 'retrieval' ? contentOf(attributes, CONTENT.query) : undefined;
  return query ?? contentOf(attributes, CONTENT.arguments) ?? inEvent(events, 'gen_ai.tool.message', 'content');
}

function outputOf(act: Act, attributes: Attributes, events: readonly OtlpSpanEvent[]): AttributeValue {
  const documents = act.form === 'retrieval' ? contentOf(attributes, CONTENT.documents) : undefined;
  return documents ?? contentOf(attributes, CONTENT.result) ?? inEvent(events, 'gen_ai.choice', 'message');
}

/** Some instrumentations write content into span events (conventions before 1.37). */
function inEvent(events: readonly OtlpSpanEvent[], name: string, attribute: string): AttributeValue {
  return events.find((event) => event.name === name)?.attributes.get(attribute);
}

function recordsOf(attributes: Attributes, events: readonly OtlpSpanEvent[]): number | undefined {
  let rows = 0;
  for (const { name } of events) if (name === 'db.query.result' || name === 'db.search.result') rows++;
  return rows > 0 ? rows : piecesOf(attributes).count;
}

const PIECE = /^retrieval\.documents\.(\d{1,6})\.document\.(id|content)$/;

/** Documents that stand in single attributes (OpenInference, flattened lists). */
function piecesOf(attributes: Attributes): { bytes: number | undefined; count: number | undefined; ids: string[] } {
  const pieces: ReturnType<typeof piecesOf> = { bytes: undefined, count: undefined, ids: [] };
  if (nameOf(attributes, FIELDS.openinference_kind) === undefined) return pieces;
  for (const [name, value] of attributes) {
    const [, index, part] = name.startsWith('retrieval.documents.') ? (PIECE.exec(name) ?? []) : [];
    if (index === undefined) continue;
    pieces.count = Math.max(pieces.count ?? 0, Number(index) + 1);
    if (part === 'content') pieces.bytes = (pieces.bytes ?? 0) + (bytesOf(plainOf(value)) ?? 0);
    else if (pieces.ids.length <= LIMITS.resources_per_event_max) pieces.ids.push(String(plainOf(value)));
  }
  return pieces;
}

function hashesOf(input: unknown, output: unknown, key: string | undefined): [string, string][] {
  if (key === undefined) return [];
  const hashes: [string, string][] = [];
  if (input !== undefined) hashes.push(['content_hash.arguments', contentHash(input, key)]);
  if (output !== undefined) hashes.push(['content_hash.result', contentHash(output, key)]);
  return hashes;
}

/** A tool that retrieves says which store it asks. */
function sourceOf(attributes: Attributes): readonly Resource[] {
  const source = nameIn(attributes.get('gen_ai.data_source.id'));
  return source === undefined ? NO_TARGETS : [{ id: source, store: source, kind: 'data_source' }];
}

/**
 * What a retrieval or a read touched: the record, the documents that came back, the store that was asked. Undefined when
 * none is named, and for tools, whose arguments name it.
 */
export function statedResources(act: Act, attributes: Attributes): readonly Resource[] | undefined {
  if (act.form === 'tool') return undefined;
  const store = nameOf(attributes, FIELDS.store);
  const record = nameOf(attributes, FIELDS.record);
  const within = store === undefined ? {} : { store };
  const resources: Resource[] = [];
  if (record !== undefined) resources.push(act.form === 'resource' ? uriResource(record) : { id: record, ...within });
  for (const id of documentIds(attributes)) resources.push({ id, ...within, kind: 'document' });
  if (store !== undefined) resources.push({ id: store, store, kind: 'data_source' });
  return resources.length === 0 ? undefined : resources;
}

/** A resource of MCP is named by a URI, a prompt by its name. */
function uriResource(name: string): Resource {
  const scheme = /^([a-z][a-z0-9+.-]{0,30}):/i.exec(name)?.[1];
  return scheme === undefined ? { id: name, kind: 'prompt' } : { id: bareUrl(name), kind: scheme.toLowerCase() };
}

function documentIds(attributes: Attributes): readonly string[] {
  const documents = readContent(plainOf(contentOf(attributes, CONTENT.documents)));
  if (!Array.isArray(documents)) return piecesOf(attributes).ids;
  return documents.slice(0, LIMITS.resources_per_event_max).flatMap((document: unknown) => {
    const id =
      typeof document === 'object' && document !== null ? (document as { readonly id?: unknown }).id : undefined;
    return (typeof id === 'string' && id !== '') || typeof id === 'number' ? [String(id)] : [];
  });
}

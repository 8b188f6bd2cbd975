import { LIMITS } from '../../../schemas/limits.ts';
import { keptContent } from '../content.ts';
import type { FieldRow, FieldTable } from '../field-table.ts';
import { plainOf } from '../genai/plain.ts';
import type { Candidate } from '../normaliser.ts';
import type { Attributes, AttributeValue } from '../otlp/model.ts';
import type { Refusal } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import type { Leftovers } from '../unmapped.ts';

/** What a field table says of content: measured where that is worth something, and dropped. */
const DROPPED = 'dropped';

/** What all coding agents' records have, besides the agent's own attributes. */
export const COMMON_ROWS: readonly FieldRow[] = [
  { from: 'event.name', to: 'tells which event it is' },
  { from: 'event_name', to: 'tells which event it is' },
  { from: 'event_name of the record', to: 'tells which event it is' },
  { from: 'body of the record', to: 'tells which event it is; dropped' },
  { from: 'scope and service.name', to: 'tell whose event it is, where its name does not' },
  { from: 'time_unix_nano of the record', to: 'time' },
  { from: 'event.timestamp', to: 'time, where the record has none' },
  { from: 'observed_time_unix_nano of the record', to: 'time, where nothing else says' },
  { from: 'event.sequence, prompt.id, prompt_id, duration_ms', to: 'id, where there is no call id; unmapped' },
  { from: 'trace_id of the record', to: 'trace.trace_id' },
  { from: 'span_id of the record', to: 'trace.span_id' },
  { from: 'resource:host.name', to: 'source.workload; identity.id, where no user is known' },
];

type Compiled = {
  /** Attributes that are read. */
  readonly known: ReadonlySet<string>;
  /** Of those, the ones that are content and may be of any type. */
  readonly content: ReadonlySet<string>;
  /** By canonical field the attributes that it is taken from. */
  readonly sources: ReadonlyMap<string, string>;
};

const compiled = new WeakMap<FieldTable, Compiled>();

function compile(table: FieldTable): Compiled {
  const known = compiled.get(table);
  if (known !== undefined) return known;
  const sources = new Map<string, string>();
  for (const { from, to } of table.rows) {
    for (const part of to.split(/[;,]/)) {
      const [field = ''] = part.trim().split(' ', 1);
      sources.set(field, sources.has(field) ? `${sources.get(field)} or ${from}` : from);
    }
  }
  const made = {
    known: new Set(table.rows.map(({ from }) => from)),
    content: new Set(table.rows.filter(({ to }) => to.endsWith(DROPPED)).map(({ from }) => from)),
    sources,
  };
  compiled.set(table, made);
  return made;
}

/** A known attribute that is a list or an object where a text or a number belongs. */
export function wrongType(table: FieldTable, attributes: Attributes): Refusal | undefined {
  const { known, content } = compile(table);
  for (const [name, value] of attributes) {
    if (typeof value !== 'object' || !known.has(name) || content.has(name)) continue;
    const found = Array.isArray(value)
      ? `a list of ${value.length}`
      : value instanceof Uint8Array
        ? 'bytes'
        : 'an object';
    const message = `${name}: ${found} stands where a text, a number or a truth value is needed; correct what rewrites this attribute on the way`;
    return { kind: 'refused', reason: 'schema_mismatch', field: name, message };
  }
  return undefined;
}

/** A record that leaves out what its event is about. */
export function missing(name: string): Refusal {
  const message = `${name}: nothing stands where the name of the tool is needed; correct what removes this attribute on the way`;
  return { kind: 'refused', reason: 'schema_mismatch', field: name, message };
}

/** Longer text of an attribute that nothing is known of may be content, as may text under such a name. */
const LEFTOVER_CHARS_MAX = LIMITS.name_chars_max;
const LEFTOVER_ELEMENTS_MAX = 16;
const CONTENT_WORDS =
  /prompt|completion|message|content|input|output|argument|args|param|result|response|request|body|text|query|command|description|instruction|reason|thought|header|authorization|cookie|token|secret|password|credential|stack|stdout|stderr|error/;
/** What is about content is none. */
const ABOUT_CONTENT = /(?:[._](?:id|uuid|type|source|name|mode)|_length|_hash)$/;

/** Attributes that no field takes, as far as they are short and none is content; content only where the operator keeps it. */
export function leftoversOf(
  table: FieldTable,
  attributes: Attributes,
  { content, identity }: IngestSettings,
): Leftovers | undefined {
  const { known } = compile(table);
  const fields: [string, unknown][] = [];
  let cut = false;
  for (const [name, value] of attributes) {
    if (content.keep.has(name)) fields.push([name, keptContent(plainOf(value))]);
    else if (known.has(name) || identity.attributes.has(name) || value === undefined || value === '') continue;
    else if (typeof value !== 'number' && typeof value !== 'boolean' && isContent(name)) continue;
    else if (fields.length >= LIMITS.unmapped_fields_max || !isShort(value)) cut = true;
    else fields.push([name, value]);
  }
  return fields.length === 0 && !cut ? undefined : { fields, cut };
}

const isContent = (name: string): boolean => CONTENT_WORDS.test(name) && !ABOUT_CONTENT.test(name);

function isShort(value: AttributeValue): boolean {
  if (typeof value === 'string') return value.length <= LEFTOVER_CHARS_MAX;
  if (Array.isArray(value)) return value.length <= LEFTOVER_ELEMENTS_MAX && value.every(isShort);
  return typeof value !== 'object';
}

/** A refusal in the words of the source. */
export function explainFrom(table: FieldTable): NonNullable<Candidate['explain']> {
  const { sources } = compile(table);
  return (refusal) => {
    const from = sources.get(refusal.field ?? '');
    return from === undefined ? refusal : { ...refusal, message: `${refusal.message} (taken from ${from})` };
  };
}

import { z } from 'zod';
import { Classification, EventInput, Operation } from './event.ts';

/**
 * A mapping file: how the events of one source become canonical events. Written by users, documented in docs/mapping.md.
 * What is checked beyond the shape (paths, required fields, words) stands in services/ingest/mapping-check.ts.
 */
const text = () => z.string().min(1).max(1024);
const value = () => z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number, true or false');
const scalar = () => z.union([z.string(), z.number()], 'must be a text or a number');

export const VALUE_TYPES = ['string', 'number', 'bytes_of', 'hash'] as const;
export const TIME_FORMATS = ['rfc3339', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns'] as const;

/** Where one canonical field comes from: a source path, or a rule with exactly one of `path`, `const`, `template`. */
export const FieldRule = z.union(
  [
    text(),
    z.strictObject({
      path: text().optional(),
      const: scalar().optional(),
      /** Text with source paths in braces: `"{cluster}/{pod.name}"`. Absent when one of them is. */
      template: text().optional(),
      /** Only the text before, or after, the first occurrence of this. */
      before: text().optional(),
      after: text().optional(),
      /** `bytes_of`: UTF-8 length of a text, or of a value's JSON; `hash`: 128 bits of SHA-256 over it. */
      type: z.enum(VALUE_TYPES).optional(),
      format: z.enum(TIME_FORMATS).optional(),
      /** Source word to canonical word. */
      map: z.record(z.string(), scalar()).optional(),
      /** Stands in where the source has nothing, or a word that `map` does not list. */
      default: scalar().optional(),
    }),
  ],
  'must be a source path such as actor.id, or a rule such as {path: actor.id} or {const: agent}',
);
export type FieldRule = z.infer<typeof FieldRule>;

/** One resource, or with `each` one per element of a list. Paths that begin with `@` start at the element. */
export const ResourceRule = z.strictObject({
  each: text().optional(),
  id: FieldRule,
  store: FieldRule.optional(),
  kind: FieldRule.optional(),
  classification: FieldRule.optional(),
  tenant: FieldRule.optional(),
});
export type ResourceRule = z.infer<typeof ResourceRule>;

/** A condition: the path holds a value, or one of these values. */
export const MatchRule = z.union(
  [
    text(),
    z.strictObject({
      path: text(),
      equals: z.union([value(), z.array(value()).min(1)], 'must be a value or a list of values').optional(),
    }),
  ],
  'must be a source path that has to be there, or a condition such as {path: type, equals: tool_call}',
);
export type MatchRule = z.infer<typeof MatchRule>;

export const MappingFile = z.strictObject({
  version: z.literal(1),
  /** Names the mapping in messages. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, dot, dash and underscore'),
  /** Names the source; part of every event's key, so a change of it makes known events new ones. */
  origin: text().max(64),
  match: z.array(MatchRule).min(1).max(16).optional(),
  fields: z.record(z.string(), FieldRule),
  resources: z.array(ResourceRule).min(1).max(16).optional(),
  /** Source word to operation, for `action.operation`. */
  operation: z.record(z.string(), Operation).optional(),
  /** Source word to classification, for every classification. */
  classification: z.record(z.string(), Classification).optional(),
  /** Path of the tool call's arguments, for the tool catalogue. */
  arguments: text().optional(),
  /** Whether fields that nothing maps are kept with the event. */
  unmapped: z.enum(['keep', 'drop']).optional(),
  /** Paths that are neither mapped nor kept. */
  ignore: z.array(text()).max(256).optional(),
});
export type MappingFile = z.infer<typeof MappingFile>;

/** A canonical field that a mapping can fill. */
export type CanonicalField = {
  readonly type: 'string' | 'number' | 'integer' | 'time';
  /** The only words it takes, where the list is closed. */
  readonly words: readonly string[] | undefined;
};

type SchemaNode = {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
};

function collectFields(node: SchemaNode, prefix: string, fields: Map<string, CanonicalField>): void {
  for (const [name, inner] of Object.entries(node.properties ?? {})) {
    const path = `${prefix}${name}`;
    if (inner.type === 'array') continue;
    if (inner.properties !== undefined) collectFields(inner, `${path}.`, fields);
    else fields.set(path, { type: (inner.type as CanonicalField['type'] | undefined) ?? 'time', words: inner.enum });
  }
}

/** Every field of `EventInput` by its path, taken from the schema itself; lists have their own section of the file. */
export const CANONICAL_FIELDS: ReadonlyMap<string, CanonicalField> = (() => {
  const fields = new Map<string, CanonicalField>();
  collectFields(z.toJSONSchema(EventInput, { io: 'input' }) as SchemaNode, '', fields);
  return fields;
})();

/** Without these there is no event. */
export const REQUIRED_FIELDS = ['id', 'time', 'identity.id'] as const;

import { readFileSync } from 'node:fs';

/**
 * A second opinion on OCSF documents, independent of our zod schema: it walks a document along the official attribute
 * lists in `fixtures/ocsf-1.8.0.json` (whose first line names their source) and returns what is wrong with it.
 */

type Attribute = {
  readonly type: string;
  readonly array?: true;
  readonly required?: true;
  readonly profiles?: readonly string[];
  readonly deprecated?: true;
  readonly enum?: Readonly<Record<string, string>>;
  readonly sibling?: string;
};
type Shape = {
  readonly constraints?: { readonly at_least_one?: readonly string[] };
  readonly attributes: Readonly<Record<string, Attribute>>;
};
type Official = { readonly class: Shape; readonly objects: Readonly<Record<string, Shape>> };

const OFFICIAL: Official = JSON.parse(
  readFileSync(new URL('./fixtures/ocsf-1.8.0.json', import.meta.url), 'utf8'),
) as Official;

const STRINGS = new Set(['string_t', 'resource_uid_t', 'username_t', 'url_t', 'json_t']);
const INTEGERS = new Set(['integer_t', 'long_t', 'timestamp_t']);

/** Everything in which the document departs from OCSF 1.8.0; empty when it does not. */
export function departures(document: unknown): string[] {
  const profiles = (document as { metadata?: { profiles?: readonly string[] } }).metadata?.profiles ?? [];
  return walk(document, OFFICIAL.class, '$', profiles);
}

function walk(value: unknown, shape: Shape, path: string, profiles: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: not an object`];
  const wrong: string[] = [];
  const held = value as Record<string, unknown>;
  for (const [name, attribute] of Object.entries(shape.attributes)) {
    const applies = (attribute.profiles ?? []).length === 0 || attribute.profiles?.some((p) => profiles.includes(p));
    if (attribute.required && applies && held[name] === undefined) wrong.push(`${path}.${name}: required, absent`);
  }
  for (const [name, inner] of Object.entries(held)) {
    const attribute = shape.attributes[name];
    const at = `${path}.${name}`;
    if (attribute === undefined) wrong.push(`${at}: OCSF has no such attribute`);
    else wrong.push(...member(inner, attribute, at, profiles), ...caption(held, name, attribute, at));
  }
  const any = shape.constraints?.at_least_one;
  if (any !== undefined && !any.some((name) => held[name] !== undefined)) {
    wrong.push(`${path}: needs one of ${any.join(', ')}`);
  }
  return wrong;
}

function member(value: unknown, attribute: Attribute, path: string, profiles: readonly string[]): string[] {
  if (attribute.deprecated) return [`${path}: deprecated`];
  if (attribute.profiles !== undefined && !attribute.profiles.some((profile) => profiles.includes(profile))) {
    return [`${path}: belongs to an undeclared profile`];
  }
  if (!attribute.array) return single(value, attribute, path, profiles);
  if (!Array.isArray(value)) return [`${path}: not an array`];
  return value.flatMap((item, index) => single(item, attribute, `${path}[${index}]`, profiles));
}

function single(value: unknown, attribute: Attribute, path: string, profiles: readonly string[]): string[] {
  const { type } = attribute;
  if (attribute.enum !== undefined && attribute.enum[String(value)] === undefined) return [`${path}: not in the enum`];
  if (type === 'json_t' || type === 'object') return [];
  if (STRINGS.has(type)) return typeof value === 'string' ? [] : [`${path}: not a string`];
  if (INTEGERS.has(type)) return Number.isSafeInteger(value) ? [] : [`${path}: not an integer`];
  if (type === 'boolean_t') return typeof value === 'boolean' ? [] : [`${path}: not a boolean`];
  const shape = OFFICIAL.objects[type];
  return shape === undefined ? [`${path}: object ${type} is not in the fixture`] : walk(value, shape, path, profiles);
}

/** An id other than 99 (Other) and the caption beside it say the same. */
function caption(held: Record<string, unknown>, name: string, attribute: Attribute, path: string): string[] {
  if (attribute.enum === undefined || attribute.sibling === undefined || held[name] === 99) return [];
  const said = held[attribute.sibling];
  const official = attribute.enum[String(held[name])];
  if (said === undefined || said === official) return [];
  // The schema's captions of class, category and type name a pair in their own ways; those are literals of our schema.
  return ['class_uid', 'category_uid', 'type_uid'].includes(name) ? [] : [`${path}: caption is not ${official}`];
}

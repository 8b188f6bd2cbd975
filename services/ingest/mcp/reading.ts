import { isObject, type JsonObject } from '../decode.ts';
import { readClaims } from '../genai/claims.ts';
import type { Offer } from '../genai/selectors.ts';
import type { Attributes } from '../otlp/model.ts';
import { compileReader, knownFields, parsePath, type Reader, type Step } from '../paths.ts';
import type { IngestSettings } from '../settings.ts';
import type { KnownFields } from '../unmapped.ts';
import { ENVELOPE_STEPS } from './fields.ts';

/** The settings made ready for records of this format: where `ingest.identity` looks, and what is read of a record. */
export type Reading = {
  readonly settings: IngestSettings;
  readonly known: KnownFields;
  readonly attributes: readonly { readonly name: string; readonly readers: readonly Reader[] }[];
};

/** `attribute:a.b` is the field `a.b` of a record, and `b` within `a`. */
export function readingOf(settings: IngestSettings): Reading {
  const attributes = [...settings.identity.attributes].map((name) => ({ name, steps: placesOf(name) }));
  return {
    settings,
    known: knownFields([...ENVELOPE_STEPS, ...attributes.flatMap(({ steps }) => steps)]),
    attributes: attributes.map(({ name, steps }) => ({ name, readers: steps.map(compileReader) })),
  };
}

function placesOf(name: string): readonly (readonly Step[])[] {
  const path = parsePath(name);
  return typeof path === 'string' || path.steps.length === 1 ? [[name]] : [[name], path.steps];
}

const NO_RESOURCE: Attributes = new Map();

/** What a record offers to the selectors of `ingest.identity`. No workload: a gateway stands for many. */
export function offerOf(document: JsonObject, { attributes }: Reading): Offer {
  const found = new Map<string, string | number>();
  for (const { name, readers } of attributes) {
    for (const reader of readers) {
      const value = reader(document);
      if (typeof value !== 'string' && typeof value !== 'number') continue;
      found.set(name, value);
      break;
    }
  }
  return { attributes: found, resource: NO_RESOURCE, workload: '', model: undefined, claims: claimsOf(document) };
}

/** The claims of the caller's token: an object, or a JWT of which only the payload is read. */
function claimsOf({ claims }: JsonObject): ReadonlyMap<string, string> | undefined {
  if (typeof claims === 'string') return readClaims(claims);
  if (!isObject(claims)) return undefined;
  const actor = isObject(claims.act) ? { 'act.sub': claims.act.sub } : {};
  const named = Object.entries({ ...claims, ...actor }).filter(([, value]) => isName(value));
  return new Map(named.map(([name, value]) => [name, String(value)]));
}

const isName = (value: unknown): boolean => (typeof value === 'string' && value !== '') || Number.isSafeInteger(value);

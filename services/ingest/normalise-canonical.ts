import { z } from 'zod';
import { EventInput } from '../../schemas/event.ts';
import { isObject } from './decode.ts';
import type { Normaliser } from './normaliser.ts';
import { findLeftovers, type KnownFields, WHOLE } from './unmapped.ts';

/** Canonical JSON: one document is one event in the words of `EventInput`. */
export const canonicalNormaliser: Normaliser = {
  name: 'canonical',
  format: 'canonical',
  mismatch(document) {
    if (document.class_uid !== undefined && isObject(document.metadata)) return 'class_uid is one of OCSF';
    if (isObject(document.identity)) return undefined;
    if (document.time !== undefined && GROUPS.some((group) => isObject(document[group]))) return undefined;
    return document.identity === undefined ? 'identity is missing' : 'identity is not an object';
  },
  normalise(document) {
    return [
      {
        kind: 'candidate',
        input: document,
        origin: undefined,
        leftovers: findLeftovers(document, EVENT_FIELDS),
        tool_arguments: undefined,
        explain: undefined,
      },
    ];
  },
};

/** Objects that flat formats do not have: one of them beside a time is canonical enough to be judged as canonical. */
const GROUPS = ['action', 'tool', 'volume', 'outcome', 'resource'] as const;

type SchemaNode = { properties?: Record<string, SchemaNode>; items?: SchemaNode };

/** The fields of the schema, from the schema itself. */
function fieldsOf(node: SchemaNode): KnownFields | typeof WHOLE {
  if (node.items !== undefined) return new Map([['*', fieldsOf(node.items)]]);
  if (node.properties === undefined) return WHOLE;
  return new Map(Object.entries(node.properties).map(([name, inner]) => [name, fieldsOf(inner)]));
}

const EVENT_FIELDS = fieldsOf(z.toJSONSchema(EventInput, { io: 'input' }) as SchemaNode) as KnownFields;

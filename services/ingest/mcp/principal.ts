import { IDENTITY_KINDS, type IdentityKind } from '../../../schemas/event.ts';
import type { JsonObject } from '../decode.ts';
import type { IngestSettings } from '../settings.ts';
import { type Concept, read, readName } from './fields.ts';

/** Who acts, and for whom, in the words of `EventInput`; undefined when the record does not say who. */
export type Principal = {
  readonly identity: { readonly [field: string]: unknown };
  readonly on_behalf_of: unknown;
  readonly credential: { readonly id: unknown; readonly kind?: unknown } | undefined;
};

/** `described`: name, owner and group of the client are those of this identity. */
type Source = { readonly concept: Concept; readonly kind: IdentityKind; readonly described: boolean };

/** In order of preference. Sessions are no identity: every connection has another. */
const IDENTITY: readonly Source[] = [
  { concept: 'agent', kind: 'agent', described: true },
  { concept: 'client', kind: 'agent', described: true },
  { concept: 'principal', kind: 'unknown', described: true },
  { concept: 'actor', kind: 'agent', described: true },
  { concept: 'subject', kind: 'unknown', described: false },
  { concept: 'user', kind: 'unknown', described: false },
];

/** What ToolHive writes for a caller that it did not authenticate: nobody in particular. */
const NOBODY = 'anonymous';

/** The identity by the envelope. A token's actor (RFC 8693, section 4.1) or client stands before its subject. */
export function principalOf(document: JsonObject, _settings: IngestSettings): Principal | undefined {
  for (const { concept, kind, described } of IDENTITY) {
    const id = readName(document, concept);
    if (id === undefined || id === NOBODY) continue;
    return {
      identity: { id, kind: kindOf(document) ?? kind, ...(described ? descriptionOf(document) : {}) },
      on_behalf_of: onBehalfOf(document, id),
      credential: credentialOf(document),
    };
  }
  return undefined;
}

/** A word that we do not have says nothing. */
function kindOf(document: JsonObject): IdentityKind | undefined {
  const stated = read(document, 'kind');
  return IDENTITY_KINDS.find((kind) => kind === stated);
}

function descriptionOf(document: JsonObject): { readonly [field: string]: unknown } {
  const fields: Record<string, unknown> = {};
  for (const field of ['name', 'owner', 'peer_group', 'version'] as const) {
    const value = readName(document, field);
    if (value !== undefined) fields[field] = value;
  }
  return fields;
}

/** Nobody acts on behalf of themselves. */
function onBehalfOf(document: JsonObject, id: unknown): unknown {
  const human = (['on_behalf_of', 'user', 'subject'] as const)
    .map((concept) => readName(document, concept))
    .find((value) => value !== undefined);
  return human === id || human === NOBODY ? undefined : human;
}

function credentialOf(document: JsonObject): Principal['credential'] {
  const id = readName(document, 'credential');
  const kind = readName(document, 'credential_kind');
  return id === undefined ? undefined : { id, ...(kind === undefined ? {} : { kind }) };
}

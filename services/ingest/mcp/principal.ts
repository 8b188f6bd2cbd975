import { IDENTITY_KINDS, type IdentityKind } from '../../../schemas/event.ts';
import type { JsonObject } from '../decode.ts';
import { findFirst, type Offer } from '../genai/selectors.ts';
import { type Concept, read, readName } from './fields.ts';
import { offerOf, type Reading } from './reading.ts';

/** Who acts, and for whom, in the words of `EventInput`. */
export type Principal = {
  readonly identity: { readonly [field: string]: unknown };
  readonly on_behalf_of: unknown;
  readonly credential: { readonly id: unknown; readonly kind?: unknown } | undefined;
  readonly session: unknown;
};

/** `described`: name, owner and group of the client are those of this identity. */
type Who = { readonly id: unknown; readonly kind: IdentityKind; readonly described: boolean };

/** What ToolHive writes for a caller that it did not authenticate: nobody in particular. */
const NOBODY = 'anonymous';

/** Undefined when the record does not say who. A session is no identity: every connection has another. */
export function principalOf(document: JsonObject, reading: Reading): Principal | undefined {
  const offer = offerOf(document, reading);
  const who = whoIs(document, offer, reading);
  if (who === undefined) return undefined;
  return {
    identity: {
      id: who.id,
      kind: kindOf(document) ?? who.kind,
      ...(who.described ? descriptionOf(document, offer, reading) : {}),
    },
    on_behalf_of: onBehalfOf(document, who.id, offer, reading),
    credential: credentialOf(document, offer, reading),
    session: readName(document, 'session') ?? selectedIn('session', offer, reading),
  };
}

/**
 * In order: the agent by `ingest.identity.agent_id`, the agent or client of the record, the actor or client of the token
 * (RFC 8693, section 4.1), `ingest.identity.principal`, the subject of the token, the user.
 */
function whoIs(document: JsonObject, offer: Offer, { settings }: Reading): Who | undefined {
  const { identity } = settings;
  const named = (concept: Concept, kind: IdentityKind): Who | undefined => {
    const id = readName(document, concept);
    return id === undefined || id === NOBODY ? undefined : { id, kind, described: concept !== 'user' };
  };
  const claimed = (claims: readonly string[], kind: IdentityKind): Who | undefined => {
    const id = claims.map((claim) => offer.claims?.get(claim)).find((value) => value !== undefined);
    return id === undefined ? undefined : { id, kind, described: kind === 'agent' };
  };
  const selected = (list: 'agent_id' | 'principal', kind: IdentityKind): Who | undefined => {
    const found = findFirst(identity[list], offer, identity);
    return found === undefined || found.value === ''
      ? undefined
      : { id: found.value, kind: found.from.kind ?? kind, described: list === 'agent_id' };
  };
  return (
    selected('agent_id', 'agent') ??
    named('agent', 'agent') ??
    named('client', 'agent') ??
    named('principal', 'unknown') ??
    claimed(['act.sub', 'client_id', 'azp'], 'agent') ??
    selected('principal', 'unknown') ??
    claimed(['sub'], 'unknown') ??
    named('user', 'unknown')
  );
}

/** A word that we do not have says nothing. */
function kindOf(document: JsonObject): IdentityKind | undefined {
  const stated = read(document, 'kind');
  return IDENTITY_KINDS.find((kind) => kind === stated);
}

const DESCRIPTION = [
  { field: 'name', list: 'agent_name' },
  { field: 'owner', list: 'owner' },
  { field: 'peer_group', list: 'peer_group' },
  { field: 'version', list: 'version' },
] as const;

function descriptionOf(document: JsonObject, offer: Offer, reading: Reading): { readonly [field: string]: unknown } {
  const fields: Record<string, unknown> = {};
  for (const { field, list } of DESCRIPTION) {
    const value = readName(document, field) ?? selectedIn(list, offer, reading);
    if (value !== undefined) fields[field] = value;
  }
  return fields;
}

type List = 'agent_name' | 'owner' | 'peer_group' | 'version' | 'credential' | 'on_behalf_of' | 'session';

/** What the record has no name of its own for may stand where the operator says. */
function selectedIn(list: List, offer: Offer, { settings }: Reading): string | undefined {
  const value = findFirst(settings.identity[list], offer, settings.identity)?.value;
  return value === '' ? undefined : value;
}

/** Nobody acts on behalf of themselves. */
function onBehalfOf(document: JsonObject, id: unknown, offer: Offer, reading: Reading): unknown {
  const human =
    readName(document, 'on_behalf_of') ??
    readName(document, 'user') ??
    offer.claims?.get('sub') ??
    selectedIn('on_behalf_of', offer, reading);
  return human === id || human === NOBODY ? undefined : human;
}

function credentialOf(document: JsonObject, offer: Offer, reading: Reading): Principal['credential'] {
  const id = readName(document, 'credential') ?? selectedIn('credential', offer, reading);
  const kind = readName(document, 'credential_kind');
  return id === undefined ? undefined : { id, ...(kind === undefined ? {} : { kind }) };
}

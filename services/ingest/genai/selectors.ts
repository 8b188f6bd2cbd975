import type { IdentityKind } from '../../../schemas/event.ts';
import type { KindSelector } from '../../../schemas/ingest-settings.ts';
import type { FrozenConfig } from '../../platform/config.ts';
import type { Attributes, AttributeValue } from '../otlp/model.ts';
import { readClaims } from './claims.ts';

/** Places to look for who acts, in order, as the operator has them (`ingest.identity`). */
export type IdentitySelectors = {
  readonly agent_id: readonly CompiledSelector[];
  readonly agent_name: readonly CompiledSelector[];
  readonly principal: readonly CompiledSelector[];
  readonly owner: readonly CompiledSelector[];
  readonly peer_group: readonly CompiledSelector[];
  readonly version: readonly CompiledSelector[];
  readonly credential: readonly CompiledSelector[];
  readonly on_behalf_of: readonly CompiledSelector[];
  readonly session: readonly CompiledSelector[];
  readonly claims: CompiledSelector | undefined;
  /** Attributes of spans and log records that some selector reads: no leftovers. */
  readonly attributes: ReadonlySet<string>;
};

type CompiledSelector = {
  readonly place: 'attribute' | 'resource' | 'claim' | 'workload' | 'model';
  readonly name: string;
  /** As the operator wrote it, for messages. */
  readonly text: string;
  readonly kind: IdentityKind | undefined;
};

export type Found = { readonly value: string; readonly from: CompiledSelector };

/** What one item offers to selectors. */
export type Offer = {
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly workload: string;
  readonly model: string | undefined;
  /** Filled by the first selector that asks for a claim. */
  claims: ReadonlyMap<string, string> | undefined;
};

const LISTS = [
  'agent_id',
  'agent_name',
  'principal',
  'owner',
  'peer_group',
  'version',
  'credential',
  'on_behalf_of',
  'session',
] as const;

export function compileSelectors(config: FrozenConfig['ingest']['identity']): IdentitySelectors {
  const claims = config.claims === undefined ? undefined : compile(config.claims);
  const lists = Object.fromEntries(LISTS.map((list) => [list, config[list].map(compile)])) as Record<
    (typeof LISTS)[number],
    CompiledSelector[]
  >;
  const all = [...Object.values(lists).flat(), ...(claims === undefined ? [] : [claims])];
  const attributes = new Set(all.filter(({ place }) => place === 'attribute').map(({ name }) => name));
  return { ...lists, claims, attributes };
}

function compile(selector: Readonly<KindSelector>): CompiledSelector {
  const { from: text, kind } = typeof selector === 'string' ? { from: selector, kind: undefined } : selector;
  const colon = text.indexOf(':');
  const place = (colon === -1 ? text : text.slice(0, colon)) as CompiledSelector['place'];
  return { place, name: text.slice(colon + 1), text, kind };
}

/** The first value that one of the selectors finds. */
export function findFirst(
  selectors: readonly CompiledSelector[],
  offer: Offer,
  all: IdentitySelectors,
): Found | undefined {
  for (const from of selectors) {
    const value = lookUp(from, offer, all);
    if (value !== undefined) return { value, from };
  }
  return undefined;
}

function lookUp(selector: CompiledSelector, offer: Offer, all: IdentitySelectors): string | undefined {
  switch (selector.place) {
    case 'attribute':
      return nameIn(offer.attributes.get(selector.name));
    case 'resource':
      return nameIn(offer.resource.get(selector.name));
    case 'workload':
      return offer.workload;
    case 'model':
      return offer.model;
    case 'claim':
      offer.claims ??= readClaims(all.claims === undefined ? undefined : lookUp(all.claims, offer, all));
      return offer.claims.get(selector.name);
  }
}

/** A text or a whole number as a name; of a list (a header has values) the first element. */
export function nameIn(value: AttributeValue): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined;
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === 'string' && first !== '' ? first : undefined;
}

import type { IdentityKind } from '../../../schemas/event.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { unresolvedId } from '../../../schemas/span.ts';
import type { Attributes } from '../otlp/model.ts';
import { cleanName } from '../text.ts';
import { FIELDS, nameOf } from './fields.ts';
import { type Found, findFirst, type IdentitySelectors, nameIn, type Offer } from './selectors.ts';

/** Whose an item is, as far as it says so itself. Not yet validated. */
export type Whose = {
  readonly identity: {
    readonly id: string;
    readonly kind: IdentityKind;
    readonly name?: string;
    readonly owner?: string;
    readonly peer_group?: string;
    readonly version?: string;
  };
  /** False: the identity is what the item keeps when nobody up its trace ever says whose it is. */
  readonly settled: boolean;
  readonly session?: string;
  readonly on_behalf_of?: string;
  readonly credential?: { readonly id: string };
};

/** `workload`: as `workloadOf` the resource has it. */
type Emitted = { readonly attributes: Attributes; readonly resource: Attributes; readonly workload: string };

/** `run_of_agent`: the item is the run of an agent, so a name without an id is that agent's. */
export type Standing = { readonly run_of_agent: boolean; readonly has_parent: boolean };

/**
 * By the operator's order: an agent's id; on its own run, and where there is no parent to ask, its name within the
 * workload; a gateway's principal where no agent is known; else `unresolved:<workload>`.
 */
export function whoseIs(emitted: Emitted, standing: Standing, selectors: IdentitySelectors): Whose {
  const offer = offerOf(emitted);
  const find = (selection: Parameters<typeof findFirst>[0]): Found | undefined =>
    findFirst(selection, offer, selectors);
  const name = find(selectors.agent_name)?.value;
  const { id, kind, settled } = identityIn(offer, name, standing, selectors);
  const identity: Mutable<Whose['identity']> = { id, kind };
  if (name !== undefined) identity.name = name;
  const owner = find(selectors.owner);
  if (owner !== undefined) identity.owner = owner.value;
  const peer_group = find(selectors.peer_group);
  if (peer_group !== undefined) identity.peer_group = peer_group.value;
  const version = find(selectors.version);
  if (version !== undefined) identity.version = version.value;
  const whose: Mutable<Whose> = { identity, settled };
  const session = find(selectors.session);
  if (session !== undefined) whose.session = session.value;
  const behalf = find(selectors.on_behalf_of);
  // Nobody acts for themselves; but a principal may only stand in for an agent that is still to be found.
  if (behalf !== undefined && !(settled && behalf.value === id)) whose.on_behalf_of = behalf.value;
  const credential = find(selectors.credential);
  if (credential !== undefined) whose.credential = { id: credential.value };
  return whose;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** OpenLLMetry's name of what runs. */
const ENTITY = 'traceloop.entity.name';

type Named = { readonly id: string; readonly kind: IdentityKind; readonly settled: boolean };

function identityIn(offer: Offer, name: string | undefined, standing: Standing, selectors: IdentitySelectors): Named {
  const agent = findFirst(selectors.agent_id, offer, selectors);
  if (agent !== undefined) return { id: agent.value, kind: agent.from.kind ?? 'agent', settled: true };
  const alone = !standing.has_parent;
  const own = name ?? (standing.run_of_agent ? nameIn(offer.attributes.get(ENTITY)) : undefined);
  if (own !== undefined && (standing.run_of_agent || alone)) {
    return { id: `${offer.workload}/${own}`, kind: 'agent', settled: true };
  }
  const principal = findFirst(selectors.principal, offer, selectors);
  if (principal !== undefined) return { id: principal.value, kind: principal.from.kind ?? 'unknown', settled: alone };
  return { id: unresolvedId(offer.workload), kind: 'workload', settled: false };
}

function offerOf({ attributes, resource, workload }: Emitted): Offer {
  const model = nameOf(attributes, FIELDS.model);
  const prompt = nameOf(attributes, FIELDS.prompt_version);
  const whole = model === undefined || prompt === undefined ? model : `${model}#${prompt}`;
  return { attributes, resource, workload, model: whole, claims: undefined };
}

/** Leaves room for `unresolved:` before it. */
const WORKLOAD_CHARS_MAX = LIMITS.id_chars_max - 32;

/** `service.namespace/service.name`, safe to be part of an identifier (resource conventions, section Service). */
export function workloadOf(resource: Attributes): string {
  const service = nameIn(resource.get('service.name')) ?? 'unknown_service';
  const namespace = nameIn(resource.get('service.namespace'));
  return cleanName(namespace === undefined ? service : `${namespace}/${service}`, WORKLOAD_CHARS_MAX, {
    plain: false,
    flags: undefined,
  });
}

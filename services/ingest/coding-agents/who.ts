import type { EventInput } from '../../../schemas/event.ts';
import { unresolvedId } from '../../../schemas/span.ts';
import { type Found, findFirst, type IdentitySelectors, type Offer } from '../genai/selectors.ts';
import { workloadOf } from '../genai/whose.ts';
import { DEFAULT_SETTINGS, type IngestSettings } from '../settings.ts';
import { type CodingAgent, type Emitted, text, type Who } from './agent.ts';

/** Whose a record is, in the words of the event. */
export type Settled = {
  /** False when nothing said who acts: the identity is then the workload's. */
  readonly resolved: boolean;
  readonly workload: string;
  readonly fields: Pick<EventInput, 'identity' | 'on_behalf_of' | 'session' | 'credential'>;
};

type Ask = (field: SelectorList) => Found | undefined;
type SelectorList = Exclude<keyof IdentitySelectors, 'claims' | 'attributes'>;

/**
 * The agent as it acts for one user, `<agent>:<user>`. What the operator's selectors find goes first: selectors as they
 * come where no such agent writes what they look for, others only where the operator put a list of their own in place.
 */
export function settledOf(agent: CodingAgent, emitted: Emitted, settings: IngestSettings): Settled {
  const who = agent.who(emitted);
  const workload = workloadOf(emitted.resource);
  const ask = asking(emitted, workload, settings.identity);
  const identity = identityOf(agent, who, emitted, ask);
  const owner = ask('owner')?.value ?? who.organisation;
  const version = ask('version')?.value ?? who.version;
  const session =
    ask('session')?.value ?? text(emitted.attributes, agent.session) ?? text(emitted.resource, agent.session);
  const human = ask('on_behalf_of')?.value ?? who.human;
  const credential = ask('credential')?.value;
  const name = ask('agent_name')?.value ?? (who.email === undefined ? undefined : `${agent.title} (${who.email})`);
  return {
    resolved: identity !== undefined,
    workload,
    fields: {
      identity: {
        ...(identity ?? { id: unresolvedId(workload), kind: 'workload' }),
        ...(name === undefined ? {} : { name }),
        ...(owner === undefined ? {} : { owner }),
        peer_group: ask('peer_group')?.value ?? groupOf(agent, who),
        ...(version === undefined ? {} : { version }),
      },
      ...(human === undefined ? {} : { on_behalf_of: human }),
      ...(session === undefined ? {} : { session }),
      ...(credential === undefined ? {} : { credential: { id: credential } }),
    },
  };
}

type Named = Pick<EventInput['identity'], 'id' | 'kind'>;

/** Own id, else the user's, else the operator's principal, else the machine. */
function identityOf(agent: CodingAgent, who: Who, emitted: Emitted, ask: Ask): Named | undefined {
  const own = ask('agent_id');
  if (own !== undefined) return { id: own.value, kind: own.from.kind ?? 'agent' };
  if (who.user !== undefined) return { id: `${agent.name}:${who.user}`, kind: 'agent' };
  const principal = ask('principal');
  if (principal !== undefined) return { id: principal.value, kind: principal.from.kind ?? 'unknown' };
  const host = text(emitted.resource, 'host.name');
  return host === undefined ? undefined : { id: `${agent.name}:${host}`, kind: 'agent' };
}

/** Who uses the same agent in the same organisation does the same job. */
function groupOf(agent: CodingAgent, who: Who): string {
  return who.organisation === undefined ? agent.name : `${agent.name}@${who.organisation}`;
}

/** Lists that, as they come, look for nothing that coding agents write with another meaning. */
const ALWAYS: ReadonlySet<SelectorList> = new Set<SelectorList>(['agent_id', 'agent_name', 'owner', 'credential']);

function asking(emitted: Emitted, workload: string, selectors: IdentitySelectors): Ask {
  const offer: Offer = {
    attributes: emitted.attributes,
    resource: emitted.resource,
    workload,
    model: text(emitted.attributes, 'model'),
    claims: undefined,
  };
  const replaced = replacedIn(selectors);
  return (field) =>
    ALWAYS.has(field) || replaced.has(field) ? findFirst(selectors[field], offer, selectors) : undefined;
}

const replacedBy = new WeakMap<IdentitySelectors, ReadonlySet<SelectorList>>();

/** The lists that differ from those that come with the program; found out once for each configuration. */
function replacedIn(selectors: IdentitySelectors): ReadonlySet<SelectorList> {
  const known = replacedBy.get(selectors);
  if (known !== undefined) return known;
  const textOf = (all: IdentitySelectors, field: SelectorList): string =>
    all[field].map((selector) => `${selector.text} ${selector.kind ?? ''}`).join('\n');
  const fields = (Object.keys(selectors) as (keyof IdentitySelectors)[]).filter(
    (field) => field !== 'claims' && field !== 'attributes',
  );
  const replaced = new Set(
    fields.filter((field) => textOf(selectors, field) !== textOf(DEFAULT_SETTINGS.identity, field)),
  );
  replacedBy.set(selectors, replaced);
  return replaced;
}

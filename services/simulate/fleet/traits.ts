import { UNITS } from '../../../schemas/limits.ts';
import type { Agent, Source } from './agents.ts';
import type { Call, Session } from './call.ts';
import type { Fleet } from './fleet.ts';
import { hash3, hashOf } from './random.ts';

/**
 * Where calls come from and with which credential, beside an agent's habits and in quiet fleets too: some roam, and some
 * get another credential from time to time. All of it is decided by hashes alone, so it shifts no random stream; a
 * source or credential that a story brings stays as it is.
 */
export type Traits = {
  sourceOf(call: Call): Source;
  credentialOf(call: Call): Agent['credential'];
};

const TRAVELLERS_PERCENT = 35;
const POOLED_PERCENT = 15;
const ROTATING_PERCENT = 25;
const ROTATION_DAYS = [2, 7, 14] as const;
const AWAY_PERCENT = 40;
/** RFC 6598: addresses that carriers share among their customers. */
const CARRIER_BLOCKS = 64;
const POOL_ADDRESSES = 48;

/** How an agent roams: on the road (another carrier's address block every day), or through a pool of NAT addresses. */
export function roamingOf(fleet: Fleet, agent: Agent): 'travels' | 'pooled' | undefined {
  const mark = hashOf(fleet.seed, 'roams', agent.index) % 100;
  if (agent.role.host === 'laptop') return mark < TRAVELLERS_PERCENT ? 'travels' : undefined;
  return mark < POOLED_PERCENT ? 'pooled' : undefined;
}

/** Days after which the agent's credential is replaced; undefined for one that keeps it. */
export function rotationOf(fleet: Fleet, agent: Agent): number | undefined {
  const hash = hashOf(fleet.seed, 'rotates', agent.index);
  return hash % 100 < ROTATING_PERCENT ? ROTATION_DAYS[Math.floor(hash / 100) % ROTATION_DAYS.length] : undefined;
}

export function makeTraits(fleet: Fleet): Traits {
  const roaming = fleet.agents.map((agent) => roamingOf(fleet, agent));
  const rotation = fleet.agents.map((agent) => rotationOf(fleet, agent));
  const places = new WeakMap<Session, Source>();
  const issued = new Map<number, { readonly round: number; readonly credential: Agent['credential'] }>();

  const placeOf = (call: Call): Source => {
    const { agent, session } = call;
    const home = agent.lanes > 1 ? session.source : stayOf(fleet, call);
    if (roaming[agent.index] === 'travels') return onTheRoad(fleet, home, call);
    return roaming[agent.index] === 'pooled' ? pooled(fleet, session) : home;
  };

  return {
    sourceOf(call) {
      const { agent, session } = call;
      if (!agent.sources.includes(session.source)) return session.source;
      const known = places.get(session);
      if (known !== undefined) return known;
      const place = placeOf(call);
      places.set(session, place);
      return place;
    },
    credentialOf({ agent, session, time_ms }) {
      const days = rotation[agent.index];
      if (days === undefined || session.credential !== agent.credential) return session.credential;
      const phase_ms = hash3(agent.index, days, 41) % (days * UNITS.DAY_MS);
      const round = Math.floor((time_ms - fleet.start_ms + phase_ms) / (days * UNITS.DAY_MS));
      const known = issued.get(agent.index);
      if (known?.round === round) return known.credential;
      const credential = renewed(fleet, agent, round);
      issued.set(agent.index, { round, credential });
      return credential;
    },
  };
}

/**
 * Where an agent that does one thing at a time is at this half of its day: only agents of several lanes run in several
 * places at once, or ordinary sessions that overlap would look like a credential in two places.
 */
function stayOf(fleet: Fleet, { agent, session, time_ms }: Call): Source {
  const half = Math.floor((time_ms + agent.hours.offset_ms) / (UNITS.DAY_MS / 2));
  const stay = hash3(hashOf(fleet.seed, 'stay', agent.index), half, 3) % agent.sources.length;
  return agent.sources[stay] ?? session.source;
}

/** At home or in the office on most days; on the others one address of some carrier, all day. */
function onTheRoad(fleet: Fleet, home: Source, { agent, time_ms }: Pick<Call, 'agent' | 'time_ms'>): Source {
  const day = Math.floor((time_ms + agent.hours.offset_ms) / UNITS.DAY_MS);
  const hash = hash3(hashOf(fleet.seed, 'road', agent.index), day, 1);
  if (hash % 100 >= AWAY_PERCENT) return home;
  const place = hash3(hash, day, 2);
  const ip = `100.${64 + (place % CARRIER_BLOCKS)}.${(place >>> 8) & 255}.${10 + ((place >>> 16) % 240)}`;
  return { ...home, ip, network: 'mobile' };
}

/** Each session leaves through one of the addresses that its region's agents share. */
function pooled(fleet: Fleet, session: Session): Source {
  const slot = hashOf(fleet.seed, session.id) % POOL_ADDRESSES;
  const block = hashOf(fleet.seed, 'nat', session.source.network) % 16;
  return { ...session.source, ip: `172.${16 + block}.${slot % 4}.${20 + slot}` };
}

function renewed(fleet: Fleet, agent: Agent, round: number): Agent['credential'] {
  if (round === 0) return agent.credential;
  const tag = hash3(hashOf(fleet.seed, 'renewed', agent.index), round, 43)
    .toString(16)
    .padStart(8, '0');
  const [kind = ''] = agent.credential.id.split('-');
  return { ...agent.credential, id: kind === 'sa' ? `sa-${agent.id}-${tag.slice(0, 4)}` : `${kind}-${tag}` };
}

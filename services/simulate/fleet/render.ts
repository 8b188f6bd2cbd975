import type { EventInput } from '../../../schemas/event.ts';
import type { Agent } from './agents.ts';
import type { Call } from './call.ts';
import { resourceOf } from './call.ts';
import type { Fleet } from './fleet.ts';
import { opaqueId } from './random.ts';
import { makeReleases } from './releases.ts';
import { makeTraits } from './traits.ts';

/** A release that a story gives to some agents from a time on, beside the ones that come by themselves. */
export type Rollout = {
  readonly agents: ReadonlySet<number>;
  readonly from_ms: number;
  readonly agent_version: string;
  readonly model: string;
  /** New versions by the key of the server. */
  readonly servers: Readonly<Record<string, string>>;
  /** Results of the new version are so many times as large. */
  readonly size_factor: number;
};

type Identity = EventInput['identity'];

/**
 * Writes calls as events. Injected and ordinary calls go through the same function with the same counter, so nothing
 * in an event (fields, their order, the shape of ids) tells them apart. The parts that events share are one object:
 * callers must not change them.
 */
export function makeRenderer(fleet: Fleet, rollouts: readonly Rollout[]): (call: Call) => EventInput {
  const releases = makeReleases(fleet);
  const traits = makeTraits(fleet);
  const emitted = new Uint32Array(fleet.agents.length);
  const identities: { version: string; identity: Identity }[] = [];
  const rolled = new Set(rollouts.flatMap((rollout) => [...rollout.agents]));

  const rolloutOf = (call: Call): Rollout | undefined =>
    rolled.has(call.agent.index)
      ? rollouts.find((one) => one.agents.has(call.agent.index) && call.time_ms >= one.from_ms)
      : undefined;

  const identityOf = (agent: Agent, version: string): Identity => {
    const known = identities[agent.index];
    if (known !== undefined && known.version === version) return known.identity;
    const identity = {
      id: agent.id,
      kind: agent.role.kind,
      name: agent.name,
      owner: agent.group.owner,
      peer_group: agent.group.name,
      version,
    };
    identities[agent.index] = { version, identity };
    return identity;
  };

  const idOf = (agent: Agent): string => {
    const number = emitted[agent.index] ?? 0;
    emitted[agent.index] = number + 1;
    return opaqueId(fleet.id_key, agent.index, number);
  };

  const serverVersionOf = (call: Call, rollout: Rollout | undefined): string | undefined => {
    const { server, version } = call.tool;
    if (server === undefined || version !== undefined) return version;
    return rollout?.servers[server.key] ?? releases.serverVersion(server, call.agent, call.time_ms);
  };

  return (call) => {
    const { agent, session, tool, pool } = call;
    const rollout = rolloutOf(call);
    const natural = releases.agentVersion(agent, releases.agentRound(agent, call.time_ms));
    const version = serverVersionOf(call, rollout);
    const event: EventInput = {
      id: idOf(agent),
      time: call.time_ms,
      identity: identityOf(agent, rollout?.agent_version ?? natural),
      session: session.id,
      credential: traits.credentialOf(call),
      source: traits.sourceOf(call),
      action: { operation: tool.operation, name: tool.server === undefined ? 'chat' : 'tools/call' },
      volume: volumeOf(call, rollout?.size_factor ?? 1),
      outcome: call.code === undefined ? { status: call.status } : { status: call.status, code: call.code },
      purpose: session.purpose,
      model: rollout?.model ?? agent.role.model,
      trace: { trace_id: session.trace_id },
    };
    if (tool.server !== undefined && version !== undefined)
      event.tool = { name: tool.name, server: tool.server.name, version };
    if (pool !== undefined) event.resource = resourceOf(pool, call.resource);
    if (session.on_behalf_of !== undefined) event.on_behalf_of = session.on_behalf_of;
    return event;
  };
}

function volumeOf(call: Call, factor: number): NonNullable<EventInput['volume']> {
  const bytes_out = call.status === 'ok' ? Math.round(call.bytes_out * factor) : call.bytes_out;
  const volume: NonNullable<EventInput['volume']> = { bytes_in: call.bytes_in, bytes_out };
  if (call.records >= 0) volume.records = call.records;
  if (call.tokens_in >= 0) volume.tokens_in = call.tokens_in;
  if (call.tokens_out >= 0) volume.tokens_out = call.tokens_out;
  return volume;
}

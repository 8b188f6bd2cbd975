import { hash } from 'node:crypto';
import type { Resource } from '../../../schemas/event.ts';
import type { SpanLink } from '../../../schemas/span.ts';
import type { Absorbed, Candidate, Normalised } from '../normaliser.ts';
import type { OtlpLog } from '../otlp/model.ts';
import type { Refusal } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import { targetsIn } from '../targets.ts';
import { parseRfc3339 } from '../time.ts';
import { type CodingAgent, type ModelSaid, type ToolSaid, text } from './agent.ts';
import { explainFrom, leftoversOf, wrongType } from './fields.ts';
import { type Arguments, resourcesOf } from './targets.ts';
import { type OwnTool, ownTool, splitTool } from './tools.ts';
import { type Settled, settledOf } from './who.ts';

/** The event of a tool's execution, or of one that was denied. */
export function toolEvent(agent: CodingAgent, said: ToolSaid, log: OtlpLog, settings: IngestSettings): Normalised {
  const called = said.tool === undefined ? undefined : splitTool(said.tool, said.server);
  const own = called === undefined || called.server !== undefined ? undefined : ownTool(called.tool);
  const operation = own?.operation;
  const resources = settings.content.targets === 'catalogue' ? [] : targetsOf(own, said.arguments);
  const { bytes_in, bytes_out, model } = said;
  const place = [called?.tool, called?.server, bytes_in, bytes_out, said.outcome.status, resources];
  return candidate(agent, log, settings, {
    id: eventId(agent, log, said.call_id, place),
    ...(called === undefined ? {} : { tool: { name: called.tool, ...given('server', called.server) } }),
    ...(operation === undefined ? {} : { action: { operation } }),
    ...(resources.length === 0 ? {} : { resources }),
    volume: { ...given('bytes_in', bytes_in), ...given('bytes_out', bytes_out) },
    outcome: outcomeOf(said),
    ...given('model', model),
    tool_arguments: said.arguments.document ?? said.arguments.text,
  });
}

/** Of an agent's own tool it is known which arguments name what it touches; of others the names of the arguments tell. */
function targetsOf(own: OwnTool | undefined, given_arguments: Arguments): readonly Resource[] {
  return own === undefined ? targetsIn(given_arguments.document) : resourcesOf(own.targets, given_arguments);
}

/** The event of a model's call, for those who want one. */
export function modelEvent(agent: CodingAgent, said: ModelSaid, log: OtlpLog, settings: IngestSettings): Normalised {
  const { tokens_in, tokens_out, model } = said;
  return candidate(agent, log, settings, {
    id: eventId(agent, log, said.call_id, [model, tokens_in, tokens_out, said.outcome.status]),
    action: { name: 'chat' },
    volume: { ...given('tokens_in', tokens_in), ...given('tokens_out', tokens_out) },
    outcome: outcomeOf(said),
    ...given('model', model),
  });
}

/** A record that only informs: of the rest of its trace, whose it is. */
export function absorbed(agent: CodingAgent, log: OtlpLog, settings: IngestSettings): Absorbed {
  const settled = settledOf(agent, log, settings);
  const link = settled.resolved ? linkOf(agent, log, settled) : undefined;
  if (link === undefined) return { kind: 'absorbed' };
  const { identity, session, on_behalf_of, credential } = settled.fields;
  return {
    kind: 'absorbed',
    tells: { link, time: timeOf(log), settled: { identity, session, on_behalf_of, credential } },
  };
}

type Made = { readonly id: string; readonly tool_arguments?: unknown; readonly [field: string]: unknown };

function candidate(agent: CodingAgent, log: OtlpLog, settings: IngestSettings, made: Made): Candidate | Refusal {
  const wrong = wrongType(agent.fields, log.attributes);
  if (wrong !== undefined) return wrong;
  const settled = settledOf(agent, log, settings);
  const link = settled.resolved ? undefined : linkOf(agent, log, settled);
  const workload = text(log.resource, 'host.name');
  const { tool_arguments, ...fields } = made;
  return {
    kind: 'candidate',
    input: {
      ...fields,
      time: timeOf(log),
      ...settled.fields,
      ...(workload === undefined ? {} : { source: { workload } }),
      ...(log.trace_id === undefined ? {} : { trace: { trace_id: log.trace_id, ...given('span_id', log.span_id) } }),
    },
    origin: undefined,
    leftovers: leftoversOf(agent.fields, log.attributes, settings),
    tool_arguments,
    explain: explainFrom(agent.fields),
    ...(link === undefined ? {} : { link, awaits: 'identity' as const }),
  };
}

function linkOf(agent: CodingAgent, log: OtlpLog, settled: Settled): SpanLink | undefined {
  const { trace_id, span_id } = log;
  if (trace_id === undefined || span_id === undefined) return undefined;
  const instance = text(log.resource, 'service.instance.id');
  const session = settled.fields.session;
  return {
    kind: 'span',
    trace_id,
    span_id,
    workload: agent.name,
    ...given('instance', instance),
    ...given('conversation', session),
  };
}

/** Time of the record, else that which the agent wrote beside it, else the collector's. Epoch milliseconds. */
function timeOf(log: OtlpLog): number {
  if (log.time_ms > 0) return log.time_ms;
  const stated = log.attributes.get('event.timestamp');
  const time_ms = typeof stated === 'string' ? parseRfc3339(stated) : Number.NaN;
  return Number.isNaN(time_ms) ? log.observed_ms : time_ms;
}

const ID_HEX_CHARS = 32;

/**
 * The same for every delivery of a record, and of no other: the id of the call within its session, else a hash over what
 * places the record and tells it from its neighbours of the same millisecond. Sizes stand for contents.
 */
function eventId(agent: CodingAgent, log: OtlpLog, call_id: string | undefined, place: readonly unknown[]): string {
  const session = text(log.attributes, agent.session) ?? text(log.resource, agent.session);
  if (call_id !== undefined) return session === undefined ? call_id : `${session}:${call_id}`;
  const written = PLACING.map((name) => text(log.attributes, name) ?? null);
  const preimage = JSON.stringify([agent.name, session, log.time_ms, log.span_id, ...written, ...place]);
  return hash('sha256', preimage, 'hex').slice(0, ID_HEX_CHARS);
}

const PLACING = ['event.timestamp', 'event.sequence', 'prompt_id', 'prompt.id', 'duration_ms'] as const;

function outcomeOf({ outcome }: ToolSaid | ModelSaid): { status: string; code?: string } {
  return { status: outcome.status, ...given('code', outcome.code) };
}

/** A field that is left out where there is nothing to say. */
function given<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}

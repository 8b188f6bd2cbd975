import { hash } from 'node:crypto';
import type { Resource } from '../../../schemas/event.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { SpanLink } from '../../../schemas/span.ts';
import { contentHash } from '../content.ts';
import type { JsonObject } from '../decode.ts';
import type { Absorbed, Candidate, Normalised } from '../normaliser.ts';
import type { OtlpLog } from '../otlp/model.ts';
import type { Refusal } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import { targetsIn } from '../targets.ts';
import { parseRfc3339 } from '../time.ts';
import type { Leftovers } from '../unmapped.ts';
import { type CodingAgent, type ModelSaid, type ToolSaid, text } from './agent.ts';
import { explainFrom, leftoversOf, missing, wrongType } from './fields.ts';
import { type Arguments, resourcesOf } from './targets.ts';
import { type OwnTool, ownTool, splitTool } from './tools.ts';
import { type Settled, settledOf } from './who.ts';

/** The event of a tool's execution, or of one that was denied. */
export function toolEvent(agent: CodingAgent, said: ToolSaid, log: OtlpLog, settings: IngestSettings): Normalised {
  if (said.tool === undefined) return missing(agent.tool);
  const { tool, server } = splitTool(said.tool, said.server);
  const own = server === undefined ? ownTool(tool) : undefined;
  const targets = settings.content.targets === 'catalogue' ? undefined : targetsOf(own, said.arguments);
  const { bytes_in, bytes_out, model } = said;
  const place = [tool, server, bytes_in, bytes_out, said.outcome.status, targets];
  const fields = {
    id: eventId(agent, log, said.call_id, place),
    tool: { name: tool, ...given('server', server) },
    ...(own === undefined ? {} : { action: { operation: own.operation } }),
    volume: { ...given('bytes_in', bytes_in), ...given('bytes_out', bytes_out) },
    outcome: outcomeOf(said),
    ...given('model', model),
  };
  return candidate(agent, log, settings, {
    fields,
    tool_arguments: said.arguments.document ?? said.arguments.text,
    targets,
    hashes: hashesOf(said, settings.content.hash_key),
  });
}

/** Of an agent's own tool it is known which arguments name what it touches; of others the names of the arguments tell. */
function targetsOf(own: OwnTool | undefined, given_arguments: Arguments): readonly Resource[] {
  return own === undefined ? targetsIn(given_arguments.document) : resourcesOf(own.targets, given_arguments);
}

/** The event of a model's call, for those who want one. */
export function modelEvent(agent: CodingAgent, said: ModelSaid, log: OtlpLog, settings: IngestSettings): Normalised {
  const { tokens_in, tokens_out, model } = said;
  const fields = {
    id: eventId(agent, log, said.call_id, [model, tokens_in, tokens_out, said.outcome.status]),
    action: { name: 'chat' },
    volume: { ...given('tokens_in', tokens_in), ...given('tokens_out', tokens_out) },
    outcome: outcomeOf(said),
    ...given('model', model),
  };
  return candidate(agent, log, settings, { fields, hashes: [] });
}

/** A record that only informs: of the rest of its trace, whose it is. */
export function absorbed(agent: CodingAgent, log: OtlpLog, settings: IngestSettings): Absorbed {
  const settled = settledOf(agent, log, settings);
  const link = settled.resolved ? linkOf(log, settled) : undefined;
  const time = timeOf(log);
  if (link === undefined || !(time >= LIMITS.time_ms_min && time <= LIMITS.time_ms_max)) return { kind: 'absorbed' };
  return { kind: 'absorbed', tells: { link, time, settled: settled.fields } };
}

type Hash = readonly [name: string, hash: string];
type Made = {
  readonly fields: JsonObject;
  readonly tool_arguments?: unknown;
  readonly targets?: readonly Resource[] | undefined;
  readonly hashes: readonly Hash[];
};

function candidate(agent: CodingAgent, log: OtlpLog, settings: IngestSettings, made: Made): Candidate | Refusal {
  const wrong = wrongType(agent.fields, log.attributes);
  if (wrong !== undefined) return wrong;
  const settled = settledOf(agent, log, settings);
  const link = settled.resolved ? undefined : linkOf(log, settled);
  const workload = text(log.resource, 'host.name');
  return {
    kind: 'candidate',
    input: {
      ...made.fields,
      time: timeOf(log),
      ...settled.fields,
      ...(workload === undefined ? {} : { source: { workload } }),
      ...(log.trace_id === undefined ? {} : { trace: { trace_id: log.trace_id, ...given('span_id', log.span_id) } }),
    },
    origin: undefined,
    leftovers: withHashes(leftoversOf(agent.fields, log.attributes, settings), made.hashes),
    tool_arguments: made.tool_arguments,
    ...given('targets', made.targets),
    explain: explainFrom(agent.fields),
    ...(link === undefined ? {} : { link, awaits: 'identity' as const }),
  };
}

/** Keyed hashes, with which equal contents are told without being kept. */
function hashesOf({ arguments: { content }, result }: ToolSaid, key: string | undefined): readonly Hash[] {
  if (key === undefined) return [];
  const hashes: Hash[] = [];
  if (content !== undefined) hashes.push(['content_hash.arguments', contentHash(content, key)]);
  if (result !== undefined) hashes.push(['content_hash.result', contentHash(result, key)]);
  return hashes;
}

function withHashes(leftovers: Leftovers | undefined, hashes: readonly Hash[]): Leftovers | undefined {
  if (hashes.length === 0) return leftovers;
  return { fields: [...(leftovers?.fields ?? []), ...hashes], cut: leftovers?.cut ?? false };
}

function linkOf({ trace_id, span_id, resource }: OtlpLog, { workload, fields }: Settled): SpanLink | undefined {
  if (trace_id === undefined || span_id === undefined) return undefined;
  return {
    kind: 'span',
    trace_id,
    span_id,
    workload,
    ...given('instance', bindable(text(resource, 'service.instance.id'))),
    ...given('conversation', bindable(fields.session)),
  };
}

/** What is too long to be a name binds nothing. */
function bindable(name: string | undefined): string | undefined {
  return name !== undefined && name.length <= LIMITS.id_chars_max ? name : undefined;
}

/** Time of the record, else that which the agent wrote beside it, else the collector's. Epoch milliseconds. */
function timeOf(log: OtlpLog): number {
  if (log.time_ms > 0) return Math.trunc(log.time_ms);
  const stated = log.attributes.get('event.timestamp');
  const time_ms = typeof stated === 'string' ? parseRfc3339(stated) : Number.NaN;
  return Number.isNaN(time_ms) ? Math.trunc(log.observed_ms) : time_ms;
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

import type { SpanLink } from '../../../schemas/span.ts';
import type { Candidate, Normalised } from '../normaliser.ts';
import type { Attributes, OtlpSpanEvent } from '../otlp/model.ts';
import type { Refusal } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import type { Leftovers } from '../unmapped.ts';
import type { Act } from './classify.ts';
import { exchangeOf, statedResources } from './exchange.ts';
import { countOf, FIELDS, nameOf } from './fields.ts';
import { unreadOf } from './leftovers.ts';
import type { Outcome } from './outcome.ts';
import { type Whose, workloadOf } from './whose.ts';

/** A span or log record that is an event, with everything about it that is not in its attributes. */
export type Acted = {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly time: number;
  /** The span's name, in which some instrumentations put that of the tool. */
  readonly name: string;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly events: readonly OtlpSpanEvent[];
  readonly outcome: Outcome;
  readonly whose: Whose;
  readonly link: SpanLink | undefined;
};

/** The event of an act: a tool call, a retrieval, a resource that was read. */
export function actEvent(acted: Acted, act: Act, settings: IngestSettings): Normalised {
  const { attributes } = acted;
  const unread = unreadOf(attributes, settings);
  if (unread !== undefined && 'reason' in unread) return unread;
  const exchange = exchangeOf(act, attributes, acted.events, settings.content);
  const { bytes_in, bytes_out, records } = exchange;
  const resources = statedResources(act, attributes);
  const input = {
    ...common(acted),
    action: { ...(act.operation === undefined ? {} : { operation: act.operation }) },
    ...toolOf(acted, act),
    ...(resources === undefined ? {} : { resources }),
    volume: { ...volumeOf(attributes), ...defined({ bytes_in, bytes_out, records }) },
  };
  return {
    ...beside(acted, withHashes(unread, exchange.hashes)),
    input,
    tool_arguments: exchange.tool_arguments,
    targets: exchange.targets,
  };
}

/** The event of a model call, where the operator wants it: tokens and model, no operation on any data. */
export function modelEvent(acted: Acted, name: string, settings: IngestSettings): Normalised {
  const unread = unreadOf(acted.attributes, settings);
  if (unread !== undefined && 'reason' in unread) return unread;
  const input = { ...common(acted), action: { name }, volume: volumeOf(acted.attributes) };
  return { ...beside(acted, unread), input, tool_arguments: undefined };
}

function common({ id, time, attributes, resource, outcome, whose, link }: Acted): Record<string, unknown> {
  const { identity, session, on_behalf_of, credential } = whose;
  const ip = nameOf(attributes, FIELDS.client);
  const trace = link === undefined ? undefined : traceOf(link);
  const model = nameOf(attributes, FIELDS.model);
  return {
    id,
    time,
    identity,
    outcome,
    source: { ...defined({ ip }), workload: workloadOf(resource) },
    ...defined({ session, on_behalf_of, credential, model, trace }),
  };
}

function traceOf({ trace_id, span_id, parent_span_id }: SpanLink): Record<string, string> {
  return { trace_id, span_id, ...defined({ parent_span_id }) };
}

/** Current instrumentations call a span by operation and tool (`execute_tool get_weather`), older ones by the tool. */
const OPERATION_BEFORE = /^(?:execute_tool|tools\/call|running tool:?|ai\.toolCall)\s+/;

function toolOf({ attributes, name }: Acted, act: Act): Record<string, unknown> {
  const own = act.form === 'tool' ? nameOf(attributes, FIELDS.tool) : undefined;
  const called = own ?? act.tool ?? name.replace(OPERATION_BEFORE, '');
  if (called === '') return {};
  const version = act.form === 'tool' ? nameOf(attributes, FIELDS.tool_version) : undefined;
  return { tool: { name: called, ...defined({ server: serverOf(attributes, act), version }) } };
}

/** `server.address` is that of the tool only where the span is about the tool's protocol. */
function serverOf(attributes: Attributes, act: Act): string | undefined {
  const named = nameOf(attributes, FIELDS.server);
  if (named !== undefined) return named;
  const speaks = act.form !== 'tool' || nameOf(attributes, FIELDS.mcp_method) !== undefined;
  return speaks ? (nameOf(attributes, FIELDS.server_address) ?? nameOf(attributes, FIELDS.vector_store)) : undefined;
}

function volumeOf(attributes: Attributes): Record<string, number> {
  const tokens_in = countOf(attributes, FIELDS.tokens_in);
  const tokens_out = countOf(attributes, FIELDS.tokens_out);
  return defined({ tokens_in, tokens_out });
}

function beside({ whose, link }: Acted, leftovers: Leftovers | undefined): Omit<Candidate, 'input' | 'tool_arguments'> {
  return {
    kind: 'candidate',
    origin: undefined,
    leftovers,
    explain,
    ...(link === undefined ? {} : { link }),
    ...(link === undefined || whose.settled ? {} : { awaits: 'identity' as const }),
  };
}

/** Where a refused canonical field comes from. */
const SOURCES: ReadonlyMap<string, string> = new Map([
  ['id', 'span_id'],
  ['time', 'end_time_unix_nano'],
  ['identity.id', 'the first of ingest.identity.agent_id, agent_name and principal that has a value'],
  ['identity.peer_group', 'the first of ingest.identity.peer_group that has a value'],
  ['session', 'the first of ingest.identity.session that has a value'],
]);

function explain(refusal: Refusal): Refusal {
  const source = refusal.field === undefined ? undefined : SOURCES.get(refusal.field);
  return source === undefined ? refusal : { ...refusal, message: `${refusal.message} (read from ${source})` };
}

function withHashes(
  unread: Leftovers | undefined,
  hashes: readonly (readonly [string, string])[],
): Leftovers | undefined {
  if (hashes.length === 0) return unread;
  return { fields: [...(unread?.fields ?? []), ...hashes], cut: unread?.cut ?? false };
}

/** The fields that are there. */
function defined<T extends Readonly<Record<string, unknown>>>(fields: T): { [K in keyof T]: NonNullable<T[K]> } {
  const there: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) there[name] = value;
  return there as { [K in keyof T]: NonNullable<T[K]> };
}

import type { EventInput } from '../../../schemas/event.ts';
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
import type { Whose } from './whose.ts';

/** A span or log record that is an event, with everything about it that is not in its attributes. */
export type Acted = {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly time: number;
  /** The span's name, in which some instrumentations put that of the tool. */
  readonly name: string;
  readonly attributes: Attributes;
  /** Where it ran, `service.namespace/service.name`. */
  readonly workload: string;
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
  const input = inputOf(acted);
  input.action = act.operation === undefined ? {} : { operation: act.operation };
  input.tool = toolOf(acted, act);
  input.resources = statedResources(act, attributes);
  input.volume = { ...tokensOf(attributes), ...exchange.volume };
  const candidate = candidateOf(acted, input, withHashes(unread, exchange.hashes));
  return { ...candidate, tool_arguments: exchange.tool_arguments, targets: exchange.targets };
}

/** The event of a model call, where the operator wants it: tokens and model, no operation on any data. */
export function modelEvent(acted: Acted, name: string, settings: IngestSettings): Normalised {
  const unread = unreadOf(acted.attributes, settings);
  if (unread !== undefined && 'reason' in unread) return unread;
  const input = inputOf(acted);
  input.action = { name };
  input.volume = tokensOf(acted.attributes);
  return candidateOf(acted, input, unread);
}

/** A canonical event as it is put together; what is undefined counts as absent. */
type Input = Record<string, unknown>;

function inputOf({ id, time, attributes, workload, outcome, whose, link }: Acted): Input {
  const ip = nameOf(attributes, FIELDS.client);
  return {
    id,
    time,
    identity: whose.identity,
    outcome,
    source: ip === undefined ? { workload } : { ip, workload },
    session: whose.session,
    on_behalf_of: whose.on_behalf_of,
    credential: whose.credential,
    model: nameOf(attributes, FIELDS.model),
    trace: link === undefined ? undefined : traceOf(link),
  };
}

function traceOf({ trace_id, span_id, parent_span_id }: SpanLink): Input {
  return { trace_id, span_id, parent_span_id };
}

/** Current instrumentations call a span by operation and tool (`execute_tool get_weather`), older ones by the tool. */
const OPERATION_BEFORE = /^(?:execute_tool|tools\/call|running tool:?|ai\.toolCall)\s+/;

function toolOf({ attributes, name }: Acted, act: Act): Input | undefined {
  if (act.form !== 'tool') return { name: act.tool ?? name, server: serverOf(attributes, act) };
  const called = nameOf(attributes, FIELDS.tool) ?? name.replace(OPERATION_BEFORE, '');
  if (called === '') return undefined;
  return { name: called, server: serverOf(attributes, act), version: nameOf(attributes, FIELDS.tool_version) };
}

/** `server.address` is that of the tool only where the span is about the tool's protocol. */
function serverOf(attributes: Attributes, act: Act): string | undefined {
  const named = nameOf(attributes, FIELDS.server);
  if (named !== undefined) return named;
  const speaks = act.form !== 'tool' || nameOf(attributes, FIELDS.mcp_method) !== undefined;
  return speaks ? (nameOf(attributes, FIELDS.server_address) ?? nameOf(attributes, FIELDS.vector_store)) : undefined;
}

function tokensOf(attributes: Attributes): EventInput['volume'] {
  const volume: EventInput['volume'] = {};
  const tokens_in = countOf(attributes, FIELDS.tokens_in);
  const tokens_out = countOf(attributes, FIELDS.tokens_out);
  if (tokens_in !== undefined) volume.tokens_in = tokens_in;
  if (tokens_out !== undefined) volume.tokens_out = tokens_out;
  return volume;
}

function candidateOf({ whose, link }: Acted, input: Input, leftovers: Leftovers | undefined): Candidate {
  const candidate = {
    kind: 'candidate',
    input,
    origin: undefined,
    leftovers,
    tool_arguments: undefined,
    explain,
  } as const;
  if (link === undefined) return candidate;
  return whose.settled ? { ...candidate, link } : { ...candidate, link, awaits: 'identity' };
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

import type { CallLink } from '../../../schemas/span.ts';
import { isObject, type JsonObject } from '../decode.ts';
import type { Candidate, Normalised } from '../normaliser.ts';
import type { Refusal } from '../refusal.ts';
import { bareUrl, targetsIn } from '../targets.ts';
import { asideOf } from './aside.ts';
import { type Concept, ENVELOPE, read, readName } from './fields.ts';
import { callOf, digest, rpcIdOf } from './link.ts';
import { argumentBytes, resultBytes } from './measure.ts';
import type { Exchange } from './message.ts';
import type { CallMethod } from './methods.ts';
import { answeredOutcome, sizeOf, statedOutcome } from './outcome.ts';
import { principalOf } from './principal.ts';
import type { Reading } from './reading.ts';

/** A call, `index` its place in a batch. */
export type Call = Exchange & {
  readonly request: JsonObject;
  readonly method: CallMethod;
  readonly index: number;
};

/** The event of a call. It waits for its response unless that is there, or the gateway says itself what became of it. */
export function eventOf(call: Call, document: JsonObject, reading: Reading): Normalised {
  const principal = principalOf(document, reading);
  if (principal === undefined) return NOBODY_NAMED;
  const params = !call.flat && isObject(call.request.params) ? call.request.params : undefined;
  const outcome = answeredOutcome(call.response) ?? statedOutcome(document);
  const link = outcome === undefined && !call.flat ? linkOf(call, document, reading) : undefined;
  const tool_arguments = call.method === 'tools/call' ? params?.arguments : undefined;
  return {
    kind: 'candidate',
    input: withoutAbsent({
      id: eventId(call, document),
      time: read(document, 'time'),
      ...principal,
      ...actionOf(call.method, params, document),
      volume: withoutAbsent({
        bytes_in: argumentBytes(params) ?? sizeOf(read(document, 'request_bytes')),
        bytes_out: resultBytes(call.response?.result) ?? sizeOf(read(document, 'response_bytes')),
      }),
      outcome: outcome ?? { status: 'unknown' },
      source: sourceOf(document),
      trace: traceOf(params),
    }),
    origin: undefined,
    leftovers: asideOf(document, { tool_arguments: params?.arguments, result: call.response?.result }, reading),
    tool_arguments,
    targets: reading.settings.content.targets === 'vocabulary' ? targetsIn(tool_arguments) : [],
    explain,
    ...(link === undefined ? {} : { link, awaits: 'response' as const }),
  };
}

const NOBODY_NAMED: Refusal = {
  kind: 'refused',
  reason: 'schema_mismatch',
  field: 'identity.id',
  message:
    'identity.id: the record names no client, principal or user (tried agent.id, client.id, principal, claims, user); let the gateway log who called, or name the field under ingest.identity. A session is no identity: every connection has another',
};

function linkOf(call: Call, document: JsonObject, reading: Reading): CallLink | undefined {
  const id = rpcIdOf(call.request);
  return id === undefined ? undefined : callOf(document, id, 'request', reading);
}

/** The gateway's own id, else one that a redelivery of the same record has again. */
function eventId(call: Call, document: JsonObject): unknown {
  const own = readName(document, 'record');
  if (own !== undefined) return call.index === 0 || typeof own !== 'string' ? own : `${own}#${call.index}`;
  const place = (['session', 'connection', 'server', 'target', 'uri', 'time'] as const).map(
    (concept) => read(document, concept) ?? null,
  );
  return digest([...place, call.method, rpcIdOf(call.request) ?? null, call.index]);
}

/** A resource or a prompt is touched by the method itself, which stands as the tool. */
function actionOf(method: CallMethod, params: JsonObject | undefined, document: JsonObject): JsonObject {
  const server = readName(document, 'server');
  const name = params?.name ?? readName(document, 'target');
  if (method === 'tools/call') return { action: { name: method }, tool: withoutAbsent({ name, server }) };
  const resource =
    method === 'prompts/get' ? { id: name, kind: 'prompt' } : uriResource(params?.uri ?? read(document, 'uri') ?? name);
  return {
    action: { name: method, operation: 'read' },
    tool: withoutAbsent({ name: method, server }),
    resource: withoutAbsent({ ...resource, store: server }),
  };
}

/** `postgres://host/table` is a thing of kind `postgres` (RFC 3986, section 3.1). */
function uriResource(uri: unknown): JsonObject {
  const [, scheme] = typeof uri === 'string' ? (/^([A-Za-z][A-Za-z0-9+.-]{0,31}):/.exec(uri) ?? []) : [];
  if (typeof uri !== 'string' || scheme === undefined) return { id: uri };
  return { id: bareUrl(uri), kind: scheme.toLowerCase() };
}

function sourceOf(document: JsonObject): JsonObject | undefined {
  const ip = read(document, 'ip');
  return ip === undefined ? undefined : { ip };
}

/** W3C Trace Context, section 3.2: `00-<trace>-<span of the caller>-<flags>`. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/;

function traceOf(params: JsonObject | undefined): JsonObject | undefined {
  const meta = params?._meta;
  const text = isObject(meta) ? meta.traceparent : undefined;
  const [, trace_id, parent_span_id] = typeof text === 'string' ? (TRACEPARENT.exec(text) ?? []) : [];
  return trace_id === undefined ? undefined : { trace_id, parent_span_id };
}

function withoutAbsent(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

/** Where the refused field stands in a record of a gateway. */
const TAKEN_FROM: ReadonlyMap<string, string> = new Map([
  ...(
    [
      ['id', 'record'],
      ['time', 'time'],
      ['session', 'session'],
      ['tool.server', 'server'],
      ['identity.name', 'name'],
      ['identity.owner', 'owner'],
      ['identity.peer_group', 'peer_group'],
      ['identity.version', 'version'],
      ['credential.id', 'credential'],
      ['credential.kind', 'credential_kind'],
      ['source.ip', 'ip'],
      ['on_behalf_of', 'user'],
    ] as const satisfies readonly (readonly [string, Concept])[]
  ).map(([field, concept]): [string, string] => [field, ENVELOPE[concept].from.join(' or ')]),
  ['identity.id', 'agent.id, client.id, principal, claims or user'],
  ['tool.name', 'params.name of the message'],
  ['resource.id', 'params.uri or params.name of the message'],
]);

const explain: NonNullable<Candidate['explain']> = (refusal) => {
  const from = TAKEN_FROM.get(refusal.field ?? '');
  return from === undefined
    ? refusal
    : { ...refusal, message: `${refusal.message} (taken from ${from}; correct it at the gateway)` };
};

import { IdentityConfig } from '../../../schemas/ingest-settings.ts';
import type { FieldRow, FieldTable } from '../field-table.ts';
import type { Attributes, AttributeValue } from '../otlp/model.ts';
import { nameIn } from './selectors.ts';

/**
 * The attributes that are read of spans and log records, current names of the GenAI conventions first, then what
 * instrumentations emitted before them or emit instead (OpenLLMetry, OpenInference, the AI SDK, Google ADK, Pydantic AI).
 * Of the names in a row the first that has a value counts.
 */
type Field = { readonly to: string; readonly names: readonly string[] };

export const FIELDS = {
  /** What the item is: docs/sources/genai.md has the values. */
  operation: { to: 'what the item is', names: ['gen_ai.operation.name'] },
  mcp_method: { to: 'what the item is', names: ['mcp.method.name'] },
  traceloop_kind: { to: 'what the item is', names: ['traceloop.span.kind'] },
  openinference_kind: { to: 'what the item is', names: ['openinference.span.kind'] },
  ai_sdk_operation: { to: 'what the item is', names: ['ai.operationId'] },
  request_type: { to: 'what the item is', names: ['llm.request.type'] },
  vector_store: { to: 'what the item is; tool.server', names: ['db.system.name', 'db.system'] },

  tool: {
    to: 'tool.name',
    names: ['gen_ai.tool.name', 'mcp.tool.name', 'tool.name', 'ai.toolCall.name', 'traceloop.entity.name'],
  },
  server: { to: 'tool.server', names: ['mcp.server.name', 'gen_ai.tool.server.name'] },
  server_address: { to: 'tool.server, of MCP and retrieval', names: ['server.address'] },
  tool_version: { to: 'tool.version', names: ['gen_ai.tool.version', 'traceloop.entity.version'] },

  error: { to: 'outcome.status, outcome.code', names: ['error.type'] },
  response_code: {
    to: 'outcome.status, outcome.code',
    names: ['rpc.response.status_code', 'http.response.status_code', 'rpc.grpc.status_code', 'http.status_code'],
  },
  tool_status: { to: 'outcome.status', names: ['gen_ai.tool.call.result.status', 'gen_ai.tool.status', 'tool.status'] },

  store: {
    to: 'resource.id, resource.store',
    names: [
      'gen_ai.data_source.id',
      'gen_ai.memory.store.id',
      'db.collection.name',
      'db.namespace',
      'db.name',
      'pinecone.query.namespace',
      'qdrant.search.collection_name',
      'db.milvus.search.collection_name',
    ],
  },
  record: { to: 'resource.id', names: ['gen_ai.memory.record.id', 'mcp.resource.uri', 'gen_ai.prompt.name'] },
  db_operation: { to: 'tool.name, action.operation', names: ['db.operation.name', 'db.operation'] },

  model: {
    to: 'model',
    names: ['gen_ai.request.model', 'gen_ai.response.model', 'llm.model_name', 'llm.request.model', 'ai.model.id'],
  },
  prompt_version: {
    to: 'identity.version, with the model',
    names: ['gen_ai.prompt.version', 'traceloop.prompt.version_hash', 'traceloop.prompt.version'],
  },
  tokens_in: {
    to: 'volume.tokens_in',
    names: [
      'gen_ai.usage.input_tokens',
      'gen_ai.usage.prompt_tokens',
      'llm.token_count.prompt',
      'llm.usage.prompt_tokens',
      'ai.usage.promptTokens',
    ],
  },
  tokens_out: {
    to: 'volume.tokens_out',
    names: [
      'gen_ai.usage.output_tokens',
      'gen_ai.usage.completion_tokens',
      'llm.token_count.completion',
      'llm.usage.completion_tokens',
      'ai.usage.completionTokens',
    ],
  },
  client: { to: 'source.ip', names: ['client.address', 'source.address', 'net.peer.ip'] },
  event_name: { to: 'what the item is', names: ['event.name'] },
  record_uid: { to: 'id, of log records', names: ['log.record.uid'] },
  call_id: { to: 'id, of log records without one', names: ['gen_ai.tool.call.id', 'gen_ai.response.id'] },
} as const satisfies Readonly<Record<string, Field>>;

/** Content: measured, and dropped unless `ingest.content.keep` names it. */
export const CONTENT = {
  arguments: {
    to: 'volume.bytes_in; targets',
    names: [
      'gen_ai.tool.call.arguments',
      'gen_ai.tool.arguments',
      'mcp.request.argument',
      'input.value',
      'traceloop.entity.input',
      'tool.parameters',
      'ai.toolCall.args',
      'gcp.vertex.agent.tool_call_args',
      'tool_arguments',
    ],
  },
  result: {
    to: 'volume.bytes_out, volume.records',
    names: [
      'gen_ai.tool.call.result',
      'gen_ai.tool.result',
      'gen_ai.tool.message',
      'mcp.response.value',
      'output.value',
      'traceloop.entity.output',
      'ai.toolCall.result',
      'gcp.vertex.agent.tool_response',
      'tool_response',
    ],
  },
  query: {
    to: 'volume.bytes_in, of retrieval',
    names: ['gen_ai.retrieval.query.text', 'gen_ai.memory.query.text', 'db.query.text', 'db.statement'],
  },
  documents: {
    to: 'volume.bytes_out, volume.records, resource.id, of retrieval',
    names: ['gen_ai.retrieval.documents', 'gen_ai.memory.records', 'retrieval.documents'],
  },
  dropped: {
    to: 'dropped',
    names: [
      'gen_ai.input.messages',
      'gen_ai.output.messages',
      'gen_ai.system_instructions',
      'gen_ai.tool.definitions',
      'gen_ai.tool.description',
      'gen_ai.agent.description',
      'gen_ai.prompt',
      'gen_ai.completion',
    ],
  },
} as const satisfies Readonly<Record<string, Field>>;

/** Beginnings of names under which content stands in pieces (`gen_ai.prompt.0.content`). */
export const CONTENT_PREFIXES = [
  'gen_ai.prompt.',
  'gen_ai.completion.',
  'llm.input_messages.',
  'llm.output_messages.',
  'llm.prompts.',
  'retrieval.documents.',
  'embedding.embeddings.',
  'db.query.parameter.',
] as const;

/** Attributes that are no leftovers: read above, or content. */
export const KNOWN: ReadonlySet<string> = new Set(
  [...Object.values(FIELDS), ...Object.values(CONTENT)].flatMap(({ names }): readonly string[] => names),
);

/** The value of a field as a name: text, or a whole number as text. */
export function nameOf(attributes: Attributes, field: Field): string | undefined {
  for (const name of field.names) {
    const value = attributes.get(name);
    if (value === undefined) continue;
    const text = nameIn(value);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The value of a field as it is. */
export function contentOf(attributes: Attributes, field: Field): AttributeValue {
  for (const name of field.names) {
    const value = attributes.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A count; texts with one are taken too, as older instrumentations wrote them. */
export function countOf(attributes: Attributes, field: Field): number | undefined {
  const value = contentOf(attributes, field);
  const count = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

const SPAN_ROWS: readonly FieldRow[] = [
  { from: 'trace_id', to: 'trace.trace_id' },
  { from: 'span_id', to: 'id, trace.span_id' },
  { from: 'parent_span_id', to: 'trace.parent_span_id; the identity, where the span has none' },
  { from: 'end_time_unix_nano', to: 'time' },
  { from: 'start_time_unix_nano', to: 'time, of spans without an end' },
  { from: 'time_unix_nano', to: 'time, of log records' },
  { from: 'status.code', to: 'outcome.status' },
  { from: 'name', to: 'tool.name, where no attribute has it' },
  { from: 'kind', to: 'whether a server or a client tells of the call' },
  { from: 'events gen_ai.tool.message, gen_ai.choice', to: 'volume, where no attribute has the content' },
  { from: 'events db.query.result, db.search.result', to: 'volume.records' },
  { from: 'traceloop.entity.name of the run of an agent', to: 'identity.id, where nothing else names it' },
  { from: 'resource service.namespace, service.name', to: 'source.workload' },
  { from: 'resource service.instance.id', to: 'the identity, where others of the instance have it' },
];

const IDENTITY_FIELDS = {
  agent_id: 'identity.id',
  agent_name: 'identity.name',
  principal: 'identity.id, where no agent is known',
  owner: 'identity.owner',
  peer_group: 'identity.peer_group',
  version: 'identity.version',
  credential: 'credential.id',
  on_behalf_of: 'on_behalf_of',
  session: 'session',
} as const;

function identityRows(): FieldRow[] {
  const config = IdentityConfig.parse({});
  return Object.entries(IDENTITY_FIELDS).map(([list, to]) => {
    const selectors = config[list as keyof typeof IDENTITY_FIELDS];
    return { from: selectors.map((place) => (typeof place === 'string' ? place : place.from)).join(', '), to };
  });
}

function fieldRows(fields: Readonly<Record<string, Field>>): FieldRow[] {
  return Object.values(fields).map(({ to, names }) => ({ from: names.join(', '), to }));
}

/** Everything that is read of GenAI spans and log records, and what becomes of it. */
export const GENAI_FIELDS: FieldTable = {
  format: 'genai',
  rows: [
    ...SPAN_ROWS,
    ...identityRows(),
    ...fieldRows(FIELDS),
    ...fieldRows(CONTENT),
    { from: CONTENT_PREFIXES.map((prefix) => `${prefix}*`).join(', '), to: 'dropped, once documents are counted' },
  ],
};

import type { Operation } from '../../../schemas/event.ts';
import { type Attributes, SPAN_KIND } from '../otlp/model.ts';
import { operationOf } from '../verbs.ts';
import { FIELDS, nameOf } from './fields.ts';

/**
 * What an item is. `act`: something an agent did, an event; `server`: the server's record of what a client also records;
 * `agent`: the run of an agent, which says whose its descendants are; `model`: a call of a model; `other`: a link between.
 */
export type What =
  | { readonly kind: 'act'; readonly act: Act }
  | { readonly kind: 'server'; readonly act: Act }
  | { readonly kind: 'agent' | 'other' }
  | { readonly kind: 'model'; readonly name: string };

export type Act = {
  readonly form: 'tool' | 'retrieval' | 'resource';
  /** The tool, where no attribute names it. */
  readonly tool: string | undefined;
  /** Absent: what the catalogue or the tool's name says. */
  readonly operation: Operation | undefined;
};

const TOOL: Act = { form: 'tool', tool: undefined, operation: undefined };
const act = (form: Act['form'], tool: string, operation: Operation): Act => ({ form, tool, operation });

/** Operations of the GenAI conventions that are acts (gen_ai.operation.name). */
const ACTS: ReadonlyMap<string, Act> = new Map([
  ['execute_tool', TOOL],
  ['retrieval', act('retrieval', 'retrieval', 'search')],
  ['search_memory', act('retrieval', 'search_memory', 'search')],
  ['create_memory', act('retrieval', 'create_memory', 'store')],
  ['update_memory', act('retrieval', 'update_memory', 'store')],
  ['upsert_memory', act('retrieval', 'upsert_memory', 'store')],
  ['delete_memory', act('retrieval', 'delete_memory', 'execute')],
  ['create_memory_store', act('retrieval', 'create_memory_store', 'execute')],
  ['delete_memory_store', act('retrieval', 'delete_memory_store', 'execute')],
]);
const AGENTS: ReadonlySet<string> = new Set(['invoke_agent', 'create_agent', 'invoke_workflow']);
const MODELS: ReadonlySet<string> = new Set([
  'chat',
  'text_completion',
  'embeddings',
  'generate_content',
  'fetch_response',
]);

/** Methods of MCP that touch something; the others keep the session going. */
const METHODS: ReadonlyMap<string, Act> = new Map([
  ['tools/call', TOOL],
  ['resources/read', act('resource', 'resources/read', 'read')],
  ['prompts/get', act('resource', 'prompts/get', 'read')],
]);

/** `db.system.name` of stores that agents search by meaning. Other databases are told of by the tool that asked them. */
const VECTOR_STORES: ReadonlySet<string> = new Set([
  'pinecone',
  'chroma',
  'chromadb',
  'qdrant',
  'weaviate',
  'milvus',
  'marqo',
  'lancedb',
  'turbopuffer',
  'vespa',
]);

/** What a span is, told by the conventions it follows; `kind` is its SpanKind. */
export function classify(attributes: Attributes, kind: number, has_parent: boolean): What {
  const method = nameOf(attributes, FIELDS.mcp_method);
  const what = byOperation(attributes) ?? byMethod(method) ?? byOthers(attributes);
  if (what.kind !== 'act' || kind !== SPAN_KIND.server || !has_parent) return what;
  return { kind: 'server', act: what.act };
}

function byOperation(attributes: Attributes): What | undefined {
  const operation = nameOf(attributes, FIELDS.operation);
  if (operation === undefined) return undefined;
  const known = isMerged(attributes) ? undefined : ACTS.get(operation);
  if (known !== undefined) return { kind: 'act', act: known };
  if (AGENTS.has(operation)) return { kind: 'agent' };
  return MODELS.has(operation) ? { kind: 'model', name: operation } : undefined;
}

/** Google ADK sums calls that ran side by side up in a span of its own, beside the span of each of them. */
function isMerged(attributes: Attributes): boolean {
  return attributes.get('gen_ai.tool.name') === '(merged tools)';
}

function byMethod(method: string | undefined): What | undefined {
  if (method === undefined) return undefined;
  const known = METHODS.get(method);
  return known === undefined ? { kind: 'other' } : { kind: 'act', act: known };
}

/** OpenInference, OpenLLMetry, the AI SDK, and what only has the name of a tool. */
function byOthers(attributes: Attributes): What {
  const openinference = nameOf(attributes, FIELDS.openinference_kind)?.toUpperCase();
  const traceloop = nameOf(attributes, FIELDS.traceloop_kind)?.toLowerCase();
  const ai_sdk = nameOf(attributes, FIELDS.ai_sdk_operation);
  if (openinference === 'TOOL' || traceloop === 'tool' || ai_sdk === 'ai.toolCall') return { kind: 'act', act: TOOL };
  if (openinference === 'RETRIEVER') return { kind: 'act', act: act('retrieval', 'retriever', 'search') };
  if (openinference === 'AGENT' || traceloop === 'agent') return { kind: 'agent' };
  const model = MODEL_KINDS.get(openinference ?? '') ?? nameOf(attributes, FIELDS.request_type);
  if (model !== undefined) return { kind: 'model', name: model };
  const store = nameOf(attributes, FIELDS.vector_store)?.toLowerCase();
  if (store !== undefined && VECTOR_STORES.has(store)) return { kind: 'act', act: vectorAct(attributes, store) };
  if (openinference !== undefined || traceloop !== undefined) return { kind: 'other' };
  return attributes.has('gen_ai.tool.name') && !isMerged(attributes) ? { kind: 'act', act: TOOL } : { kind: 'other' };
}

const MODEL_KINDS: ReadonlyMap<string, string> = new Map([
  ['LLM', 'chat'],
  ['EMBEDDING', 'embeddings'],
  ['RERANKER', 'rerank'],
]);

function vectorAct(attributes: Attributes, store: string): Act {
  const name = nameOf(attributes, FIELDS.db_operation) ?? 'query';
  const operation = operationOf(name);
  return act('retrieval', `${store}.${name}`, operation === 'unknown' ? 'search' : operation);
}

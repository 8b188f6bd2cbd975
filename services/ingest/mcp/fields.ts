import type { FieldTable } from '../field-table.ts';
import { compileReader, isAbsent, type Path, parsePath, type Reader, type Step } from '../paths.ts';

/** Where a value may stand in what a gateway writes around a message: the first place that has one counts. */
type Rule = { readonly to: string; readonly from: readonly string[] };

/**
 * The envelope. First the names of our own description (docs/sources/mcp.md), then those that gateways write: Teleport
 * (`uid`, `sid`, `app_name`, `success`), ToolHive (`subjects`, `target`, `metadata`), Tyk (`mcp_*`), Cloudflare MCP portals
 * (`Datetime`, `ToolCallName`).
 */
export const ENVELOPE = {
  time: {
    to: 'time',
    from: ['time', 'timestamp', 'ts', '["@timestamp"]', 'loggedAt', 'logged_at', 'Datetime'],
  },
  record: { to: 'id', from: ['event_id', 'uid', 'audit_id', 'metadata.auditId'] },
  session: {
    to: 'session',
    from: [
      'session',
      'session.id',
      'session_id',
      'sessionId',
      'sid',
      'metadata.sessionId',
      'source.extra.session_id',
      'SessionID',
    ],
  },
  connection: { to: 'joins a request and its response', from: ['connection', 'connection_id'] },
  direction: { to: 'joins a request and its response', from: ['direction'] },
  server: {
    to: 'tool.server, resources[].store',
    from: [
      'server',
      'server.name',
      'server_name',
      'serverName',
      'metadata.serverName',
      'app_name',
      'component',
      'ServerID',
    ],
  },
  agent: { to: 'identity.id', from: ['agent.id', 'agent_id'] },
  client: { to: 'identity.id', from: ['client.id', 'client_id', 'clientId'] },
  principal: { to: 'identity.id', from: ['principal', 'principal.id'] },
  actor: { to: 'identity.id', from: ['claims.act.sub', 'claims.client_id', 'claims.azp'] },
  subject: { to: 'identity.id, else on_behalf_of', from: ['claims.sub'] },
  user: {
    to: 'on_behalf_of, else identity.id',
    from: ['user', 'user.id', 'user.sub', 'user_id', 'subjects.user_id', 'subjects.user', 'UserID'],
  },
  on_behalf_of: { to: 'on_behalf_of', from: ['on_behalf_of'] },
  kind: { to: 'identity.kind', from: ['agent.kind', 'client.kind', 'principal.kind'] },
  name: { to: 'identity.name', from: ['agent.name', 'client.name', 'principal.name'] },
  owner: { to: 'identity.owner', from: ['agent.owner', 'client.owner', 'principal.owner'] },
  peer_group: { to: 'identity.peer_group', from: ['agent.peer_group', 'client.peer_group', 'principal.peer_group'] },
  version: { to: 'identity.version', from: ['agent.version', 'client.version', 'principal.version'] },
  credential: { to: 'credential.id', from: ['credential', 'credential.id', 'credential_id', 'api_key_id'] },
  credential_kind: { to: 'credential.kind', from: ['credential.kind'] },
  ip: {
    to: 'source.ip',
    from: ['source.ip', 'source.value', 'client.ip', 'client_ip', 'clientIp', 'remote_addr', 'ClientIP'],
  },
  method: { to: 'action.name', from: ['method', 'mcp_method', 'target.method', 'Method'] },
  target: {
    to: 'tool.name, resources[].id of a prompt',
    from: ['tool', 'tool_name', 'mcp_primitive_name', 'target.name', 'ToolCallName', 'PromptGetName'],
  },
  uri: { to: 'resources[].id', from: ['uri', 'target.uri', 'ResourceReadURI'] },
  outcome: { to: 'outcome.status', from: ['outcome', 'success', 'Success'] },
  http_status: { to: 'outcome.status, outcome.code', from: ['http_status', 'status_code'] },
  error_code: {
    to: 'outcome.status, outcome.code',
    from: ['mcp_error_code', 'metadata.extra.jsonrpc_error_code'],
  },
  reason: { to: 'outcome.reason', from: ['error', 'metadata.extra.jsonrpc_error_message', 'Error'] },
  request_bytes: { to: 'volume.bytes_in', from: ['request_bytes', 'request_size'] },
  response_bytes: {
    to: 'volume.bytes_out',
    from: ['response_bytes', 'response_size', 'metadata.extra.response_size_bytes'],
  },
} as const satisfies Readonly<Record<string, Rule>>;

export type Concept = keyof typeof ENVELOPE;

/** The message itself (JSON-RPC 2.0; MCP 2025-06-18, schema.ts). */
const MESSAGE: readonly Rule[] = [
  { to: 'the message, or both', from: ['message', 'request', 'response', 'data.request', 'data.response'] },
  { to: 'joins a request and its response', from: ['message.id'] },
  { to: 'action.name; which calls become events', from: ['message.method'] },
  { to: 'tool.name of tools/call; resources[].id of prompts/get', from: ['message.params.name'] },
  { to: 'resources[].id of resources/read', from: ['message.params.uri'] },
  {
    to: 'volume.bytes_in; resources, by the tool catalogue or the names of arguments; not kept',
    from: ['message.params.arguments'],
  },
  { to: 'trace.trace_id, trace.parent_span_id', from: ['message.params._meta.traceparent'] },
  { to: 'outcome.status', from: ['message.result.isError'] },
  {
    to: 'volume.bytes_out; not kept',
    from: [
      'message.result.content',
      'message.result.structuredContent',
      'message.result.contents',
      'message.result.messages',
    ],
  },
  { to: 'outcome.status, outcome.code', from: ['message.error.code'] },
  { to: 'outcome.reason', from: ['message.error.message'] },
];

/** May hold content or secrets, so that nothing of it is kept aside either. */
const DROPPED: Rule = {
  to: 'dropped: content, secrets, and what was read already',
  from: [
    'jsonrpc',
    'id',
    'params',
    'result',
    'data',
    'claims',
    'headers',
    'arguments',
    'args',
    'tool_args',
    'input',
    'output',
    'payload',
    'body',
  ],
};

/** What the normaliser reads, row by row as docs/sources/mcp.md has it. */
export const MCP_FIELDS: FieldTable = {
  format: 'mcp',
  rows: [...Object.values<Rule>(ENVELOPE), ...MESSAGE, DROPPED].map(({ from, to }) => ({ from: from.join(', '), to })),
};

const stepsOf = (text: string): readonly Step[] => (parsePath(text) as Path).steps;

/** Places of all fields that are read or dropped; what stands elsewhere is kept aside. */
export const ENVELOPE_STEPS: readonly (readonly Step[])[] = [...Object.values<Rule>(ENVELOPE), DROPPED]
  .flatMap(({ from }) => from)
  .concat('message', 'request', 'response')
  .map(stepsOf);

const READERS = new Map<Concept, readonly Reader[]>(
  Object.entries<Rule>(ENVELOPE).map(([concept, { from }]) => [
    concept as Concept,
    from.map((path) => compileReader(stepsOf(path))),
  ]),
);

/** The first value that the document has for it. An object is no value: what counts stands within it. */
export function read(document: unknown, concept: Concept): unknown {
  for (const reader of READERS.get(concept) ?? []) {
    const value = reader(document);
    if (!isAbsent(value) && (typeof value !== 'object' || Array.isArray(value))) return value;
  }
  return undefined;
}

/** As text: a number that names something is one. Anything else stays what it is, to be refused with its name. */
export function readName(document: unknown, concept: Concept): unknown {
  const value = read(document, concept);
  return typeof value === 'number' ? String(value) : value;
}

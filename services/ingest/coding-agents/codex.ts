import { bytesOf } from '../content.ts';
import type { FieldTable } from '../field-table.ts';
import { plainOf } from '../genai/plain.ts';
import type { Attributes, OtlpLog } from '../otlp/model.ts';
import { type CodingAgent, NOTHING, number, type Said, statusOf, type ToolSaid, text } from './agent.ts';
import { COMMON_ROWS } from './fields.ts';
import { argumentsOf, NO_ARGUMENTS } from './targets.ts';

/** Codex: codex-rs/otel/src/events of github.com/openai/codex. */
export const CODEX_FIELDS: FieldTable = {
  format: 'codex',
  rows: [
    ...COMMON_ROWS,
    { from: 'conversation.id', to: 'session' },
    { from: 'user.account_id', to: 'identity.id; on_behalf_of, where there is no user.email' },
    { from: 'user.email', to: 'on_behalf_of; identity.name; identity.id, where there is no user.account_id' },
    { from: 'app.version', to: 'identity.version' },
    { from: 'resource:service.version', to: 'identity.version, where there is no app.version' },
    { from: 'model', to: 'model' },
    { from: 'tool_name', to: 'tool.name, tool.server, action.operation' },
    { from: 'mcp_server', to: 'tool.server' },
    { from: 'call_id', to: 'id' },
    { from: 'success', to: 'outcome.status' },
    { from: 'decision', to: 'outcome.status of a call that was denied' },
    { from: 'source', to: 'outcome.code of a call that was denied' },
    { from: 'arguments', to: 'volume.bytes_in, resources; the rest is dropped' },
    { from: 'output', to: 'volume.bytes_out, unless the agent cut it; dropped' },
    { from: 'event.kind', to: 'tells which part of a model call it is' },
    { from: 'input_token_count', to: 'volume.tokens_in of a model call' },
    { from: 'output_token_count', to: 'volume.tokens_out of a model call' },
    { from: 'http.response.status_code', to: 'outcome.code of a model call' },
    { from: 'error.message', to: 'outcome.status of a model call; dropped' },
  ],
};

export const codex: CodingAgent = {
  name: 'codex',
  title: 'Codex',
  prefix: 'codex.',
  scopes: new Set(),
  services: new Set(),
  foreign: new Set(),
  fields: CODEX_FIELDS,
  session: 'conversation.id',
  tool: 'tool_name',
  who({ attributes, resource }) {
    const email = text(attributes, 'user.email');
    const account = text(attributes, 'user.account_id');
    return {
      user: account ?? email,
      human: email ?? account,
      email,
      organisation: undefined,
      version: text(attributes, 'app.version') ?? text(resource, 'service.version'),
    };
  },
  read,
};

/** `ReviewDecision` of codex-rs/protocol in the spellings that its display has had. */
const DENIALS: ReadonlySet<string> = new Set(['denied', 'abort', 'aborted', 'timed_out', 'timedout']);

function read(event: string, { attributes }: OtlpLog): Said {
  if (event === 'tool_result') return resultSaid(attributes);
  if (event === 'tool_decision') return decisionSaid(attributes);
  if (event === 'sse_event') return completionSaid(attributes);
  if (event === 'api_request') return requestSaid(attributes);
  return event === 'user_prompt' || event === 'conversation_starts' ? { kind: 'prompt' } : NOTHING;
}

function resultSaid(attributes: Attributes): ToolSaid {
  const given = argumentsOf(attributes.get('arguments'));
  const result = plainOf(attributes.get('output'));
  return {
    kind: 'tool',
    call_id: text(attributes, 'call_id'),
    tool: text(attributes, 'tool_name'),
    server: text(attributes, 'mcp_server'),
    outcome: { status: statusOf(attributes, 'success') },
    model: text(attributes, 'model'),
    bytes_in: bytesOf(given.content),
    bytes_out: outputBytes(result),
    arguments: given,
    result,
  };
}

/** A call that was let through has a result of its own. */
function decisionSaid(attributes: Attributes): Said {
  const decision = text(attributes, 'decision')?.toLowerCase();
  if (decision === undefined || !DENIALS.has(decision)) return NOTHING;
  const call_id = text(attributes, 'call_id');
  return {
    kind: 'tool',
    // Codex reports the result of a denied call, too, as one that failed.
    call_id: call_id === undefined ? undefined : `${call_id}:denied`,
    tool: text(attributes, 'tool_name'),
    outcome: { status: 'denied', code: text(attributes, 'source') },
    model: text(attributes, 'model'),
    bytes_in: undefined,
    bytes_out: undefined,
    arguments: NO_ARGUMENTS,
  };
}

/** Stands at the end of an output that Codex cut to 2 KiB or 64 lines for its telemetry (codex-rs/core/src/tools). */
const CUT_MARK = '[... telemetry preview truncated ...]';

function outputBytes(output: unknown): number | undefined {
  return typeof output === 'string' && output.endsWith(CUT_MARK) ? undefined : bytesOf(output);
}

/** The stream of an answer has many events; one of them ends it. */
function completionSaid(attributes: Attributes): Said {
  const kind = text(attributes, 'event.kind');
  if (kind !== 'response.completed' && kind !== 'response.failed') return NOTHING;
  const failed = kind === 'response.failed' || text(attributes, 'error.message') !== undefined;
  return {
    kind: 'model',
    call_id: undefined,
    model: text(attributes, 'model'),
    outcome: { status: failed ? 'error' : 'ok' },
    tokens_in: number(attributes, 'input_token_count'),
    tokens_out: number(attributes, 'output_token_count'),
  };
}

/** A request that failed has no answer to end; any other is told of by its answer. */
function requestSaid(attributes: Attributes): Said {
  const code = text(attributes, 'http.response.status_code');
  const failed = text(attributes, 'error.message') !== undefined || (code !== undefined && !/^2\d\d$/.test(code));
  if (!failed) return NOTHING;
  return {
    kind: 'model',
    call_id: undefined,
    model: text(attributes, 'model'),
    outcome: { status: 'error', code },
    tokens_in: undefined,
    tokens_out: undefined,
  };
}

import type { FieldTable } from '../field-table.ts';
import type { Attributes, OtlpLog } from '../otlp/model.ts';
import { type CodingAgent, firstText, NOTHING, number, type Said, statusOf, type ToolSaid, text } from './agent.ts';
import { COMMON_ROWS } from './fields.ts';
import { type Arguments, argumentsOf } from './targets.ts';

/** Claude Code 2.1: code.claude.com/docs/en/monitoring-usage, section Events. */
export const CLAUDE_CODE_FIELDS: FieldTable = {
  format: 'claude_code',
  rows: [
    ...COMMON_ROWS,
    { from: 'session.id', to: 'session' },
    { from: 'user.account_uuid', to: 'identity.id; on_behalf_of, where there is no user.email' },
    { from: 'user.email', to: 'on_behalf_of; identity.name; identity.id, where there is no user.account_uuid' },
    { from: 'user.id', to: 'identity.id, where there is neither' },
    { from: 'organization.id', to: 'identity.owner, identity.peer_group' },
    { from: 'app.version', to: 'identity.version' },
    { from: 'resource:service.version', to: 'identity.version, where there is no app.version' },
    { from: 'tool_name', to: 'tool.name, tool.server, action.operation' },
    { from: 'tool_use_id', to: 'id' },
    { from: 'success', to: 'outcome.status' },
    { from: 'decision', to: 'outcome.status of a call that was denied' },
    { from: 'source', to: 'outcome.code of a call that was denied' },
    { from: 'error_type', to: 'outcome.code' },
    { from: 'error', to: 'dropped' },
    { from: 'tool_input_size_bytes', to: 'volume.bytes_in' },
    { from: 'tool_result_size_bytes', to: 'volume.bytes_out' },
    { from: 'tool_input', to: 'resources; the rest is dropped' },
    { from: 'tool_parameters', to: 'tool.name and tool.server of MCP tools, resources; the rest is dropped' },
    { from: 'model', to: 'model' },
    { from: 'input_tokens', to: 'volume.tokens_in of a model call' },
    { from: 'cache_read_tokens', to: 'volume.tokens_in of a model call' },
    { from: 'cache_creation_tokens', to: 'volume.tokens_in of a model call' },
    { from: 'output_tokens', to: 'volume.tokens_out of a model call' },
    { from: 'status_code', to: 'outcome.code of a model call' },
    { from: 'request_id', to: 'id of a model call' },
    { from: 'client_request_id', to: 'id of a model call, where there is no request_id' },
  ],
};

export const claudeCode: CodingAgent = {
  name: 'claude-code',
  title: 'Claude Code',
  prefix: 'claude_code.',
  scopes: new Set(['com.anthropic.claude_code.events']),
  services: new Set(['claude-code']),
  foreign: new Set(),
  fields: CLAUDE_CODE_FIELDS,
  session: 'session.id',
  tool: 'tool_name',
  who({ attributes, resource }) {
    const email = text(attributes, 'user.email');
    const account = text(attributes, 'user.account_uuid');
    return {
      user: account ?? email ?? text(attributes, 'user.id'),
      human: email ?? account,
      email,
      organisation: text(attributes, 'organization.id'),
      version: text(attributes, 'app.version') ?? text(resource, 'service.version'),
    };
  },
  read,
};

function read(event: string, { attributes }: OtlpLog): Said {
  if (event === 'tool_result') {
    const outcome = { status: statusOf(attributes, 'success'), code: text(attributes, 'error_type') };
    return toolSaid(attributes, outcome);
  }
  if (event === 'tool_decision') {
    // A call that was let through has a tool_result of its own; one that was not has none.
    if (text(attributes, 'decision') !== 'reject') return NOTHING;
    return toolSaid(attributes, { status: 'denied', code: text(attributes, 'source') });
  }
  if (event === 'api_request' || event === 'api_error') return modelSaid(event, attributes);
  return event === 'user_prompt' ? { kind: 'prompt' } : NOTHING;
}

function toolSaid(attributes: Attributes, outcome: ToolSaid['outcome']): ToolSaid {
  const parameters = argumentsOf(attributes.get('tool_parameters'));
  const server = parameters.document?.mcp_server_name;
  const mcp_tool = parameters.document?.mcp_tool_name;
  const named = typeof server === 'string' && server !== '' && typeof mcp_tool === 'string' && mcp_tool !== '';
  return {
    kind: 'tool',
    call_id: text(attributes, 'tool_use_id'),
    tool: named ? mcp_tool : text(attributes, 'tool_name'),
    server: named ? server : undefined,
    outcome,
    bytes_in: number(attributes, 'tool_input_size_bytes'),
    bytes_out: number(attributes, 'tool_result_size_bytes'),
    arguments: together(argumentsOf(attributes.get('tool_input')), parameters),
  };
}

/** What the parameters of Claude Code's own tools hold of the arguments. */
const WHOLE_ARGUMENTS = ['full_command', 'bash_command', 'skill_name', 'subagent_type'] as const;

/** The arguments, whose long values come cut, beside those that the parameters hold whole. */
function together(input: Arguments, parameters: Arguments): Arguments {
  const whole = WHOLE_ARGUMENTS.map((name) => [name, parameters.document?.[name]] as const);
  const there = whole.filter(([, value]) => typeof value === 'string');
  if (there.length === 0) return input;
  return { ...input, document: { ...input.document, ...Object.fromEntries(there) } };
}

function modelSaid(event: string, attributes: Attributes): Said {
  const input = ['input_tokens', 'cache_read_tokens', 'cache_creation_tokens']
    .map((name) => number(attributes, name))
    .filter((tokens) => tokens !== undefined);
  return {
    kind: 'model',
    call_id: firstText(attributes, ['request_id', 'client_request_id']),
    model: text(attributes, 'model'),
    outcome: { status: event === 'api_error' ? 'error' : 'ok', code: text(attributes, 'status_code') },
    tokens_in: input.length === 0 ? undefined : input.reduce((sum, tokens) => sum + tokens, 0),
    tokens_out: number(attributes, 'output_tokens'),
  };
}

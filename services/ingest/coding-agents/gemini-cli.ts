import { bytesOf } from '../content.ts';
import type { FieldTable } from '../field-table.ts';
import type { Attributes, OtlpLog } from '../otlp/model.ts';
import { type CodingAgent, firstText, NOTHING, number, type Said, statusOf, type ToolSaid, text } from './agent.ts';
import { COMMON_ROWS } from './fields.ts';
import { argumentsOf } from './targets.ts';

/** Gemini CLI: packages/core/src/telemetry/types.ts of github.com/google-gemini/gemini-cli. */
export const GEMINI_CLI_FIELDS: FieldTable = {
  format: 'gemini_cli',
  rows: [
    ...COMMON_ROWS,
    { from: 'session.id', to: 'session' },
    { from: 'resource:session.id', to: 'session, where the record has none' },
    { from: 'user.email', to: 'identity.id, on_behalf_of; identity.name' },
    { from: 'installation.id', to: 'identity.id, where there is no user.email' },
    { from: 'function_name', to: 'tool.name, tool.server, action.operation' },
    { from: 'mcp_server_name', to: 'tool.server' },
    { from: 'success', to: 'outcome.status' },
    { from: 'decision', to: 'outcome.status (denied when it is reject)' },
    { from: 'error_type', to: 'outcome.code; outcome.status (denied when it is policy_violation)' },
    { from: 'error.type', to: 'outcome.code, where there is no error_type' },
    { from: 'function_args', to: 'volume.bytes_in, resources; the rest is dropped' },
    { from: 'content_length', to: 'volume.bytes_out' },
    { from: 'error', to: 'dropped' },
    { from: 'error.message', to: 'dropped' },
    { from: 'metadata', to: 'dropped' },
    { from: 'model', to: 'model' },
    { from: 'input_token_count', to: 'volume.tokens_in of a model call' },
    { from: 'output_token_count', to: 'volume.tokens_out of a model call' },
    { from: 'status_code', to: 'outcome.code of a model call' },
    { from: 'response_text', to: 'dropped' },
  ],
};

export const geminiCli: CodingAgent = {
  name: 'gemini-cli',
  title: 'Gemini CLI',
  prefix: 'gemini_cli.',
  scopes: new Set(['gemini-cli']),
  services: new Set(['gemini-cli']),
  foreign: new Set(['gen_ai.client.inference.operation.details']),
  fields: GEMINI_CLI_FIELDS,
  session: 'session.id',
  tool: 'function_name',
  who({ attributes }) {
    const email = text(attributes, 'user.email');
    // The service.version of Gemini CLI is that of Node, so the agent's own version is not known.
    return {
      user: email ?? text(attributes, 'installation.id'),
      human: email,
      email,
      organisation: undefined,
      version: undefined,
    };
  },
  read,
};

function read(event: string, { attributes }: OtlpLog): Said {
  if (event === 'tool_call') return toolSaid(attributes);
  if (event === 'api_response' || event === 'api_error') return modelSaid(event, attributes);
  return event === 'user_prompt' || event === 'config' ? { kind: 'prompt' } : NOTHING;
}

/** One record tells of decision and result. */
function toolSaid(attributes: Attributes): ToolSaid {
  const given = argumentsOf(attributes.get('function_args'));
  const code = firstText(attributes, ['error_type', 'error.type']);
  const denied = text(attributes, 'decision') === 'reject' || code === 'policy_violation';
  return {
    kind: 'tool',
    call_id: undefined,
    tool: text(attributes, 'function_name'),
    server: text(attributes, 'mcp_server_name'),
    outcome: { status: denied ? 'denied' : statusOf(attributes, 'success'), code },
    bytes_in: bytesOf(given.content),
    bytes_out: number(attributes, 'content_length'),
    arguments: given,
  };
}

function modelSaid(event: string, attributes: Attributes): Said {
  return {
    kind: 'model',
    call_id: undefined,
    model: text(attributes, 'model'),
    outcome: { status: event === 'api_error' ? 'error' : 'ok', code: text(attributes, 'status_code') },
    tokens_in: number(attributes, 'input_token_count'),
    tokens_out: number(attributes, 'output_token_count'),
  };
}

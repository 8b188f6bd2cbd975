import type { Normalised } from '../normaliser.ts';
import type { OtlpLog } from '../otlp/model.ts';
import { ABSORBED, type CodingAgent, identityOf, number, recordId, text } from './agent.ts';

/** Claude Code: `claude_code.*`. */
export const claudeCode: CodingAgent = {
  prefix: 'claude_code.',
  scopes: new Set(['com.anthropic.claude_code.events']),
  services: new Set(['claude-code']),
  normalise(event, log) {
    if (event === 'tool_result') return call(log, text(log.attributes, 'success') === 'false' ? 'error' : 'ok');
    if (event === 'tool_decision' && text(log.attributes, 'decision') === 'reject') return call(log, 'denied');
    return ABSORBED;
  },
};

function call(log: OtlpLog, status: 'ok' | 'error' | 'denied'): Normalised {
  const { attributes } = log;
  const session = text(attributes, 'session.id');
  const user = text(attributes, 'user.account_uuid') ?? text(attributes, 'user.email') ?? text(attributes, 'user.id');
  const on_behalf_of = text(attributes, 'user.email') ?? user;
  const bytes_in = number(attributes, 'tool_input_size_bytes');
  const bytes_out = number(attributes, 'tool_result_size_bytes');
  return {
    kind: 'candidate',
    input: {
      id:
        text(attributes, 'tool_use_id') ??
        recordId([session, text(attributes, 'event.sequence'), log.time_ms, text(attributes, 'tool_name')]),
      time: log.time_ms > 0 ? log.time_ms : log.observed_ms,
      identity: identityOf(log, 'claude-code', user, text(attributes, 'app.version')),
      tool: { name: text(attributes, 'tool_name') },
      volume: { ...(bytes_in === undefined ? {} : { bytes_in }), ...(bytes_out === undefined ? {} : { bytes_out }) },
      outcome: { status },
      ...(session === undefined ? {} : { session }),
      ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
    },
    origin: undefined,
    leftovers: undefined,
    tool_arguments: undefined,
    explain: undefined,
  };
}

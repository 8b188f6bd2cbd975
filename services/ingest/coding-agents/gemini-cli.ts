import type { Normalised } from '../normaliser.ts';
import type { OtlpLog } from '../otlp/model.ts';
import { ABSORBED, type CodingAgent, identityOf, recordId, text } from './agent.ts';

/** Gemini CLI: `gemini_cli.*`, and some events without prefix. */
export const geminiCli: CodingAgent = {
  prefix: 'gemini_cli.',
  scopes: new Set(['gemini-cli']),
  services: new Set(['gemini-cli']),
  normalise(event, log) {
    return event === 'tool_call' ? call(log) : ABSORBED;
  },
};

function call(log: OtlpLog): Normalised {
  const { attributes } = log;
  const session = text(attributes, 'session.id');
  const user = text(attributes, 'user.email') ?? text(attributes, 'installation.id');
  const on_behalf_of = text(attributes, 'user.email');
  const name = text(attributes, 'function_name');
  const denied = text(attributes, 'decision') === 'reject';
  return {
    kind: 'candidate',
    input: {
      id: recordId([session, text(attributes, 'event.timestamp'), log.time_ms, name]),
      time: log.time_ms > 0 ? log.time_ms : log.observed_ms,
      identity: identityOf(log, 'gemini-cli', user, text(log.resource, 'service.version')),
      tool: { name },
      outcome: { status: denied ? 'denied' : text(attributes, 'success') === 'false' ? 'error' : 'ok' },
      ...(session === undefined ? {} : { session }),
      ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
    },
    origin: undefined,
    leftovers: undefined,
    tool_arguments: undefined,
    explain: undefined,
  };
}

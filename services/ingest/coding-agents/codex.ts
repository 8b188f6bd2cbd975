import type { Normalised } from '../normaliser.ts';
import type { OtlpLog } from '../otlp/model.ts';
import { ABSORBED, type CodingAgent, identityOf, recordId, text } from './agent.ts';

/** Codex: `codex.*`. */
export const codex: CodingAgent = {
  prefix: 'codex.',
  scopes: new Set(),
  services: new Set(),
  normalise(event, log) {
    return event === 'tool_result' ? call(log) : ABSORBED;
  },
};

function call(log: OtlpLog): Normalised {
  const { attributes } = log;
  const session = text(attributes, 'conversation.id');
  const user = text(attributes, 'user.account_id') ?? text(attributes, 'user.email');
  const on_behalf_of = text(attributes, 'user.email') ?? user;
  const model = text(attributes, 'model');
  return {
    kind: 'candidate',
    input: {
      id: text(attributes, 'call_id') ?? recordId([session, log.time_ms, text(attributes, 'tool_name')]),
      time: log.time_ms > 0 ? log.time_ms : log.observed_ms,
      identity: identityOf(log, 'codex', user, text(attributes, 'app.version')),
      tool: { name: text(attributes, 'tool_name') },
      outcome: { status: text(attributes, 'success') === 'false' ? 'error' : 'ok' },
      ...(session === undefined ? {} : { session }),
      ...(on_behalf_of === undefined ? {} : { on_behalf_of }),
      ...(model === undefined ? {} : { model }),
    },
    origin: undefined,
    leftovers: undefined,
    tool_arguments: undefined,
    explain: undefined,
  };
}

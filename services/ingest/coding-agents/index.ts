import type { Normalised } from '../normaliser.ts';
import type { OtlpLog } from '../otlp/model.ts';
import type { IngestSettings } from '../settings.ts';
import type { CodingAgent } from './agent.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import { geminiCli } from './gemini-cli.ts';

const AGENTS: readonly CodingAgent[] = [claudeCode, codex, geminiCli];

/**
 * What becomes of a log record of a coding agent (Claude Code, Codex, Gemini CLI), undefined when it is of none of them.
 * An execution of a tool is an event, as is one that was denied; every other record only informs.
 */
export function codingAgentEvent(log: OtlpLog, settings: IngestSettings): Normalised | undefined {
  for (const agent of AGENTS) {
    const event = eventOf(log, agent);
    if (event !== undefined) return agent.normalise(event, log, settings);
  }
  return undefined;
}

/**
 * The event's name without the agent's prefix. It stands in the field `event_name`, in the attribute `event.name`, or in
 * the body; a name without prefix counts where the scope or the service is the agent's.
 */
function eventOf(log: OtlpLog, agent: CodingAgent): string | undefined {
  const names = [log.attributes.get('event.name'), log.event_name, log.body];
  for (const name of names) {
    if (typeof name === 'string' && name.startsWith(agent.prefix)) return name.slice(agent.prefix.length);
  }
  if (!agent.scopes.has(log.scope.name) && !agent.services.has(String(log.resource.get('service.name')))) {
    return undefined;
  }
  return names.find((name) => typeof name === 'string' && name !== '') as string | undefined;
}

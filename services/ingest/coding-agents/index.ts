import type { Normalised, Tells } from '../normaliser.ts';
import type { AttributeValue, OtlpLog, OtlpSpan } from '../otlp/model.ts';
import type { IngestSettings } from '../settings.ts';
import type { CodingAgent, Emitted } from './agent.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import { absorbed, modelEvent, toolEvent } from './event.ts';
import { geminiCli } from './gemini-cli.ts';
import { settledOf } from './who.ts';

const AGENTS: readonly CodingAgent[] = [claudeCode, codex, geminiCli];

/**
 * What becomes of a log record of a coding agent (Claude Code, Codex, Gemini CLI), undefined when it is of none of them.
 * An execution of a tool is an event, as is one that was denied; every other record only informs.
 */
export function codingAgentEvent(log: OtlpLog, settings: IngestSettings): Normalised | undefined {
  const names = NAME_PLACES.map((place) => place(log)).filter((name) => typeof name === 'string');
  for (const agent of AGENTS) {
    const name = names.find((one) => one.startsWith(agent.prefix));
    if (name !== undefined) return become(agent, name.slice(agent.prefix.length), log, settings);
  }
  const agent = AGENTS.find((one) => isOf(log, one));
  const name = agent === undefined ? undefined : names.find((one) => BARE.test(one) || agent.foreign.has(one));
  return agent === undefined || name === undefined ? undefined : become(agent, name, log, settings);
}

/**
 * What a span of a coding agent tells: whose it is, and nothing of calls, which the agent's logs tell already. Undefined
 * for a span of anybody else.
 */
export function codingAgentSpan(span: OtlpSpan, settings: IngestSettings): Pick<Tells, 'settled'> | undefined {
  const agent = AGENTS.find((one) => span.name.startsWith(one.prefix) || isOf(span, one));
  if (agent === undefined) return undefined;
  const { resolved, fields } = settledOf(agent, span, settings);
  return resolved ? { settled: fields } : {};
}

/** Where agents write an event's name, with their prefix or without it. */
const NAME_PLACES: readonly ((log: OtlpLog) => AttributeValue)[] = [
  (log) => log.attributes.get('event.name'),
  (log) => log.event_name,
  (log) => log.body,
  (log) => log.attributes.get('event_name'),
];
const BARE = /^[a-z][a-z_]{0,63}$/;

function isOf({ resource, scope }: Emitted, agent: CodingAgent): boolean {
  const service = resource.get('service.name');
  return agent.scopes.has(scope.name) || (typeof service === 'string' && agent.services.has(service));
}

function become(agent: CodingAgent, event: string, log: OtlpLog, settings: IngestSettings): Normalised {
  const said = agent.read(event, log);
  if (said.kind === 'tool') return toolEvent(agent, said, log, settings);
  if (said.kind === 'model' && settings.otlp.model_calls === 'accepted') return modelEvent(agent, said, log, settings);
  return said.kind === 'prompt' ? absorbed(agent, log, settings) : { kind: 'absorbed' };
}

import { hash } from 'node:crypto';
import { LIMITS } from '../../../schemas/limits.ts';
import type { SpanLink } from '../../../schemas/span.ts';
import { codingAgentEvent } from '../coding-agents/index.ts';
import type { Normalised } from '../normaliser.ts';
import { type OtlpLog, SPAN_KIND, STATUS } from '../otlp/model.ts';
import { excerpt } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import { refuseTime } from '../time.ts';
import { classify } from './classify.ts';
import { type Acted, actEvent, modelEvent } from './event.ts';
import { FIELDS, nameOf } from './fields.ts';
import { outcomeOf } from './outcome.ts';
import { absorbed } from './span.ts';
import { whoseIs, workloadOf } from './whose.ts';

/**
 * One log record: of a coding agent, or an event of the GenAI conventions. A record that belongs to a span tells of that
 * span, which is the event; one that stands alone is an event itself when it is about an act.
 */
export function normaliseLog(log: OtlpLog, settings: IngestSettings): Normalised {
  const of_agent = codingAgentEvent(log, settings);
  if (of_agent !== undefined) return of_agent;
  const name = log.event_name ?? nameOf(log.attributes, FIELDS.event_name);
  const what = classify(log.attributes, SPAN_KIND.unspecified, false);
  if (name?.startsWith('gen_ai.') !== true && what.kind === 'other') return unknownLog(name);
  const time = Math.trunc(log.time_ms > 0 ? log.time_ms : log.observed_ms);
  if (!(time >= LIMITS.time_ms_min && time <= LIMITS.time_ms_max)) return refuseTime(time, 'time_unix_nano');
  const standing = { run_of_agent: what.kind === 'agent', has_parent: log.span_id !== undefined };
  const workload = workloadOf(log.resource);
  const whose = whoseIs({ ...log, workload }, standing, settings.identity);
  const link = linkOf(log, workload);
  if (link !== undefined) return whose.settled ? absorbed(link, time, whose) : { kind: 'absorbed' };
  const acted = (): Acted => actedOf({ log, name: name ?? '', time, workload, whose });
  if (what.kind === 'act') return actEvent(acted(), what.act, settings);
  if (what.kind === 'model' && isDetails(name) && settings.otlp.model_calls === 'accepted') {
    return modelEvent(acted(), what.name, settings);
  }
  return { kind: 'absorbed' };
}

/** The one event that stands for a whole call of a model; the others are its messages, or what came of it. */
function isDetails(name: string | undefined): boolean {
  return name === 'gen_ai.client.inference.operation.details';
}

type Logged = Pick<Acted, 'name' | 'time' | 'workload' | 'whose'> & { readonly log: OtlpLog };

function actedOf(logged: Logged): Acted {
  const { log, ...rest } = logged;
  const { attributes } = log;
  const outcome = outcomeOf(attributes, STATUS.unset, true);
  return { ...rest, id: idOf(logged), attributes, events: [], outcome, link: undefined };
}

const ID_HASH_CHARS = 32;

/** A record's own id, that of the call it is about, else a hash of what tells it from others. */
function idOf({ log, name, time, workload, whose }: Logged): string {
  const own = nameOf(log.attributes, FIELDS.record_uid) ?? nameOf(log.attributes, FIELDS.call_id);
  if (own !== undefined) return own;
  const tool = nameOf(log.attributes, FIELDS.tool);
  const parts = [workload, name, time, log.observed_ms, whose.identity.id, whose.session, tool];
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, ID_HASH_CHARS);
}

/** The place of the span that the record belongs to. */
function linkOf({ trace_id, span_id }: OtlpLog, workload: string): SpanLink | undefined {
  if (trace_id === undefined || span_id === undefined) return undefined;
  return { kind: 'span', trace_id, span_id, workload };
}

function unknownLog(name: string | undefined): Normalised {
  const message =
    `event_name: ${excerpt(name)} is no known event; tried Claude Code (claude_code.*), Codex (codex.*), ` +
    'Gemini CLI (gemini_cli.*) and the GenAI conventions (gen_ai.*); leave other logs out in the Collector';
  return { kind: 'refused', reason: 'format_unknown', field: 'event_name', message };
}

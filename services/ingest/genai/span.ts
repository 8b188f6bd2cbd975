import { LIMITS } from '../../../schemas/limits.ts';
import type { SpanLink } from '../../../schemas/span.ts';
import { codingAgentSpan } from '../coding-agents/index.ts';
import type { Absorbed, Normalised } from '../normaliser.ts';
import type { OtlpSpan } from '../otlp/model.ts';
import type { IngestSettings } from '../settings.ts';
import { refuseTime } from '../time.ts';
import { classify } from './classify.ts';
import { type Acted, actEvent, modelEvent } from './event.ts';
import { outcomeOf } from './outcome.ts';
import { nameIn } from './selectors.ts';
import { type Whose, whoseIs, workloadOf } from './whose.ts';

/**
 * One span under the GenAI conventions (OpenTelemetry semantic conventions, gen-ai; older and other names as in
 * fields.ts). An act of an agent is an event at the time it ended, when its sizes are known; every other span only tells
 * its place, and whose it is where it says so.
 */
export function normaliseSpan(span: OtlpSpan, settings: IngestSettings): Normalised {
  const { attributes, resource } = span;
  const has_parent = span.parent_span_id !== undefined;
  const what = classify(attributes, span.kind, has_parent);
  const ended = span.end_ms > 0;
  const time = Math.trunc(ended ? span.end_ms : span.start_ms);
  if (!(time >= LIMITS.time_ms_min && time <= LIMITS.time_ms_max)) return refuseTime(time, 'end_time_unix_nano');
  const workload = workloadOf(resource);
  const whose = whoseIs(
    { attributes, resource, workload },
    { run_of_agent: what.kind === 'agent', has_parent },
    settings.identity,
  );
  const link = linkOf(span, workload, whose.session);
  const of_agent = codingAgentSpan(span, settings);
  if (of_agent !== undefined) return { kind: 'absorbed', tells: { link, time, ...of_agent } };
  const acted = (): Acted => ({
    id: span.span_id,
    time,
    name: span.name,
    attributes,
    workload,
    events: span.events,
    outcome: outcomeOf(attributes, span.status.code, ended),
    whose,
    link,
  });
  if (what.kind === 'act') return actEvent(acted(), what.act, settings);
  if (what.kind === 'server' && settings.otlp.server_calls === 'accepted') return actEvent(acted(), what.act, settings);
  if (what.kind === 'model' && settings.otlp.model_calls === 'accepted')
    return modelEvent(acted(), what.name, settings);
  return absorbed(link, time, whose);
}

export function absorbed(link: SpanLink, time: number, { settled, ...own }: Whose): Absorbed {
  return { kind: 'absorbed', tells: { link, time, ...(settled ? { settled: own } : {}) } };
}

function linkOf(span: OtlpSpan, workload: string, session: string | undefined): SpanLink {
  const instance = nameIn(span.resource.get('service.instance.id'));
  return {
    kind: 'span',
    trace_id: span.trace_id,
    span_id: span.span_id,
    ...(span.parent_span_id === undefined ? {} : { parent_span_id: span.parent_span_id }),
    workload,
    ...(fits(instance) ? { instance } : {}),
    ...(fits(session) ? { conversation: session } : {}),
  };
}

/** What is too long to be a name binds nothing. */
function fits(name: string | undefined): name is string {
  return name !== undefined && name.length <= LIMITS.id_chars_max;
}

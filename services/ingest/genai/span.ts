import type { SpanLink } from '../../../schemas/span.ts';
import { unresolvedId } from '../../../schemas/span.ts';
import type { Normalised } from '../normaliser.ts';
import type { Attributes, OtlpSpan } from '../otlp/model.ts';
import { STATUS } from '../otlp/model.ts';
import type { IngestSettings } from '../settings.ts';

/** One span under the GenAI conventions: a tool call is an event, every other span only tells its place and identity. */
export function normaliseSpan(span: OtlpSpan, _settings: IngestSettings): Normalised {
  const link = linkOf(span);
  const time = span.end_ms > 0 ? span.end_ms : span.start_ms;
  const id = text(span.attributes, 'gen_ai.agent.id') ?? text(span.resource, 'gen_ai.agent.id');
  const name = text(span.attributes, 'gen_ai.agent.name') ?? text(span.resource, 'gen_ai.agent.name');
  const session = text(span.attributes, 'gen_ai.conversation.id');
  const identity = {
    id: id ?? unresolvedId(link.workload),
    kind: 'agent',
    ...(name === undefined ? {} : { name }),
    peer_group: link.workload,
  };
  const tool = text(span.attributes, 'gen_ai.tool.name');
  if (tool === undefined) {
    const settled = { identity, ...(session === undefined ? {} : { session }) };
    return { kind: 'absorbed', tells: { link, time, ...(id === undefined ? {} : { settled }) } };
  }
  const tool_arguments =
    span.attributes.get('gen_ai.tool.call.arguments') ?? span.attributes.get('gen_ai.tool.arguments');
  return {
    kind: 'candidate',
    input: {
      id: span.span_id,
      time,
      identity,
      tool: { name: tool },
      outcome: { status: span.status.code === STATUS.error ? 'error' : 'ok' },
      ...(session === undefined ? {} : { session }),
      trace: {
        trace_id: span.trace_id,
        span_id: span.span_id,
        ...(span.parent_span_id === undefined ? {} : { parent_span_id: span.parent_span_id }),
      },
    },
    origin: undefined,
    leftovers: undefined,
    tool_arguments,
    explain: undefined,
    link,
    ...(id === undefined ? { awaits: 'identity' as const } : {}),
  };
}

function linkOf(span: OtlpSpan): SpanLink {
  const instance = text(span.resource, 'service.instance.id');
  const conversation = text(span.attributes, 'gen_ai.conversation.id');
  return {
    kind: 'span',
    trace_id: span.trace_id,
    span_id: span.span_id,
    ...(span.parent_span_id === undefined ? {} : { parent_span_id: span.parent_span_id }),
    workload: text(span.resource, 'service.name') ?? 'unknown_service',
    ...(instance === undefined ? {} : { instance }),
    ...(conversation === undefined ? {} : { conversation }),
  };
}

function text(attributes: Attributes, name: string): string | undefined {
  const value = attributes.get(name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

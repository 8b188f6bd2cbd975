import assert from 'node:assert/strict';
import { ContentConfig, IdentityConfig, OtlpConfig } from '../../schemas/ingest-settings.ts';
import { canonicalise } from '../../services/ingest/canonicalise.ts';
import { type Catalogue, emptyCatalogue } from '../../services/ingest/catalogue.ts';
import { normaliseLog } from '../../services/ingest/genai/log.ts';
import { normaliseSpan } from '../../services/ingest/genai/span.ts';
import type { Absorbed, Candidate, Normalised } from '../../services/ingest/normaliser.ts';
import { type AttributeValue, type OtlpLog, type OtlpSpan, SPAN_KIND } from '../../services/ingest/otlp/model.ts';
import { createSettings, DEFAULT_SETTINGS, type IngestSettings } from '../../services/ingest/settings.ts';
import { isEventInput } from '../../services/ingest/validate.ts';
import { MONDAY_MS } from './support.ts';

export type Values = Readonly<Record<string, AttributeValue>>;

export const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
export const SPAN = '00f067aa0ba902b7';
export const PARENT = 'b7ad6b7169203331';

const map = (values: Values): Map<string, AttributeValue> => new Map(Object.entries(values));
const RESOURCE = { 'service.name': 'assistant', 'service.namespace': 'shop', 'service.instance.id': 'i-1' };

type SpanParts = Partial<Omit<OtlpSpan, 'attributes' | 'resource' | 'events'>> & {
  readonly resource?: Values;
  readonly events?: readonly { readonly name: string; readonly attributes: Values }[];
};

/** A span of an agent's service that lasted one second and has a parent, unless `parts` say otherwise. */
export function span(attributes: Values, parts: SpanParts = {}): OtlpSpan {
  const { resource, events, ...more } = parts;
  return {
    resource: map({ ...RESOURCE, ...resource }),
    scope: { name: 'test', version: '1' },
    attributes: map(attributes),
    trace_id: TRACE,
    span_id: SPAN,
    parent_span_id: PARENT,
    name: 'span',
    kind: SPAN_KIND.internal,
    start_ms: MONDAY_MS - 1_000,
    end_ms: MONDAY_MS,
    status: { code: 0, message: '' },
    events: (events ?? []).map((event) => ({ ...event, time_ms: MONDAY_MS, attributes: map(event.attributes) })),
    ...more,
  };
}

/** A log record of the same service that belongs to no span. */
export function log(attributes: Values, parts: Partial<Omit<OtlpLog, 'attributes'>> = {}): OtlpLog {
  return {
    resource: map(RESOURCE),
    scope: { name: 'test', version: '1' },
    attributes: map(attributes),
    time_ms: MONDAY_MS,
    observed_ms: MONDAY_MS + 5,
    event_name: undefined,
    severity_number: 9,
    body: undefined,
    trace_id: undefined,
    span_id: undefined,
    ...parts,
  };
}

/** Settings of a configuration that says no more than this. */
export function settingsOf(
  said: { readonly identity?: unknown; readonly content?: unknown; readonly otlp?: unknown },
  hash_key?: string,
): IngestSettings {
  const identity = IdentityConfig.parse(said.identity ?? {});
  const content = ContentConfig.parse(said.content ?? {});
  return createSettings({ identity, content, otlp: OtlpConfig.parse(said.otlp ?? {}) }, hash_key);
}

export function candidate(normalised: Normalised): Candidate {
  if (normalised.kind === 'candidate') return normalised;
  return assert.fail(normalised.kind === 'refused' ? normalised.message : 'absorbed');
}

export function absorbed(normalised: Normalised): Absorbed {
  if (normalised.kind === 'absorbed') return normalised;
  return assert.fail(normalised.kind === 'refused' ? normalised.message : 'a candidate');
}

/** The canonical content that ingest makes of a candidate. */
export function contentOf(normalised: Normalised, catalogue: Catalogue = emptyCatalogue()) {
  const { input, leftovers, tool_arguments, targets } = candidate(normalised);
  assert.ok(isEventInput(input), 'is a valid event');
  const around = { origin: 'test', tenant: 'default', plain: false, catalogue, leftovers, tool_arguments, targets };
  const canonical = canonicalise(input, around);
  return canonical.kind === 'canonicalised' ? canonical.content : assert.fail(canonical.message);
}

/** What becomes of a span that is an event. */
export function eventOf(attributes: Values, parts: SpanParts = {}, settings: IngestSettings = DEFAULT_SETTINGS) {
  return contentOf(normaliseSpan(span(attributes, parts), settings));
}

/** What a span tells that is no event. */
export function toldBy(attributes: Values, parts: SpanParts = {}, settings: IngestSettings = DEFAULT_SETTINGS) {
  return absorbed(normaliseSpan(span(attributes, parts), settings)).tells;
}

export function logged(
  attributes: Values,
  parts: Partial<Omit<OtlpLog, 'attributes'>> = {},
  settings = DEFAULT_SETTINGS,
) {
  return normaliseLog(log(attributes, parts), settings);
}

/** A tool call under the current conventions. */
export const CALL: Values = {
  'gen_ai.operation.name': 'execute_tool',
  'gen_ai.tool.name': 'get_weather',
  'gen_ai.agent.id': 'agent-7',
};

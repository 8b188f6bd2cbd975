import assert from 'node:assert/strict';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { ContentConfig, IdentityConfig, OtlpConfig } from '../../schemas/ingest-settings.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import { codingAgentEvent } from '../../services/ingest/coding-agents/index.ts';
import { type Decided, decideItem } from '../../services/ingest/core.ts';
import type { Normalised, Normaliser } from '../../services/ingest/normaliser.ts';
import {
  type Attributes,
  type AttributeValue,
  type OtlpLog,
  type OtlpSpan,
  SPAN_KIND,
  STATUS,
} from '../../services/ingest/otlp/model.ts';
import { createSettings, DEFAULT_SETTINGS, type IngestSettings } from '../../services/ingest/settings.ts';

export const TIME = Date.parse('2026-03-02T09:00:00.250Z');

/** A value as an attribute: objects are what OTLP calls a kvlist. */
export type Plain = string | number | boolean | undefined | readonly Plain[] | { readonly [name: string]: Plain };

export function attribute(value: Plain): AttributeValue {
  if (Array.isArray(value)) return value.map(attribute);
  if (typeof value === 'object') return attributes(value as { readonly [name: string]: Plain });
  return value as string | number | boolean | undefined;
}

export const attributes = (plain: { readonly [name: string]: Plain }): Attributes =>
  new Map(Object.entries(plain).map(([name, value]) => [name, attribute(value)]));

export type LogParts = Omit<Partial<OtlpLog>, 'attributes' | 'resource' | 'scope'> & {
  readonly attributes: { readonly [name: string]: Plain };
  readonly resource?: { readonly [name: string]: Plain };
  readonly scope?: string;
};

export function logOf({ attributes: own, resource, scope, ...more }: LogParts): OtlpLog {
  return {
    attributes: attributes(own),
    resource: attributes(resource ?? {}),
    scope: { name: scope ?? '', version: '' },
    time_ms: TIME,
    observed_ms: TIME,
    event_name: undefined,
    severity_number: 0,
    body: undefined,
    trace_id: undefined,
    span_id: undefined,
    ...more,
  };
}

type SpanParts = Pick<LogParts, 'attributes' | 'resource' | 'scope'> & { readonly name: string };

export function spanOf({ attributes: own, resource, scope, name }: SpanParts): OtlpSpan {
  return {
    attributes: attributes(own),
    resource: attributes(resource ?? {}),
    scope: { name: scope ?? '', version: '' },
    trace_id: 'a'.repeat(32),
    span_id: 'b'.repeat(16),
    parent_span_id: undefined,
    name,
    kind: SPAN_KIND.internal,
    start_ms: TIME - 5,
    end_ms: TIME,
    status: { code: STATUS.unset, message: '' },
    events: [],
  };
}

/** Settings as the configuration gives them, with the hash key beside it. */
export function settingsOf(
  config: { readonly identity?: unknown; readonly content?: unknown; readonly otlp?: unknown },
  hash_key?: string,
): IngestSettings {
  const { identity = {}, content = {}, otlp = {} } = config;
  return createSettings(
    { identity: IdentityConfig.parse(identity), content: ContentConfig.parse(content), otlp: OtlpConfig.parse(otlp) },
    hash_key,
  );
}

/** What ingest decides on a record, the whole way to the event. */
export function decide(log: OtlpLog, settings: IngestSettings = DEFAULT_SETTINGS): Decided {
  const normalised = codingAgentEvent(log, settings);
  assert.ok(normalised !== undefined, 'of no coding agent');
  return decideNormalised(normalised);
}

export function decideNormalised(normalised: Normalised): Decided {
  const format: Normaliser = { name: 'test', format: 'otlp', mismatch: () => undefined, normalise: () => [normalised] };
  const context = {
    formats: [format],
    catalogue: emptyCatalogue(),
    origin: 'test',
    tenant: 'default',
    now_ms: TIME,
  };
  const [decided, ...more] = decideItem({ bytes: Buffer.from('{}'), position: 'test' }, context);
  assert.ok(decided !== undefined && more.length === 0);
  return decided;
}

/** Asserts that a record only informs, and that nobody is told anything. */
export function assertAbsorbed(log: OtlpLog, message?: string): void {
  const decided = decide(log);
  assert.equal(decided.kind, 'absorbed', message ?? JSON.stringify(decided));
  assert.equal('tells' in decided && decided.tells !== undefined, false, message);
}

/** The field and the message of a refusal. */
export function deadOf(log: OtlpLog): { readonly field: string | undefined; readonly message: string } {
  const decided = decide(log);
  assert.equal(decided.kind, 'dead_letter', JSON.stringify(decided));
  const { field, message } = (decided as { readonly letter: DeadLetter }).letter;
  return { field, message };
}

/** Without the key, which is a hash of all the rest. */
export function withoutKey({ key, ...event }: CanonicalEvent): Omit<CanonicalEvent, 'key'> {
  assert.match(key, /^[0-9a-f]{32}$/);
  return event;
}

export const idsOf = ({ resources }: CanonicalEvent): readonly string[] => resources.map(({ id }) => id);

export function eventOf(log: OtlpLog, settings?: IngestSettings): CanonicalEvent {
  const decided = decide(log, settings);
  assert.equal(decided.kind, 'accepted', JSON.stringify(decided));
  return (decided as { readonly event: CanonicalEvent }).event;
}

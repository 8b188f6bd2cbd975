import type { Normalised } from '../normaliser.ts';
import type { OtlpLog } from '../otlp/model.ts';
import { excerpt } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';

/** One log record under the GenAI conventions, or of a coding agent. */
export function normaliseLog(log: OtlpLog, _settings: IngestSettings): Normalised {
  const name = log.event_name ?? log.attributes.get('event.name');
  if (typeof name === 'string' && name.startsWith('gen_ai.')) return { kind: 'absorbed' };
  const message = `event_name: ${excerpt(name)} is no event that is known; tried the GenAI events (gen_ai.*)`;
  return { kind: 'refused', reason: 'format_unknown', field: 'event_name', message };
}

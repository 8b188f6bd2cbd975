import { hash } from 'node:crypto';
import { unresolvedId } from '../../../schemas/span.ts';
import type { Normalised } from '../normaliser.ts';
import type { Attributes, OtlpLog } from '../otlp/model.ts';
import type { IngestSettings } from '../settings.ts';

/** A coding agent whose log records are read. */
export type CodingAgent = {
  /** Of its event names, as `claude_code.`. */
  readonly prefix: string;
  /** Instrumentation scopes and service names under which it writes nothing but its own events. */
  readonly scopes: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  normalise(event: string, log: OtlpLog, settings: IngestSettings): Normalised;
};

export const ABSORBED: Normalised = { kind: 'absorbed' };

/** A text, or a number or a truth value in the words that JSON has for it. Undefined when absent or empty. */
export function text(attributes: Attributes, name: string): string | undefined {
  const value = attributes.get(name);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A number, also when it is written as text. */
export function number(attributes: Attributes, name: string): number | undefined {
  const value = text(attributes, name);
  return value === undefined ? undefined : Number(value);
}

/** Who acts: the agent for its user, with the first of `users` that is known. */
export function identityOf(log: OtlpLog, group: string, user: string | undefined, version: string | undefined) {
  const owner = text(log.attributes, 'organization.id');
  return {
    id: user === undefined ? unresolvedId(group) : `${group}:${user}`,
    kind: 'agent' as const,
    peer_group: owner === undefined ? group : `${group}@${owner}`,
    ...(owner === undefined ? {} : { owner }),
    ...(version === undefined ? {} : { version }),
  };
}

/** The same on every delivery, and of no other record: a hash over what places the record. */
export function recordId(parts: readonly (string | number | undefined)[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);
}

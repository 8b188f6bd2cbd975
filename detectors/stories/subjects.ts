import type { CanonicalEvent } from '../../schemas/event.ts';
import type { HandedSubject } from '../../schemas/handed.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { FindingDraft } from '../contract.ts';

/**
 * What of a surprising event other identities can have to do with as well: what it names that is new to the identity, or
 * rare for it. An operation, a classification or an hour is shared by everybody and names nothing.
 */
const KINDS: ReadonlySet<string> = new Set([
  'resource',
  'tool',
  'server',
  'store',
  'credential',
  'address',
  'network',
  'workload',
]);
const NOVELTY = /^(first_seen|rare|foreign)_/;
/** Findings that say of an event that the resource it names is unusual, whatever they name themselves. */
const ABOUT_RESOURCE: ReadonlySet<string> = new Set(['resource', 'store', 'classification']);

/** Surprise in bits that a part has to have: less is said of a tenth of ordinary events. */
export const SUBJECT_BITS = 6;

export function subjectsOf(event: CanonicalEvent, drafts: readonly FindingDraft[]): HandedSubject[] {
  const found = new Map<string, HandedSubject>();
  const add = (kind: string, value: string): void => {
    if (value !== '') found.set(`${kind}\u0000${value}`, { kind, value: value.slice(0, LIMITS.resource_id_chars_max) });
  };
  const resource = event.resources[0]?.id;
  for (const { pattern, subject, bits } of drafts) {
    if (subject === undefined || bits < SUBJECT_BITS) continue;
    const novel = NOVELTY.test(pattern);
    if (resource !== undefined && ABOUT_RESOURCE.has(subject.kind) && (novel || pattern === 'sensitivity_reached')) {
      add('resource', resource);
    }
    if (novel && KINDS.has(subject.kind)) add(subject.kind, subject.value);
  }
  return [...found.values()].slice(0, LIMITS.handed_subjects_max);
}

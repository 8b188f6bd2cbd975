import { hash } from 'node:crypto';
import type { Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';

/** Patterns about the agent's own make: other tools, servers, versions and kinds of operation. */
const OF_TOOLS: ReadonlySet<string> = new Set([
  'first_seen_tool',
  'rare_tool',
  'unlikely_transition',
  'unlikely_sequence',
  'new_operation',
  'rare_operation',
  'first_seen_server',
  'rare_server',
  'first_seen_version',
  'first_seen_tool_version',
  'tool_set_change',
]);
/** Patterns about who acts from where, whose subject names one place or one credential. */
const OF_ACCESS: ReadonlySet<string> = new Set([
  'first_seen_address',
  'rare_address',
  'first_seen_network',
  'rare_network',
  'first_seen_workload',
  'rare_workload',
  'first_seen_credential',
  'rare_credential',
  'foreign_credential',
]);
/** Patterns of sums over days: the sum that goes on the next day is the same sum. */
const OF_DAYS: ReadonlySet<string> = new Set(['egress_drift', 'low_and_slow', 'sensitivity_creep']);
/** Other patterns that say all they have to say by naming something. Amounts, rates and runs are never among them. */
const NAMING: ReadonlySet<string> = new Set([
  'first_seen_credential_kind',
  'rare_credential_kind',
  'first_seen_target',
  'rare_target',
  'first_seen_resource',
  'rare_resource',
  'first_seen_store',
  'rare_store',
  'sensitivity_reached',
  'first_seen_classification',
  'rare_classification',
]);

export const isOfTools = ({ pattern }: Finding): boolean => OF_TOOLS.has(pattern);
export const isOfDays = ({ pattern }: Finding): boolean => OF_DAYS.has(pattern);
export const isOfAccess = ({ pattern }: Finding): boolean => OF_ACCESS.has(pattern);

/**
 * What the finding shows, such that one with the same key shows nothing else; undefined where each stands for itself, as
 * amounts, rates and runs do. Findings about the agent's make say the same of a subject whatever their pattern is.
 *
 * The key is 128 bits of SHA-256: a subject is text of the agent's choice, and up to a kilobyte long.
 */
export function shownBy({ pattern, subject }: Finding): string | undefined {
  if (OF_DAYS.has(pattern)) return pattern;
  if (subject === undefined) return undefined;
  const group = OF_TOOLS.has(pattern) ? 'tools' : OF_ACCESS.has(pattern) || NAMING.has(pattern) ? pattern : undefined;
  if (group === undefined) return undefined;
  return hash('sha256', [group, subject.kind, subject.value].join('\u0000'), 'hex').slice(0, 32);
}

/** The keys of what an alert showed, the latest last. Whatever it forgets of many opens an alert of its own. */
export function shownWith(before: readonly string[], findings: readonly Finding[]): readonly string[] {
  const added = new Set(findings.flatMap((finding) => shownBy(finding) ?? []));
  if (added.size === 0) return before;
  return [...before.filter((key) => !added.has(key)), ...added].slice(-LIMITS.alert_shown_max);
}

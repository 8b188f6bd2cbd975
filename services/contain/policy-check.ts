import type { PolicyDocument } from '../../schemas/policy.ts';
import type { Role } from '../../schemas/principal.ts';

/** Roles that only machines hold: asking for one of them asks for nobody. */
const OF_MACHINES: ReadonlySet<Role> = new Set(['siem', 'ingest']);

/** What is odd about a policy by itself, one sentence each: it is valid, and probably not what was meant. */
export function policyWarnings({ defaults, rules }: PolicyDocument): string[] {
  const parts = [{ name: 'defaults', ...defaults }, ...rules.map((rule) => ({ ...rule, name: `rule ${rule.name}` }))];
  const found = parts.flatMap(({ name, approvals, roles = [], quotas = [] }) => {
    const asked = quotas.map((quota) => quota.approvals);
    return [
      ...(roles.length > 0 && roles.every((role) => OF_MACHINES.has(role))
        ? [`${name} asks for roles that only machines hold: nobody could approve`]
        : []),
      ...quotas
        .filter(({ role }) => OF_MACHINES.has(role))
        .map(({ role }) => `${name} asks for approvals by ${role}, which only machines hold: nobody could approve`),
      ...(approvals !== undefined && Math.max(...asked) > approvals
        ? [`${name} asks for ${approvals} approvals and for more of one role: the larger number counts`]
        : []),
    ];
  });
  for (const { name, when: _, ...demands } of rules) {
    if (Object.keys(demands).length === 0) found.push(`rule ${name} asks for nothing`);
  }
  if (defaults.editors_excluded_ms === 0) found.push('whoever edits the policy may approve at once');
  if (defaults.made_excluded_ms === 0) found.push('whoever makes accounts may let them approve at once');
  return found;
}

import type { Finding } from '../../schemas/finding.ts';
import { name } from '../sentences.ts';

const NAMES_MAX = 4;

/**
 * What changed about the agent itself, in one sentence, where findings show a new version or more than one new tool:
 * "Since version r12 it uses convert and render of pdf-kit, which it never did."
 */
export function retooled(findings: readonly Finding[], version: string | undefined): string | undefined {
  const byTime = [...findings].sort((a, b) => a.time - b.time);
  const subjects = (...patterns: readonly string[]): string[] => [
    ...new Set(
      byTime.flatMap(({ pattern, subject }) => (patterns.includes(pattern) && subject ? [subject.value] : [])),
    ),
  ];
  const tools = subjects('first_seen_tool', 'tool_set_change');
  const servers = subjects('first_seen_server');
  const isNewVersion = version !== undefined && subjects('first_seen_version').includes(version);
  const upgraded = subjects('first_seen_tool_version');
  if (!isNewVersion && upgraded.length === 0 && tools.length + servers.length < 2) return undefined;
  const since = isNewVersion ? `Since version ${name(version)}` : 'Lately';
  const renewed = upgraded.length === 0 ? '' : ` it meets ${listed(upgraded)}`;
  const of = servers.length === 0 ? '' : ` of ${listed(servers)}`;
  const used =
    tools.length === 0 ? '' : `${renewed === '' ? '' : ' and'} it uses ${listed(tools)}${of}, which it never did`;
  return renewed + used === ''
    ? `It acts as version ${name(version ?? '')}, which it never was.`
    : `${since}${renewed}${used}.`;
}

function listed(values: readonly string[]): string {
  const shown = values.slice(0, NAMES_MAX).map(name);
  const more = values.length - shown.length;
  const last = more > 0 ? `${more} more` : shown.pop();
  return shown.length === 0 ? (last ?? '') : `${shown.join(', ')} and ${last}`;
}

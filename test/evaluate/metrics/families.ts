/**
 * Families by which a person would have to be told of a story, by the harm in it. A story that shows in several ways may
 * be explained by any of them.
 */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  volume_burst: ['data_volume'],
  sustained_exfiltration: ['data_volume'],
  boiling_frog: ['data_volume', 'retrieval_pattern'],
  slow_exfiltration: ['data_volume', 'retrieval_pattern'],
  resource_sweep: ['retrieval_pattern'],
  sensitive_store: ['retrieval_pattern', 'tool_usage'],
  prompt_injection_hijack: ['data_volume', 'retrieval_pattern', 'tool_usage'],
  stolen_credential: ['access_context', 'tool_usage', 'retrieval_pattern'],
  shared_credential: ['access_context'],
  rogue_plugin: ['tool_usage'],
  privilege_creep: ['tool_usage'],
  lateral_movement: ['retrieval_pattern', 'tool_usage'],
  gone_silent: ['silence', 'tool_usage', 'data_volume'],
};

/** A story that the table does not name has no wrong explanation. */
export function isRightFamily(story: string, family: string): boolean {
  return FITTING[story]?.includes(family) ?? true;
}

export const JUDGED_BY_FAMILY: readonly string[] = Object.keys(FITTING);

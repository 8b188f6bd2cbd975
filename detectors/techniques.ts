import type { Technique } from '../schemas/alert.ts';

/**
 * Techniques that findings can point to. Ids and names as in MITRE ATLAS data 2026.09 and in the OWASP Top 10 for
 * Agentic Applications 2026 (ASI01 to ASI10). A finding shows behaviour, not intent: read them as "look for".
 */
const atlas = (id: string, name: string): Technique => ({ framework: 'mitre_atlas', id, name });
const asi = (id: string, name: string): Technique => ({ framework: 'owasp_asi', id, name });

const INJECTION = atlas('AML.T0051', 'LLM Prompt Injection');
const TOOL_INVOCATION = atlas('AML.T0053', 'AI Agent Tool Invocation');
const TOOL_EXFILTRATION = atlas('AML.T0086', 'Exfiltration via AI Agent Tool Invocation');
const AI_SERVICE_DATA = atlas('AML.T0085', 'Data from AI Services');
const REPOSITORY_DATA = atlas('AML.T0036', 'Data from Information Repositories');
const VALID_ACCOUNTS = atlas('AML.T0012', 'Valid Accounts');
const ACCESS_TOKEN = atlas('AML.T0091.000', 'Application Access Token');

const DENIAL_OF_SERVICE = atlas('AML.T0029', 'Denial of AI Service');

const GOAL_HIJACK = asi('ASI01', 'Agent Goal Hijack');
const TOOL_MISUSE = asi('ASI02', 'Tool Misuse and Exploitation');
const PRIVILEGE_ABUSE = asi('ASI03', 'Identity and Privilege Abuse');
const SUPPLY_CHAIN = asi('ASI04', 'Agentic Supply Chain Vulnerabilities');
const ROGUE_AGENT = asi('ASI10', 'Rogue Agents');

const BY_PATTERN: Readonly<Record<string, readonly Technique[]>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, readonly Technique[]>, {
    first_seen_tool: [TOOL_INVOCATION, TOOL_MISUSE],
    rare_tool: [TOOL_INVOCATION, TOOL_MISUSE],
    unlikely_transition: [INJECTION, GOAL_HIJACK],
    unlikely_sequence: [INJECTION, GOAL_HIJACK],
    new_operation: [TOOL_INVOCATION, PRIVILEGE_ABUSE],
    rare_operation: [TOOL_INVOCATION, PRIVILEGE_ABUSE],
    first_seen_server: [TOOL_INVOCATION, SUPPLY_CHAIN],
    rare_server: [TOOL_INVOCATION, SUPPLY_CHAIN],
    argument_size: [TOOL_EXFILTRATION, TOOL_MISUSE],
    call_rate: [TOOL_INVOCATION, ROGUE_AGENT],
    tool_mix_shift: [TOOL_INVOCATION, TOOL_MISUSE],
    store_mix_shift: [REPOSITORY_DATA, PRIVILEGE_ABUSE],
    denial_burst: [VALID_ACCOUNTS, PRIVILEGE_ABUSE],
    error_burst: [TOOL_INVOCATION, ROGUE_AGENT],
    out_of_context: [INJECTION, GOAL_HIJACK],
    first_seen_target: [TOOL_EXFILTRATION, GOAL_HIJACK],
    rare_target: [TOOL_EXFILTRATION, GOAL_HIJACK],
    first_seen_resource: [AI_SERVICE_DATA, GOAL_HIJACK],
    rare_resource: [AI_SERVICE_DATA, GOAL_HIJACK],
    first_seen_store: [REPOSITORY_DATA, PRIVILEGE_ABUSE],
    rare_store: [REPOSITORY_DATA, PRIVILEGE_ABUSE],
    resource_breadth: [REPOSITORY_DATA, PRIVILEGE_ABUSE],
    resource_sweep: [REPOSITORY_DATA, PRIVILEGE_ABUSE],
    sensitivity_reached: [AI_SERVICE_DATA, PRIVILEGE_ABUSE],
    first_seen_classification: [AI_SERVICE_DATA, PRIVILEGE_ABUSE],
    rare_classification: [AI_SERVICE_DATA, PRIVILEGE_ABUSE],
    volume_event: [TOOL_EXFILTRATION, TOOL_MISUSE],
    volume_minute: [TOOL_EXFILTRATION, TOOL_MISUSE],
    volume_hour: [TOOL_EXFILTRATION, TOOL_MISUSE],
    volume_day: [TOOL_EXFILTRATION, ROGUE_AGENT],
    volume_session: [TOOL_EXFILTRATION, TOOL_MISUSE],
    first_seen_address: [VALID_ACCOUNTS, PRIVILEGE_ABUSE],
    rare_address: [VALID_ACCOUNTS, PRIVILEGE_ABUSE],
    first_seen_network: [VALID_ACCOUNTS, PRIVILEGE_ABUSE],
    rare_network: [VALID_ACCOUNTS, PRIVILEGE_ABUSE],
    first_seen_workload: [VALID_ACCOUNTS, PRIVILEGE_ABUSE],
    rare_workload: [VALID_ACCOUNTS, PRIVILEGE_ABUSE],
    first_seen_credential: [ACCESS_TOKEN, PRIVILEGE_ABUSE],
    rare_credential: [ACCESS_TOKEN, PRIVILEGE_ABUSE],
    foreign_credential: [ACCESS_TOKEN, PRIVILEGE_ABUSE],
    first_seen_credential_kind: [ACCESS_TOKEN, PRIVILEGE_ABUSE],
    rare_credential_kind: [ACCESS_TOKEN, PRIVILEGE_ABUSE],
    unusual_hour: [VALID_ACCOUNTS, ROGUE_AGENT],
    two_places: [ACCESS_TOKEN, PRIVILEGE_ABUSE],
    first_seen_version: [TOOL_INVOCATION, SUPPLY_CHAIN],
    first_seen_tool_version: [TOOL_INVOCATION, SUPPLY_CHAIN],
    tool_set_change: [TOOL_INVOCATION, SUPPLY_CHAIN],
    sensitivity_creep: [AI_SERVICE_DATA, PRIVILEGE_ABUSE],
    // Closest in ATLAS to Disable or Modify Cloud Logs (ATT&CK T1562.008): either the agent stopped or its telemetry was cut.
    gone_silent: [DENIAL_OF_SERVICE, ROGUE_AGENT],
    low_and_slow: [TOOL_EXFILTRATION, ROGUE_AGENT],
    egress_hour: [TOOL_EXFILTRATION, TOOL_MISUSE],
    egress_day: [TOOL_EXFILTRATION, ROGUE_AGENT],
    egress_session: [TOOL_EXFILTRATION, TOOL_MISUSE],
    egress_drift: [TOOL_EXFILTRATION, ROGUE_AGENT],
    // A containment that does not hold (effect.ts).
    restricted_tool_used: [TOOL_INVOCATION, ROGUE_AGENT],
    restricted_data_reached: [AI_SERVICE_DATA, ROGUE_AGENT],
    quarantined_session_active: [VALID_ACCOUNTS, ROGUE_AGENT],
    revoked_credential_used: [ACCESS_TOKEN, PRIVILEGE_ABUSE],
    suspended_agent_active: [VALID_ACCOUNTS, ROGUE_AGENT],
  }),
);
const TECHNIQUES_MAX = 6;

/** Techniques of the given patterns, each once, in the order of the patterns. */
export function techniquesOf(patterns: readonly string[]): Technique[] {
  const found = new Map<string, Technique>();
  for (const pattern of patterns) {
    for (const technique of BY_PATTERN[pattern] ?? []) {
      if (found.size < TECHNIQUES_MAX) found.set(technique.id, technique);
    }
  }
  return [...found.values()];
}

/** Every pattern with a mapping: a test holds it against what the detectors can say. */
export const MAPPED_PATTERNS: readonly string[] = Object.keys(BY_PATTERN);

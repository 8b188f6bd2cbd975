import type { Operation } from '../../../schemas/event.ts';
import type { Target } from './targets.ts';

/** What is known of an agent's own tool. */
export type OwnTool = { readonly operation: Operation; readonly targets: readonly Target[] };

const file = (...names: string[]): Target => ({ kind: 'file', names });
const directory = (...names: string[]): Target => ({ kind: 'directory', names });
const program = (...names: string[]): Target => ({ kind: 'program', names });
const target = (kind: Target['kind'], ...names: string[]): Target => ({ kind, names });

type Line = readonly [names: string, operation: Operation, ...targets: Target[]];

/**
 * The agents' own tools by name: Claude Code (code.claude.com/docs, tools reference), Codex (codex-rs/core/src/tools),
 * Gemini CLI (packages/core/src/tools). A name means the same in all of them. Tools of MCP servers are not looked up here.
 */
const OWN_TOOLS: readonly Line[] = [
  // Claude Code
  ['Bash PowerShell', 'execute', program('full_command', 'command', 'bash_command')],
  ['KillShell KillBash TaskStop', 'execute'],
  ['BashOutput TaskOutput', 'read'],
  ['Read', 'read', file('file_path')],
  ['NotebookRead', 'read', file('notebook_path')],
  ['LS', 'read', directory('path')],
  ['Glob Grep', 'search', directory('path')],
  ['Edit MultiEdit Write', 'store', file('file_path')],
  ['NotebookEdit', 'store', file('notebook_path')],
  ['TodoWrite', 'store'],
  ['WebFetch', 'read', target('url', 'url')],
  ['WebSearch', 'search'],
  ['Task Agent', 'delegate', target('agent', 'subagent_type')],
  ['SendMessage', 'delegate'],
  ['Skill', 'execute', target('skill', 'skill', 'skill_name')],
  ['SlashCommand', 'execute'],
  ['ReadMcpResourceTool', 'read', target('uri', 'uri')],
  ['ToolSearch', 'search'],
  ['ExitPlanMode', 'recommend'],
  // Codex
  ['shell local_shell container.exec shell_command exec_command', 'execute', program('command', 'cmd')],
  ['write_stdin js_repl exec close_agent', 'execute'],
  ['apply_patch', 'store', target('patch', 'input', 'patch')],
  ['update_plan', 'store'],
  ['view_image', 'read', file('path')],
  ['list_dir', 'read', directory('dir_path', 'path')],
  ['grep_files', 'search', directory('path')],
  ['web_search tool_search', 'search'],
  ['spawn_agent', 'delegate', target('agent', 'agent_type')],
  ['send_input resume_agent assign_task followup_task', 'delegate'],
  ['wait wait_agent list_agents', 'read'],
  ['read_mcp_resource', 'read', target('uri', 'uri')],
  // Gemini CLI
  ['read_file', 'read', file('file_path', 'absolute_path')],
  ['read_many_files', 'read', file('include', 'paths')],
  ['list_directory', 'read', directory('dir_path', 'path')],
  ['glob grep_search search_file_content', 'search', directory('dir_path', 'path')],
  ['write_file replace', 'store', file('file_path')],
  ['run_shell_command', 'execute', program('command')],
  ['web_fetch', 'read', target('url', 'url'), target('urls', 'prompt')],
  ['google_web_search', 'search'],
  ['save_memory write_todos update_topic', 'store'],
  ['get_internal_docs', 'read', file('path')],
  ['activate_skill', 'execute', target('skill', 'name')],
  ['delegate_to_agent invoke_agent', 'delegate', target('agent', 'agent_name')],
  ['codebase_investigator cli_help generalist', 'delegate'],
  ['exit_plan_mode', 'recommend'],
];

const byName: ReadonlyMap<string, OwnTool> = new Map(
  OWN_TOOLS.flatMap(([names, operation, ...targets]) =>
    names.split(' ').map((name): [string, OwnTool] => [name, { operation, targets }]),
  ),
);

/** What the agent's own tool of that name does; undefined for a tool of another. */
export const ownTool = (name: string): OwnTool | undefined => byName.get(name);

/** A tool and, where it is of an MCP server, the server. */
type Called = { readonly tool: string; readonly server: string | undefined };

const MCP_PREFIX = 'mcp__';

/**
 * Tool and server of a name as agents put them together: `mcp__server__tool` (Claude Code, Codex) is split where the tool
 * begins; what names a known server in front (`mcp_server_tool`, `server__tool` of Gemini CLI) is taken off.
 */
export function splitTool(name: string, server: string | undefined): Called {
  if (server !== undefined) {
    const prefix = [`mcp__${server}__`, `mcp_${server}_`, `${server}__`].find((start) => name.startsWith(start));
    return { tool: prefix === undefined || prefix === name ? name : name.slice(prefix.length), server };
  }
  if (!name.startsWith(MCP_PREFIX)) return { tool: name, server: undefined };
  const end = name.indexOf('__', MCP_PREFIX.length);
  if (end <= MCP_PREFIX.length || end + 2 >= name.length) return { tool: name, server: undefined };
  return { tool: name.slice(end + 2), server: name.slice(MCP_PREFIX.length, end) };
}

import { CLOUDTRAIL_FIELDS } from './cloudtrail/fields.ts';
import { CLAUDE_CODE_FIELDS } from './coding-agents/claude-code.ts';
import { CODEX_FIELDS } from './coding-agents/codex.ts';
import { GEMINI_CLI_FIELDS } from './coding-agents/gemini-cli.ts';
import type { FieldTable } from './field-table.ts';
import { GENAI_FIELDS } from './genai/fields.ts';
import { MCP_FIELDS } from './mcp/index.ts';
import { OCSF_FIELDS } from './ocsf/fields.ts';
import { OTLP_FIELDS } from './otlp/fields.ts';

/** The field tables of all formats, each with a page of its own name in docs/sources/. Add a line for a new format. */
export const FIELD_TABLES: readonly FieldTable[] = [
  CLOUDTRAIL_FIELDS,
  OCSF_FIELDS,
  OTLP_FIELDS,
  GENAI_FIELDS,
  MCP_FIELDS,
  CLAUDE_CODE_FIELDS,
  CODEX_FIELDS,
  GEMINI_CLI_FIELDS,
];

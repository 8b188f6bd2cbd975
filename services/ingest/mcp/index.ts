export { MCP_FIELDS } from './fields.ts';
export { mcpNormaliser } from './normalise.ts';

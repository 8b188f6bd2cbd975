import { bytesOf } from '../content.ts';
import { isObject, type JsonObject } from '../decode.ts';

/** UTF-8 bytes of the arguments as JSON; undefined when they were not logged. */
export function argumentBytes(params: JsonObject | undefined): number | undefined {
  return bytesOf(params?.arguments);
}

/**
 * Bytes that came out of a call: text in UTF-8, images, audio and blobs as long as they are once decoded (MCP
 * 2025-06-18, CallToolResult, ReadResourceResult, GetPromptResult). Structured content repeats the text or replaces it,
 * so that the longer of the two counts. Undefined when the result holds none of these: then it was not logged.
 */
export function resultBytes(result: unknown): number | undefined {
  if (!isObject(result)) return undefined;
  const lists = [result.content, result.contents, result.messages].filter(Array.isArray) as (readonly unknown[])[];
  const structured = bytesOf(result.structuredContent);
  if (lists.length === 0) return structured;
  const bytes = lists.reduce((sum, list) => sum + list.reduce<number>((all, one) => all + blockBytes(one), 0), 0);
  return Math.max(bytes, structured ?? 0);
}

/** A content block, an embedded resource, or the message of a prompt around a block. */
function blockBytes(block: unknown): number {
  if (!isObject(block)) return 0;
  const inner = isObject(block.resource) ? block.resource : isObject(block.content) ? block.content : block;
  return textBytes(inner.text) + base64Bytes(inner.data) + base64Bytes(inner.blob);
}

const textBytes = (value: unknown): number => (typeof value === 'string' ? Buffer.byteLength(value) : 0);
const base64Bytes = (value: unknown): number => (typeof value === 'string' ? Buffer.byteLength(value, 'base64') : 0);

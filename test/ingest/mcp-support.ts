import assert from 'node:assert/strict';
import type { JsonObject } from '../../services/ingest/decode.ts';
import { mcpNormaliser } from '../../services/ingest/mcp/index.ts';
import type { Absorbed, Candidate, Normalised } from '../../services/ingest/normaliser.ts';
import type { Refusal } from '../../services/ingest/refusal.ts';
import { DEFAULT_SETTINGS, type IngestSettings } from '../../services/ingest/settings.ts';

export const TIME = '2026-03-02T09:00:00Z';

/** The envelope of a gateway around a message. */
export function record(message: unknown, more: JsonObject = {}): JsonObject {
  return { time: TIME, session: 's-1', client: { id: 'agent-7' }, server: 'files', message, ...more };
}

export function request(method: string, params?: JsonObject, id: string | number | undefined = 1): JsonObject {
  return { jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method, ...(params === undefined ? {} : { params }) };
}

export const toolCall = (name = 'read_file', args: unknown = { path: '/etc/hosts' }): JsonObject =>
  request('tools/call', { name, arguments: args });

export const result = (value: unknown, id: string | number = 1): JsonObject => ({ jsonrpc: '2.0', id, result: value });
export const failure = (code: number, message = 'no', id: string | number = 1): JsonObject => ({
  jsonrpc: '2.0',
  id,
  error: { code, message },
});

export function normalise(document: JsonObject, settings: IngestSettings = DEFAULT_SETTINGS): Normalised {
  const all = mcpNormaliser(settings).normalise(document, Buffer.alloc(0));
  assert.equal(all.length, 1);
  return all[0] as Normalised;
}

export function candidate(document: JsonObject): Candidate & { readonly input: JsonObject } {
  const found = normalise(document);
  assert.equal(found.kind, 'candidate', JSON.stringify(found));
  return found as Candidate & { readonly input: JsonObject };
}

export function absorbed(document: JsonObject): Absorbed {
  const found = normalise(document);
  assert.equal(found.kind, 'absorbed', JSON.stringify(found));
  return found as Absorbed;
}

export function refusal(document: JsonObject): Refusal {
  const found = normalise(document);
  assert.equal(found.kind, 'refused', JSON.stringify(found));
  return found as Refusal;
}

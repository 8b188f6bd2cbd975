import assert from 'node:assert/strict';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent, EventInput } from '../../schemas/event.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import { type DecideContext, type Decided, decideItem, type Item } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { loadMapping } from '../../services/ingest/load.ts';
import type { Mapping } from '../../services/ingest/mapping.ts';
import type { Recording } from '../../services/ingest/source.ts';

/** 2025-03-03T09:00:00Z. */
export const MONDAY_MS = 1_740_992_400_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The smallest event that is accepted, and whatever a test adds to it. */
export function input(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { id: 'e-1', time: '2025-03-03T09:00:00Z', identity: { id: 'agent-1' }, ...more };
}

export function fullInput(): EventInput {
  return {
    id: 'e-1',
    time: MONDAY_MS,
    observed_time: MONDAY_MS + 5,
    tenant: 'acme',
    identity: { id: 'agent-1', kind: 'agent', name: 'Mailer', owner: 'ann', peer_group: 'mail', version: 'v3' },
    action: { operation: 'export', name: 'mail.send' },
    tool: { name: 'send_email', server: 'mail', version: '2' },
    resource: { id: 'ann@example.com', store: 'outbox', kind: 'recipient', classification: 'internal', tenant: 'acme' },
    resources: [{ id: 'file.txt' }],
    volume: { bytes_in: 10, bytes_out: 20.5, records: 1, tokens_in: 3, tokens_out: 4 },
    outcome: { status: 'ok', code: '200', reason: 'sent' },
    on_behalf_of: 'ann',
    session: 's-1',
    credential: { id: 'key-1', kind: 'api_key' },
    source: { ip: '10.0.0.1', network: 'office', workload: 'pod-1' },
    purpose: 'newsletter',
    model: 'm-1',
    trace: { trace_id: 't', span_id: 's', parent_span_id: 'p' },
  };
}

export function context(more: Partial<DecideContext> = {}): DecideContext {
  return {
    formats: normalisersOf('canonical', []),
    catalogue: emptyCatalogue(),
    origin: 'test',
    tenant: 'default',
    now_ms: 1_800_000_000_000,
    ...more,
  };
}

export function itemOf(value: unknown, position = '0'): Item {
  return {
    bytes: Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    position,
  };
}

/** The one decision on an item that holds one event. */
export function decideOne(value: unknown, more: Partial<DecideContext> = {}): Decided {
  const decided = decideItem(itemOf(value), context(more));
  assert.equal(decided.length, 1);
  return decided[0] as Decided;
}

export function accepted(value: unknown, more: Partial<DecideContext> = {}): CanonicalEvent {
  const decided = decideOne(value, more);
  if (decided.kind === 'accepted') return decided.event;
  return assert.fail(decided.kind === 'dead_letter' ? decided.letter.message : decided.kind);
}

export function refused(value: unknown, more: Partial<DecideContext> = {}): DeadLetter {
  const decided = decideOne(value, more);
  if (decided.kind === 'dead_letter') return decided.letter;
  return assert.fail(`expected a dead letter, not ${decided.kind}`);
}

export function mappingOf(text: string): Mapping {
  const loaded = loadMapping(text, 'mapping.yaml');
  if (loaded.ok) return loaded.value;
  return assert.fail(loaded.problems.map((problem) => `${problem.field}: ${problem.message}`).join('\n'));
}

/** A recording in memory, in chunks of the given size. */
export function recordingOf(bytes: Buffer | string, chunk_bytes = 65_536, name = 'rec'): Recording {
  const whole = Buffer.from(bytes);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < whole.length; at += chunk_bytes) yield whole.subarray(at, at + chunk_bytes);
  }
  return { name, chunks: chunks(), size_bytes: whole.length };
}

/** The smallest mapping: three required fields of a flat source. */
export const FLAT_MAPPING = `
version: 1
name: flat
origin: flat
fields:
  id: event_id
  time: ts
  identity.id: who
`;

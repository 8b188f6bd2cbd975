import { z } from 'zod';
import { CanonicalEvent, EVENT_FLAGS, type EventFlag, type Resource } from '../../../../schemas/event.ts';
import type { ScoredEvent } from '../../../../schemas/outputs.ts';
import { RowBinaryReader } from '../row-binary-reader.ts';
import { EVENT_COLUMNS_ON_WIRE } from '../tables/event-columns.ts';

/** Columns of `events` as a reader selects them: times as epoch milliseconds, the key as hex. */
export const EVENT_COLUMNS = `
  tenant, identity, toUnixTimestamp64Milli(time) AS time_ms, lower(hex(key)) AS key_hex, log_partition, log_offset,
  toUnixTimestamp64Milli(log_time) AS log_ms, id, origin, toUnixTimestamp64Milli(observed_time) AS observed_ms,
  identity_kind, identity_name, identity_owner, peer_group, identity_version, operation, action_name,
  tool_name, tool_server, tool_version, session, on_behalf_of, credential_id, credential_kind,
  source_ip, source_network, source_workload, purpose, model, trace_id, span_id, parent_span_id,
  \`resources.id\` AS resource_ids, \`resources.store\` AS resource_stores, \`resources.kind\` AS resource_kinds,
  \`resources.classification\` AS resource_classes, \`resources.tenant\` AS resource_tenants,
  bytes_in, bytes_out, records, tokens_in, tokens_out, outcome_status, outcome_code, outcome_reason,
  flags, bits, parts, unmapped`;

/** An absent text is stored as the empty one. */
const text = z.string();
const texts = z.array(z.string());
const size = z.number().nullable();

const EventRow = z.object({
  tenant: text,
  identity: text,
  time_ms: z.int(),
  key_hex: text,
  log_partition: z.int(),
  log_offset: z.int(),
  log_ms: z.int(),
  id: text,
  origin: text,
  observed_ms: size,
  identity_kind: text,
  identity_name: text,
  identity_owner: text,
  peer_group: text,
  identity_version: text,
  operation: text,
  action_name: text,
  tool_name: text,
  tool_server: text,
  tool_version: text,
  session: text,
  on_behalf_of: text,
  credential_id: text,
  credential_kind: text,
  source_ip: text,
  source_network: text,
  source_workload: text,
  purpose: text,
  model: text,
  trace_id: text,
  span_id: text,
  parent_span_id: text,
  resource_ids: texts,
  resource_stores: texts,
  resource_kinds: texts,
  resource_classes: texts,
  resource_tenants: texts,
  bytes_in: size,
  bytes_out: size,
  records: size,
  tokens_in: size,
  tokens_out: size,
  outcome_status: text,
  outcome_code: text,
  outcome_reason: text,
  flags: z.int(),
  bits: z.number(),
  parts: z.array(z.number()),
  unmapped: text,
});
type EventRow = z.infer<typeof EventRow>;

/**
 * The event that was written. Three things come back in a normal form: bits and parts as 32-bit floats, flags as all
 * that ingest and worker set, and an object without any field (source, trace) as an absent one.
 */
export function readEventRow(row: unknown): ScoredEvent {
  const columns = EventRow.parse(row);
  return {
    event: CanonicalEvent.parse(eventOf(columns)),
    partition: columns.log_partition,
    offset: columns.log_offset,
    log_time: columns.log_ms,
    bits: Math.fround(columns.bits),
    parts: columns.parts.map(Math.fround),
    flags: columns.flags,
  };
}

/** The same from the row's own bytes, before it was inserted. */
export function unpackEventRow(bytes: Buffer): ScoredEvent {
  const reader = new RowBinaryReader(bytes);
  const names = Object.keys(EventRow.shape);
  const values = EVENT_COLUMNS_ON_WIRE.map(([, type], i) => [names[i], readValue(reader, type)]);
  return readEventRow(Object.fromEntries(values));
}

function readValue(reader: RowBinaryReader, type: string): unknown {
  const [, wrapper, inner] = /^(Nullable|Array|LowCardinality)\((.*)\)$/.exec(type) ?? [];
  if (inner !== undefined) {
    if (wrapper === 'Nullable') return reader.u8() === 1 ? null : readValue(reader, inner);
    return wrapper === 'Array' ? reader.list(() => readValue(reader, inner)) : readValue(reader, inner);
  }
  switch (type) {
    case 'String':
      return reader.text();
    case 'FixedString(16)':
      return reader.hex(16);
    case 'UInt16':
      return reader.u16();
    case 'UInt32':
      return reader.u32();
    case 'UInt64':
    case 'DateTime64(3)':
      return reader.i64();
    case 'Float32':
      return reader.f32();
    case 'Float64':
      return reader.f64();
    default:
      throw new Error(`no column of events is a ${type}`);
  }
}

function eventOf(row: EventRow): Record<string, unknown> {
  const flags = flagNames(row.flags);
  return present({
    key: row.key_hex,
    id: row.id,
    origin: row.origin,
    tenant: row.tenant,
    time: row.time_ms,
    observed_time: row.observed_ms,
    ...actorOf(row),
    ...contextOf(row),
    resources: resourcesOf(row),
    volume: present({
      bytes_in: row.bytes_in,
      bytes_out: row.bytes_out,
      records: row.records,
      tokens_in: row.tokens_in,
      tokens_out: row.tokens_out,
    }),
    outcome: present({ status: row.outcome_status, code: row.outcome_code, reason: row.outcome_reason }),
    flags: flags.length === 0 ? null : flags,
    unmapped: row.unmapped === '' ? null : (JSON.parse(row.unmapped) as unknown),
  });
}

function actorOf(row: EventRow): Record<string, unknown> {
  return {
    identity: present({
      id: row.identity,
      kind: row.identity_kind,
      name: row.identity_name,
      owner: row.identity_owner,
      peer_group: row.peer_group,
      version: row.identity_version,
    }),
    action: present({ operation: row.operation, name: row.action_name }),
    tool: group({ name: row.tool_name, server: row.tool_server, version: row.tool_version }),
  };
}

function contextOf(row: EventRow): Record<string, unknown> {
  return {
    session: row.session,
    on_behalf_of: row.on_behalf_of,
    credential: group({ id: row.credential_id, kind: row.credential_kind }),
    source: group({ ip: row.source_ip, network: row.source_network, workload: row.source_workload }),
    purpose: row.purpose,
    model: row.model,
    trace: group({ trace_id: row.trace_id, span_id: row.span_id, parent_span_id: row.parent_span_id }),
  };
}

function resourcesOf(row: EventRow): Resource[] {
  return row.resource_ids.map(
    (id, i) =>
      present({
        id,
        store: row.resource_stores[i],
        kind: row.resource_kinds[i],
        classification: row.resource_classes[i],
        tenant: row.resource_tenants[i],
      }) as Resource,
  );
}

/** Without the fields that stand for an absent one: NULL and the empty text. */
function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== ''),
  );
}

function group(fields: Record<string, string>): Record<string, unknown> | undefined {
  const kept = present(fields);
  return Object.keys(kept).length === 0 ? undefined : kept;
}

function flagNames(bits: number): EventFlag[] {
  return EVENT_FLAGS.filter((_, index) => (bits & (1 << index)) !== 0);
}

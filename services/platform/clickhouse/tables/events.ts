import type { CanonicalEvent, Resource } from '../../../../schemas/event.ts';
import type { ScoredEvent } from '../../../../schemas/outputs.ts';
import type { RowBinaryWriter } from '../row-binary.ts';
import { monthOf, type Table } from './table.ts';

const TEXT = 'LowCardinality(String)';
const TEXTS = 'Array(LowCardinality(String))';
const TIME = 'DateTime64(3)';

/**
 * One row per accepted event: all of the canonical event and what the worker made of it. An empty text is an absent
 * one (canonical texts have at least one character), a NULL size an unknown one.
 */
export const EVENTS: Table<ScoredEvent> = {
  name: 'events',
  columns: [
    ['tenant', TEXT],
    ['identity', 'String'],
    ['time', TIME],
    ['key', 'FixedString(16)'],
    ['log_partition', 'UInt16'],
    ['log_offset', 'UInt64'],
    ['log_time', TIME],
    ['id', 'String'],
    ['origin', TEXT],
    ['observed_time', `Nullable(${TIME})`],
    ['identity_kind', TEXT],
    ['identity_name', TEXT],
    ['identity_owner', TEXT],
    ['peer_group', TEXT],
    ['identity_version', TEXT],
    ['operation', TEXT],
    ['action_name', TEXT],
    ['tool_name', TEXT],
    ['tool_server', TEXT],
    ['tool_version', TEXT],
    ['session', 'String'],
    ['on_behalf_of', TEXT],
    ['credential_id', 'String'],
    ['credential_kind', TEXT],
    ['source_ip', 'String'],
    ['source_network', TEXT],
    ['source_workload', TEXT],
    ['purpose', TEXT],
    ['model', TEXT],
    ['trace_id', 'String'],
    ['span_id', 'String'],
    ['parent_span_id', 'String'],
    ['resources.id', 'Array(String)'],
    ['resources.store', TEXTS],
    ['resources.kind', TEXTS],
    ['resources.classification', TEXTS],
    ['resources.tenant', TEXTS],
    ['bytes_in', 'Nullable(Float64)'],
    ['bytes_out', 'Nullable(Float64)'],
    ['records', 'Nullable(UInt64)'],
    ['tokens_in', 'Nullable(UInt64)'],
    ['tokens_out', 'Nullable(UInt64)'],
    ['outcome_status', TEXT],
    ['outcome_code', TEXT],
    ['outcome_reason', 'String'],
    ['flags', 'UInt32'],
    ['bits', 'Float32'],
    ['parts', 'Array(Float32)'],
    ['unmapped', 'String'],
  ],
  partitionOf: (row) => monthOf(row.log_time),
  write(to, row) {
    const event = row.event;
    to.text(event.tenant);
    to.text(event.identity.id);
    to.i64(event.time);
    to.hex(event.key, 16);
    to.u16(row.partition);
    to.u64(row.offset);
    to.i64(row.log_time);
    to.text(event.id);
    to.text(event.origin);
    to.i64OrNull(event.observed_time);
    writeActor(to, event);
    writeContext(to, event);
    writeResources(to, event.resources);
    writeMeasures(to, event);
    to.u32(row.flags);
    to.f32(row.bits);
    to.f32s(row.parts);
    to.text(event.unmapped === undefined ? undefined : JSON.stringify(event.unmapped));
  },
};

function writeActor(to: RowBinaryWriter, event: CanonicalEvent): void {
  const { identity, action, tool } = event;
  to.text(identity.kind);
  to.text(identity.name);
  to.text(identity.owner);
  to.text(identity.peer_group);
  to.text(identity.version);
  to.text(action.operation);
  to.text(action.name);
  to.text(tool?.name);
  to.text(tool?.server);
  to.text(tool?.version);
}

function writeContext(to: RowBinaryWriter, event: CanonicalEvent): void {
  const { credential, source, trace } = event;
  to.text(event.session);
  to.text(event.on_behalf_of);
  to.text(credential?.id);
  to.text(credential?.kind);
  to.text(source?.ip);
  to.text(source?.network);
  to.text(source?.workload);
  to.text(event.purpose);
  to.text(event.model);
  to.text(trace?.trace_id);
  to.text(trace?.span_id);
  to.text(trace?.parent_span_id);
}

function writeResources(to: RowBinaryWriter, resources: readonly Resource[]): void {
  const count = resources.length;
  to.length128(count);
  for (let i = 0; i < count; i++) to.text((resources[i] as Resource).id);
  to.length128(count);
  for (let i = 0; i < count; i++) to.text((resources[i] as Resource).store);
  to.length128(count);
  for (let i = 0; i < count; i++) to.text((resources[i] as Resource).kind);
  to.length128(count);
  for (let i = 0; i < count; i++) to.text((resources[i] as Resource).classification);
  to.length128(count);
  for (let i = 0; i < count; i++) to.text((resources[i] as Resource).tenant);
}

function writeMeasures(to: RowBinaryWriter, event: CanonicalEvent): void {
  const { volume, outcome } = event;
  to.f64OrNull(volume.bytes_in);
  to.f64OrNull(volume.bytes_out);
  to.u64OrNull(volume.records);
  to.u64OrNull(volume.tokens_in);
  to.u64OrNull(volume.tokens_out);
  to.text(outcome.status);
  to.text(outcome.code);
  to.text(outcome.reason);
}

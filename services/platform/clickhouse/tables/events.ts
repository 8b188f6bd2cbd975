import type { CanonicalEvent, Resource } from '../../../../schemas/event.ts';
import type { ScoredEvent } from '../../../../schemas/outputs.ts';
import type { RowBinaryWriter } from '../row-binary.ts';
import { EVENT_COLUMNS_ON_WIRE } from './event-columns.ts';
import { PackedEvent } from './packed-event.ts';
import { monthOf, type Table } from './table.ts';

/**
 * One row per accepted event: all of the canonical event and what the worker made of it. An empty text is an absent
 * one (canonical texts have at least one character), a NULL size an unknown one.
 */
export const EVENTS: Table<ScoredEvent> = {
  name: 'events',
  columns: EVENT_COLUMNS_ON_WIRE,
  partitionOf: (row) => monthOf(row.log_time),
  write(to, row) {
    if (row instanceof PackedEvent) to.copy(row.chunk, row.from, row.to);
    else writeRow(to, row);
  },
};

function writeRow(to: RowBinaryWriter, row: ScoredEvent): void {
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
}

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

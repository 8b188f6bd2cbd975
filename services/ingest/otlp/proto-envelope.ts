import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Refusal } from '../refusal.ts';
import { type BundleItem, otherSignal, tooMany } from './bundle.ts';
import { attempt, isRefusal } from './damage.ts';
import type { Attributes, OtlpScope } from './model.ts';
import { logOfProto } from './proto-log.ts';
import { type Signal, signalOf } from './proto-signal.ts';
import { spanOfProto } from './proto-span.ts';
import { type MutableAttributes, readResource, readScope } from './proto-values.ts';
import { expectEnd, readEnd, wireReader } from './wire.ts';

/**
 * ExportTraceServiceRequest and ExportLogsServiceRequest (trace_service.proto, logs_service.proto), which have one outline:
 * groups by resource (1), each with its resource (1) and groups by scope (2), each with its scope (1) and its items (2).
 */
export function itemsOfProto(bytes: Buffer): readonly BundleItem[] | Refusal {
  const outline = attempt('request', () => outlineOf(bytes));
  if (isRefusal(outline)) return outline;
  if (outline.length > LIMITS.bundle_items_max) return tooMany();
  const signal = mostOf(outline);
  if (signal === 'metric') return otherSignal('metrics');
  return outline.map(({ from, to, scope }): BundleItem => {
    const item = bytes.subarray(from, to);
    if (signal === 'log') {
      return { signal, bytes: () => item, decode: () => within(scope, 'log record', (at) => logOfProto(item, at)) };
    }
    return { signal: 'span', bytes: () => item, decode: () => within(scope, 'span', (at) => spanOfProto(item, at)) };
  });
}

type Range = { readonly from: number; readonly to: number };
type Surroundings = { readonly resource: Attributes; readonly scope: OtlpScope };

/** What stands around items, as bytes until the first of them is decoded. A message may come in several pieces. */
type Group = { readonly reader: BinaryReader; readonly pieces: Range[] };
type ResourceGroup = Group & { decoded: Attributes | Refusal | undefined };
type ScopeGroup = Group & { readonly resource: ResourceGroup; decoded: Surroundings | Refusal | undefined };
type Outlined = Range & { readonly scope: ScopeGroup; readonly signal: Signal | undefined };

/** Where everything is. Throws what `attempt` catches. */
function outlineOf(bytes: Buffer): readonly Outlined[] {
  const reader = wireReader(bytes);
  const items: Outlined[] = [];
  while (reader.pos < bytes.length && items.length <= LIMITS.bundle_items_max) {
    const [field, wire] = reader.tag();
    if (field === 1) outlineResource(reader, readEnd(reader, wire, bytes.length, 'request'), items);
    else reader.skip(wire, field);
  }
  return items;
}

function outlineResource(reader: BinaryReader, end: number, items: Outlined[]): void {
  const resource: ResourceGroup = { reader, pieces: [], decoded: undefined };
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) resource.pieces.push(pass(reader, readEnd(reader, wire, end, 'resource')));
    else if (field === 2) outlineScope(reader, readEnd(reader, wire, end, 'scope'), resource, items);
    else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'resource');
}

function outlineScope(reader: BinaryReader, end: number, resource: ResourceGroup, items: Outlined[]): void {
  const scope: ScopeGroup = { reader, pieces: [], resource, decoded: undefined };
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (field === 1) scope.pieces.push(pass(reader, readEnd(reader, wire, end, 'scope')));
    else if (field === 2) {
      const range = pass(reader, readEnd(reader, wire, end, 'item'));
      // One too many is enough to refuse all.
      if (items.length <= LIMITS.bundle_items_max) items.push({ ...range, scope, signal: signalOf(reader, range) });
    } else reader.skip(wire, field);
  }
  expectEnd(reader, end, 'scope');
}

/** Leaves a message for later. */
function pass(reader: BinaryReader, to: number): Range {
  const from = reader.pos;
  reader.pos = to;
  return { from, to };
}

/** A request holds one signal, so that most of its items say which, whatever became of single ones. */
function mostOf(outline: readonly Outlined[]): Signal {
  const votes = { span: 0, log: 0, metric: 0 };
  for (const { signal } of outline) if (signal !== undefined) votes[signal]++;
  if (votes.metric > votes.span && votes.metric > votes.log) return 'metric';
  return votes.log > votes.span ? 'log' : 'span';
}

/** Decodes an item within what stands around it; an item of a damaged resource cannot be anybody's. */
function within<T extends object>(scope: ScopeGroup, what: string, decode: (around: Surroundings) => T): T | Refusal {
  scope.decoded ??= surroundingsOf(scope);
  const around = scope.decoded;
  return isRefusal(around) ? around : attempt(what, () => decode(around));
}

function surroundingsOf(group: ScopeGroup): Surroundings | Refusal {
  group.resource.decoded ??= attempt('resource', () => resourceOf(group.resource));
  const resource = group.resource.decoded;
  if (isRefusal(resource)) return resource;
  const scope = attempt('scope', () => scopeOf(group));
  return isRefusal(scope) ? scope : { resource, scope };
}

function resourceOf({ reader, pieces }: Group): Attributes {
  const attributes: MutableAttributes = new Map();
  for (const { from, to } of pieces) {
    reader.pos = from;
    readResource(reader, to, attributes);
  }
  return attributes;
}

function scopeOf({ reader, pieces }: Group): OtlpScope {
  let scope: OtlpScope = { name: '', version: '' };
  for (const { from, to } of pieces) {
    reader.pos = from;
    scope = readScope(reader, to, scope);
  }
  return scope;
}

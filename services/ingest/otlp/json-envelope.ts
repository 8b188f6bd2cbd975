import { LIMITS } from '../../../schemas/limits.ts';
import type { JsonObject } from '../decode.ts';
import type { Refusal } from '../refusal.ts';
import { type BundleItem, otherSignal, tooMany } from './bundle.ts';
import { attempt, isRefusal } from './damage.ts';
import { logOfJson } from './json-log.ts';
import { type BytesAt, bytesAt } from './json-places.ts';
import { spanOfJson } from './json-span.ts';
import { listOf, objectOf, resourceOf, scopeOf } from './json-values.ts';
import type { OtlpLog } from './model.ts';

/** Names of the lists on the way to the items, outermost first, each as ProtoJSON and as the proto files have it. */
const LISTS = {
  span: [
    ['resourceSpans', 'resource_spans'],
    ['scopeSpans', 'scope_spans'],
    ['spans', 'spans'],
  ],
  log: [
    ['resourceLogs', 'resource_logs'],
    ['scopeLogs', 'scope_logs'],
    ['logRecords', 'log_records'],
  ],
} as const;
type Signal = keyof typeof LISTS;

const OTHERS = [
  ['resourceMetrics', 'metrics'],
  ['resource_metrics', 'metrics'],
  ['resourceProfiles', 'profiles'],
  ['resource_profiles', 'profiles'],
] as const;

/** Undefined for the requests of OTLP, also for those of signals that are not read. */
export function mismatchOfJson(document: JsonObject): string | undefined {
  const known = [...LISTS.span[0], ...LISTS.log[0], ...OTHERS.map(([name]) => name)];
  if (known.some((name) => document[name] !== undefined)) return undefined;
  return 'has neither resourceSpans nor resourceLogs';
}

/** ExportTraceServiceRequest and ExportLogsServiceRequest in OTLP/JSON, `bytes` being what the document was read from. */
export function itemsOfJson(document: JsonObject, bytes: Buffer): readonly BundleItem[] | Refusal {
  const place = bytesAt(bytes, NAMES);
  const items = attempt('request', () => {
    const found: BundleItem[] = [];
    addItems(found, document, 'span', place);
    addItems(found, document, 'log', place);
    return found;
  });
  if (isRefusal(items)) return items;
  if (items.length > LIMITS.bundle_items_max) return tooMany();
  if (items.length > 0) return items;
  const other = OTHERS.find(([name]) => document[name] !== undefined);
  return other === undefined ? items : otherSignal(other[1]);
}

/** For each level the names that lead on. */
const NAMES = [0, 1, 2].map(
  (level) => new Set(Object.values(LISTS).flatMap((lists) => lists[level] as readonly string[])),
);

type Around = Pick<OtlpLog, 'resource' | 'scope'>;

function addItems(items: BundleItem[], document: JsonObject, signal: Signal, place: BytesAt): void {
  const [byResource, byScope, own] = LISTS[signal];
  const [groups, outer] = listIn(document, byResource);
  for (const [i, element] of groups.entries()) {
    const group = objectOf(element, outer);
    const resource = once(() => attempt('resource', () => resourceOf(group.resource)));
    const [scopes, middle] = listIn(group, byScope);
    for (const [j, inner] of scopes.entries()) {
      const scoped = objectOf(inner, middle);
      const around = once(() => aroundOf(resource(), scoped.scope));
      const [values, name] = listIn(scoped, own);
      for (const [k, value] of values.entries()) {
        const bytes = (): Buffer => place([outer, i, middle, j, name, k]) ?? Buffer.from(JSON.stringify(value));
        items.push(itemOf(signal, value, around, bytes));
        if (items.length > LIMITS.bundle_items_max) return;
      }
    }
  }
}

function listIn(object: JsonObject, [camel, snake]: readonly [string, string]): [readonly unknown[], string] {
  const name = object[camel] === undefined ? snake : camel;
  return [listOf(object[name], camel), name];
}

/** An item of a damaged resource cannot be anybody's. */
function itemOf(signal: Signal, value: unknown, around: () => Around | Refusal, bytes: () => Buffer): BundleItem {
  const within = <T extends object>(what: string, decode: (at: Around) => T): T | Refusal => {
    const at = around();
    return isRefusal(at) ? at : attempt(what, () => decode(at));
  };
  return signal === 'span'
    ? { signal, bytes, decode: () => within('span', (at) => spanOfJson(value, at)) }
    : { signal, bytes, decode: () => within('log record', (at) => logOfJson(value, at)) };
}

function aroundOf(resource: Around['resource'] | Refusal, scope: unknown): Around | Refusal {
  if (isRefusal(resource)) return resource;
  const read = attempt('scope', () => scopeOf(scope));
  return isRefusal(read) ? read : { resource, scope: read };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

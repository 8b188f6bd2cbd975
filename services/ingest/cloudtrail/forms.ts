import { LIMITS } from '../../../schemas/limits.ts';
import { exceedsDepth, isObject, type JsonObject } from '../decode.ts';

/** One record of a document, and where it stands in it: empty for the document itself. */
export type Found = { readonly place: string; readonly record: unknown };

/** Ways of delivery put records within each other; more of them than this is no way of delivery. */
const WRAPS_MAX = 4;

/** Names under which a list of records or of their wrappers stands. */
const LISTS = [
  // Files in S3, and the download of the event history.
  'Records',
  // `aws cloudtrail lookup-events`
  'Events',
  // Subscriptions of CloudWatch Logs.
  'logEvents',
  // `aws sqs receive-message`
  'Messages',
] as const;

/** Names under which one record stands, as an object or as its JSON. */
const SINGLES = [
  // EventBridge.
  'detail',
  // `aws cloudtrail lookup-events`
  'CloudTrailEvent',
  // SNS, SQS, functions that they call, and CloudWatch Logs or Logstash.
  'Message',
  'Sns',
  'Body',
  'body',
  'message',
  // Elastic (`event.original`, `_source`) and Splunk (`event` of its collector, `result._raw` of its export).
  'event',
  'original',
  '_source',
  'result',
  '_raw',
] as const;

/** Whether the document is a record as CloudTrail writes it: a call of a service, or something else that CloudTrail writes. */
export function isRecord(document: unknown): document is JsonObject {
  if (!isObject(document)) return false;
  const { eventSource, eventName } = document;
  if (typeof eventSource !== 'string' || typeof eventName !== 'string') return isInsight(document);
  // Notifications of S3 have the same names of fields, and `aws:s3` for a source.
  if (eventSource.startsWith('aws:')) return false;
  return document.userIdentity !== undefined || document.eventVersion !== undefined || document.awsRegion !== undefined;
}

export function isInsight(document: JsonObject): boolean {
  return document.eventType === 'AwsCloudTrailInsight' || document.eventCategory === 'Insight';
}

/** A digest file (User Guide, "CloudTrail digest file structure"): hashes of log files, and no record. */
export function isDigest(document: JsonObject): boolean {
  return typeof document.digestS3Bucket === 'string' && Array.isArray(document.logFiles);
}

/** The records in a document, one of them or many; undefined when it holds none in a form that is known. */
export function recordsIn(document: JsonObject): readonly Found[] | undefined {
  return unwrap(document, '', 0);
}

/** Whether at least one record is in the document; what else is in it is judged one by one. */
export function holdsRecords(document: JsonObject): boolean {
  return unwrap(document, '', 0)?.some(({ record }) => isRecord(record)) === true;
}

function unwrap(value: unknown, place: string, depth: number): readonly Found[] | undefined {
  const document = typeof value === 'string' ? parseObject(value) : value;
  if (isRecord(document)) return [{ place, record: withParsedParts(document) }];
  if (!isObject(document) || depth >= WRAPS_MAX) return undefined;
  for (const name of LISTS) {
    const list = document[name];
    if (Array.isArray(list) && list.length > 0) return fromList(list as unknown[], name, place, depth);
  }
  for (const name of SINGLES) {
    const inner = document[name];
    if (typeof inner !== 'string' && !isObject(inner)) continue;
    const found = unwrap(inner, place === '' ? name : `${place}.${name}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An element that holds no record is told as what it is, so that the others count all the same. */
function fromList(list: readonly unknown[], name: string, place: string, depth: number): readonly Found[] | undefined {
  const found: Found[] = [];
  let some = false;
  for (let index = 0; index < list.length && found.length <= LIMITS.bundle_items_max; index++) {
    const at = `${place === '' ? '' : `${place}.`}${name}[${index}]`;
    const inner = unwrap(list[index], at, depth + 1);
    some ||= inner !== undefined;
    for (const record of inner ?? [{ place: at, record: list[index] }]) found.push(record);
  }
  return some ? found : undefined;
}

/** Fields that CloudTrail Lake and Athena give as JSON in a text. */
const PARTS = ['userIdentity', 'requestParameters', 'responseElements', 'additionalEventData', 'resources'] as const;

function withParsedParts(record: JsonObject): JsonObject {
  let whole: Record<string, unknown> | undefined;
  for (const name of PARTS) {
    const part = record[name];
    if (typeof part !== 'string') continue;
    const parsed = parseJson(part);
    if (typeof parsed !== 'object' || parsed === null) continue;
    whole ??= { ...record };
    whole[name] = parsed;
  }
  return whole ?? record;
}

function parseObject(text: string): JsonObject | undefined {
  const parsed = parseJson(text);
  return isObject(parsed) ? parsed : undefined;
}

const OPENING = /^\s{0,64}[[{]/;

/** JSON in a text, within the bounds of an item; undefined when it is none. */
export function parseJson(text: string): unknown {
  if (!OPENING.test(text) || exceedsDepth(text, LIMITS.item_depth_max)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

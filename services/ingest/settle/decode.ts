import { SpanRecord } from '../../../schemas/span.ts';

/**
 * What a record of `agent.audit.spans` says; undefined when it is not one of ours. It is used as it stands and not as the
 * schema would rebuild it, because the order of an event's fields is part of its key.
 */
export function decodeSpanRecord(bytes: Buffer): SpanRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  return isSpanRecord(value) ? value : undefined;
}

function isSpanRecord(value: unknown): value is SpanRecord {
  return SpanRecord.safeParse(value).success;
}

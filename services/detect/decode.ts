import type { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { PoisonRecord } from '../../schemas/outputs.ts';
import { AliasRecord, type DetectRecord, DirectiveRecord, EffectWatchRecord } from '../../schemas/record.ts';
import type { LogRecord } from '../platform/event-log.ts';

/** A record of the events topic, understood: what it says, when it happened on the log's clock, and on which clock. */
export type Decoded = {
  readonly offset: number;
  /** Log clock, epoch milliseconds: append time, or the recording's own clock. */
  readonly log_ms: number;
  /** Recorded streams and live traffic do not move each other's time. */
  readonly recorded: boolean;
  readonly record: DetectRecord | PoisonRecord;
};

/**
 * Only ingest and Countersign itself write this topic, and ingest has validated every event, so a full validation would
 * be paid twice; what the worker dereferences is checked here, and anything else is poison: kept, counted, passed by.
 */
export function decodeRecord(raw: LogRecord, topic: string, partition: number): Decoded {
  let record: unknown;
  try {
    record = JSON.parse(raw.value.toString('utf8'));
  } catch {
    return poison(raw, topic, partition, 'the record is not JSON');
  }
  if (!isDetectRecord(record)) return poison(raw, topic, partition, 'the record is of no known type or lacks a field');
  const recorded = record.at !== undefined;
  return { offset: raw.offset, log_ms: record.at ?? raw.append_ms, recorded, record };
}

export function isPoison(record: Decoded['record']): record is PoisonRecord {
  return 'letter' in record;
}

const KEY = /^[0-9a-f]{32}$/;

function isDetectRecord(value: unknown): value is DetectRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as { type?: unknown; at?: unknown; event?: unknown; version?: unknown; verdict?: unknown };
  if (record.at !== undefined && !Number.isSafeInteger(record.at)) return false;
  switch (record.type) {
    case 'event':
      return isCanonical(record.event as CanonicalEvent | null | undefined);
    case 'tick':
      return true;
    case 'cut':
    case 'prior':
      return typeof record.version === 'string';
    case 'verdict':
      return typeof record.verdict === 'object' && record.verdict !== null;
    case 'directive':
      return DirectiveRecord.safeParse(record).success;
    case 'alias':
      return AliasRecord.safeParse(record).success;
    case 'effect_watch':
      return EffectWatchRecord.safeParse(record).success;
    default:
      return false;
  }
}

function isCanonical(event: CanonicalEvent | null | undefined): boolean {
  return (
    typeof event === 'object' &&
    event !== null &&
    typeof event.key === 'string' &&
    KEY.test(event.key) &&
    typeof event.id === 'string' &&
    typeof event.origin === 'string' &&
    typeof event.tenant === 'string' &&
    typeof event.time === 'number' &&
    typeof event.identity?.id === 'string' &&
    typeof event.action?.operation === 'string' &&
    typeof event.volume === 'object' &&
    typeof event.outcome?.status === 'string' &&
    Array.isArray(event.resources)
  );
}

function poison(raw: LogRecord, topic: string, partition: number, message: string): Decoded {
  return {
    offset: raw.offset,
    log_ms: raw.append_ms,
    recorded: false,
    record: {
      partition,
      offset: raw.offset,
      letter: {
        reason: 'record_undecodable',
        message: `${message}; only Countersign's ingest may write to ${topic}`,
        origin: topic,
        position: `${topic}/${partition}/${raw.offset}`,
        length: raw.value.length,
        bytes: raw.value.subarray(0, LIMITS.dead_letter_bytes_max).toString('base64'),
        time: raw.append_ms,
      },
    },
  };
}

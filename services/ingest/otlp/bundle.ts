import { LIMITS } from '../../../schemas/limits.ts';
import { normaliseLog } from '../genai/log.ts';
import { normaliseSpan } from '../genai/span.ts';
import type { Normalised, Part } from '../normaliser.ts';
import type { Refusal } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import { isRefusal } from './damage.ts';
import type { OtlpLog, OtlpSpan } from './model.ts';

/** The spans and log records of a request, not yet decoded: each can be damaged without the others. */
export type BundleItem = {
  /** The bytes it came as, for a dead letter. */
  bytes(): Buffer;
} & (
  | { readonly signal: 'span'; decode(): OtlpSpan | Refusal }
  | { readonly signal: 'log'; decode(): OtlpLog | Refusal }
);

/** What a request comes to: one element for each of its items, or one for all of it. */
export function normaliseBundle(items: readonly BundleItem[] | Refusal, settings: IngestSettings): Normalised[] {
  if ('reason' in items) return [items];
  if (items.length === 0) return [{ kind: 'absorbed' }];
  return items.map((item, index) => normaliseItem(item, partOf(item, index), settings));
}

function normaliseItem(item: BundleItem, part: Part, settings: IngestSettings): Normalised {
  if (item.signal === 'span') {
    const span = item.decode();
    return { ...(isRefusal(span) ? span : normaliseSpan(span, settings)), part };
  }
  const log = item.decode();
  return { ...(isRefusal(log) ? log : normaliseLog(log, settings)), part };
}

function partOf(item: BundleItem, index: number): Part {
  return {
    place: `${item.signal} ${index}`,
    get bytes() {
      return item.bytes();
    },
  };
}

export function tooMany(): Refusal {
  const { bundle_items_max } = LIMITS;
  return {
    kind: 'refused',
    reason: 'too_many_items',
    message: `the request holds more than ${bundle_items_max} spans or log records; export smaller batches (send_batch_max_size)`,
  };
}

/** Signals of OTLP that hold no actions. */
export function otherSignal(signal: 'metrics' | 'profiles'): Refusal {
  return {
    kind: 'refused',
    reason: 'format_unknown',
    message: `this is an OTLP request of ${signal}; only traces and logs are read: leave ${signal} out of what is sent here`,
  };
}

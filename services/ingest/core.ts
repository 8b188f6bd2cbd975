import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent, EventInput } from '../../schemas/event.ts';
import { canonicalise } from './canonicalise.ts';
import type { Catalogue } from './catalogue.ts';
import { decodeDocument, type JsonObject } from './decode.ts';
import { keyEvent } from './key.ts';
import { canonicalNormaliser } from './normalise-canonical.ts';
import type { Candidate, Normaliser } from './normaliser.ts';
import { deadLetter, type Refusal } from './refusal.ts';
import { explainRefusal, isEventInput, isPlainEventInput } from './validate.ts';

/** One item as it arrived: its bytes, and where it stood (`file:line`, `topic/partition/offset`, index in a batch). */
export type Item = {
  readonly bytes: Buffer;
  readonly position: string;
  /** Set by a reader that could not deliver the item whole: why, and its true length in bytes. */
  readonly broken?: { readonly refusal: Refusal; readonly length: number };
};

/** What became of an item. `json` is the event's JSON, written once and used for the log as it is. */
export type Decided =
  | { readonly kind: 'accepted'; readonly event: CanonicalEvent; readonly json: string }
  | { readonly kind: 'dead_letter'; readonly letter: DeadLetter }
  | { readonly kind: 'absorbed' };

export type DecideContext = {
  /** Formats to try, in order. With one, its own errors are reported; with several, the first that fits decides. */
  readonly formats: readonly Normaliser[];
  readonly catalogue: Catalogue;
  /** Named source of the items, for formats that do not name their own. Part of every event's key. */
  readonly origin: string;
  /** Tenant of events that state none. */
  readonly tenant: string;
  /** Epoch milliseconds, the time of dead letters. */
  readonly now_ms: number;
};

/**
 * The whole of ingest for one item: bytes to events, dead letters, or nothing but knowledge. Pure, synchronous, and
 * without a throw for any bytes. Mostly one decision an item; as many as there are events in it for formats that bundle.
 */
export function decideItem(item: Item, context: DecideContext): readonly Decided[] {
  const decoded = item.broken?.refusal ?? decodeDocument(item.bytes);
  if (decoded.kind === 'refused') return [refuse(decoded, item, context)];
  if (decoded.plain && context.formats[0] === canonicalNormaliser && isPlainEventInput(decoded.document)) {
    const accepted = acceptValid(decoded.document, NOTHING_BESIDE, true, context);
    return [accepted.kind === 'refused' ? refuse(accepted, item, context) : accepted];
  }
  const format = chooseFormat(decoded.document, context.formats);
  if ('reason' in format) return [refuse(format, item, context)];
  const results = format.normalise(decoded.document);
  if (results.length === 0) throw new Error(`${format.name} made nothing of an item, not even an absorbed one`);
  return results.map((normalised) => {
    if (normalised.kind === 'absorbed') return ABSORBED;
    if (normalised.kind === 'refused') return refuse(normalised, item, context);
    const accepted = accept(normalised, decoded.plain, context);
    return accepted.kind === 'refused' ? refuse(accepted, item, context) : accepted;
  });
}

const ABSORBED: Decided = { kind: 'absorbed' };

function refuse(refusal: Refusal, item: Item, context: DecideContext): Decided {
  return { kind: 'dead_letter', letter: deadLetter(refusal, item, context.origin, context.now_ms) };
}

function chooseFormat(document: JsonObject, formats: readonly Normaliser[]): Normaliser | Refusal {
  if (formats.length === 1) return formats[0] as Normaliser;
  const fitting = formats.find((format) => format.mismatch(document) === undefined);
  if (fitting !== undefined) return fitting;
  const tried = formats.map((format) => `${format.name} (${format.mismatch(document)})`).join(', ');
  const message = `no known format; tried ${tried}; name the format, or add a mapping for this source`;
  return { kind: 'refused', reason: 'format_unknown', message };
}

/** Validate, canonicalise, key. */
function accept(candidate: Candidate, plain: boolean, context: DecideContext): Refusal | Accepted {
  const { input, explain } = candidate;
  if (!isEventInput(input)) return inSourceWords(explainRefusal(input), explain);
  const accepted = acceptValid(input, candidate, plain, context);
  return accepted.kind === 'refused' ? inSourceWords(accepted, explain) : accepted;
}

type Accepted = Decided & { readonly kind: 'accepted' };
type Beside = Pick<Candidate, 'origin' | 'leftovers' | 'tool_arguments'>;
const NOTHING_BESIDE: Beside = { origin: undefined, leftovers: undefined, tool_arguments: undefined };

/** A valid input can still state a time that is none. */
function acceptValid(input: EventInput, beside: Beside, plain: boolean, context: DecideContext): Refusal | Accepted {
  const canonical = canonicalise(input, {
    origin: beside.origin ?? context.origin,
    tenant: context.tenant,
    plain,
    catalogue: context.catalogue,
    leftovers: beside.leftovers,
    tool_arguments: beside.tool_arguments,
  });
  if (canonical.kind === 'refused') return canonical;
  const { event, json } = keyEvent(canonical);
  return { kind: 'accepted', event, json };
}

function inSourceWords(refusal: Refusal, explain: Candidate['explain']): Refusal {
  return explain === undefined ? refusal : explain(refusal);
}

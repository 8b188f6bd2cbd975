import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent, EventInput } from '../../schemas/event.ts';
import type { FormatName } from '../../schemas/format.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { Settled, type Waiting } from '../../schemas/span.ts';
import { type Canonicalised, canonicalise } from './canonicalise.ts';
import type { Catalogue } from './catalogue.ts';
import { type Decoded, decodeBundle, decodeDocument, type JsonObject, tooLarge } from './decode.ts';
import { keyEvent } from './key.ts';
import { canonicalNormaliser } from './normalise-canonical.ts';
import type { Absorbed, BinaryForm, Candidate, Normalised, Normaliser, Part } from './normaliser.ts';
import { deadLetter, printable, type Refusal } from './refusal.ts';
import type { Way } from './settle/fill.ts';
import { explainRefusal, explainSettled, isEventInput, isPlainEventInput } from './validate.ts';

/** One item as it arrived: its bytes, and where it stood (`file:line`, `topic/partition/offset`, index in a batch). */
export type Item = {
  readonly bytes: Buffer;
  readonly position: string;
  /** Set by a reader that could not deliver the item whole: why, and its true length in bytes. */
  readonly broken?: { readonly refusal: Refusal; readonly length: number };
};

/**
 * What became of an item. `json` is the event's JSON, written once and used for the log as it is. `tells` goes to
 * `agent.audit.spans`, where held items wait. `format` is the item's, absent when none was found.
 */
export type Decided = Became & { readonly format?: FormatName | undefined };
type Became =
  | {
      readonly kind: 'accepted';
      readonly event: CanonicalEvent;
      readonly json: string;
      readonly tells?: Waiting;
      /** How an event that had to wait came to its end, where that was settled at once. */
      readonly way?: Way;
    }
  | { readonly kind: 'held'; readonly waiting: Waiting }
  | { readonly kind: 'dead_letter'; readonly letter: DeadLetter }
  | { readonly kind: 'absorbed'; readonly tells?: Waiting };

/** Event time of what was decided, epoch milliseconds, where it has one. */
export function timeOf(decided: Decided): number | undefined {
  if (decided.kind === 'accepted') return decided.event.time;
  if (decided.kind === 'held') return decided.waiting.time;
  return decided.kind === 'absorbed' ? decided.tells?.time : undefined;
}

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
  if (item.broken !== undefined) return [refuse(item.broken.refusal, item, context)];
  const binary = context.formats.find((format) => format.binary?.fits(item.bytes) === true);
  if (binary !== undefined) return decideBinary(binary, item, context);
  const decoded = decodeDocument(item.bytes);
  if (decoded.kind === 'refused') return decideBeyond(decoded, item, context);
  if (decoded.plain && context.formats[0] === canonicalNormaliser && isPlainEventInput(decoded.document)) {
    const accepted = acceptValid(decoded.document, NOTHING_BESIDE, PLAIN_CANONICAL, context);
    return [accepted.kind === 'refused' ? refuse(accepted, item, context, PLAIN_CANONICAL.format) : accepted];
  }
  const chosen = chooseFormat(decoded.document, context.formats);
  if ('reason' in chosen) return [refuse(chosen, item, context)];
  return decideDocument(chosen, decoded, item, context);
}

/** What was found out of an item before it is judged: `plain` as the decoder says it. */
type Found = Pick<Decoded, 'plain'> & { readonly format: FormatName | undefined };
const PLAIN_CANONICAL: Found = { plain: true, format: canonicalNormaliser.format };

function decideBinary({ binary, format }: Normaliser, item: Item, context: DecideContext): readonly Decided[] {
  const { length } = item.bytes;
  if (length > LIMITS.bundle_bytes_max) {
    return [refuse(tooLarge(length, LIMITS.bundle_bytes_max), item, context, format)];
  }
  return decideAll((binary as BinaryForm).normalise(item.bytes), { plain: false, format }, item, context);
}

/** What is beyond the bounds of an item may still be a bundle. */
function decideBeyond(refusal: Refusal, item: Item, context: DecideContext): readonly Decided[] {
  const { reason } = refusal;
  const beyond = reason === 'item_too_large' || reason === 'too_deep';
  if (!beyond || !context.formats.some(({ bundle }) => bundle)) return [refuse(refusal, item, context)];
  const decoded = decodeBundle(item.bytes);
  if (decoded.kind === 'refused') return [refuse(decoded, item, context)];
  const chosen = chooseFormat(decoded.document, context.formats);
  if ('reason' in chosen || chosen.bundle !== true) return [refuse(refusal, item, context)];
  return decideDocument(chosen, decoded, item, context);
}

function decideDocument(
  chosen: Normaliser,
  { document, plain }: Decoded,
  item: Item,
  context: DecideContext,
): readonly Decided[] {
  const results = chosen.normalise(document, item.bytes);
  if (results.length === 0) throw new Error(`${chosen.name} made nothing of an item, not even an absorbed one`);
  return decideAll(results, { plain, format: chosen.format }, item, context);
}

function decideAll(
  results: readonly Normalised[],
  found: Found,
  item: Item,
  context: DecideContext,
): readonly Decided[] {
  const { format } = found;
  return results.map((normalised) => {
    if (normalised.kind === 'absorbed') return absorb(normalised, item, context, format);
    if (normalised.kind === 'refused') return refuse(normalised, partOf(item, normalised.part), context, format);
    const accepted = accept(normalised, found, context);
    return accepted.kind === 'refused' ? refuse(accepted, partOf(item, normalised.part), context, format) : accepted;
  });
}

function absorb({ tells, part }: Absorbed, item: Item, context: DecideContext, format: Found['format']): Decided {
  if (tells === undefined) return { kind: 'absorbed', format };
  const { link, time, completion } = tells;
  const settled = tells.settled === undefined ? undefined : Settled.safeParse(tells.settled);
  if (settled?.success === false) return refuse(explainSettled(tells.settled), partOf(item, part), context, format);
  return {
    kind: 'absorbed',
    format,
    tells: {
      tenant: context.tenant,
      time,
      link,
      ...(settled === undefined ? {} : { settled: settled.data }),
      ...(completion === undefined ? {} : { completion }),
    },
  };
}

function partOf(item: Item, part: Part | undefined): Item {
  return part === undefined ? item : { bytes: part.bytes, position: `${item.position}#${part.place}` };
}

function refuse(refusal: Refusal, item: Item, context: DecideContext, format?: Found['format']): Decided {
  return { kind: 'dead_letter', format, letter: deadLetter(refusal, item, context.origin, context.now_ms) };
}

/** As many of the formats that were tried are told of, and so many characters of what speaks against one. */
const TRIED_SHOWN_MAX = 12;
const MISMATCH_CHARS_MAX = 100;

const NAMES = ['id', 'time', 'identity'] as const;

function chooseFormat(document: JsonObject, formats: readonly Normaliser[]): Normaliser | Refusal {
  if (formats.length === 1) return formats[0] as Normaliser;
  const tried: string[] = [];
  for (const format of formats) {
    const mismatch = format.mismatch(document);
    if (mismatch === undefined) return format;
    tried.push(`${format.name} (${mismatch.slice(0, MISMATCH_CHARS_MAX)})`);
  }
  // Whoever writes the three names that only canonical events have together means one, and is told what is wrong with it.
  if (formats[0] === canonicalNormaliser && NAMES.every((name) => document[name] !== undefined))
    return canonicalNormaliser;
  const beyond = tried.length > TRIED_SHOWN_MAX ? ` and ${tried.length - TRIED_SHOWN_MAX} more` : '';
  const shown = `${tried.slice(0, TRIED_SHOWN_MAX).join(', ')}${beyond}`;
  const message = `no known format; tried ${shown}; name the format, or add a mapping for this source`;
  return { kind: 'refused', reason: 'format_unknown', message: printable(message) };
}

/** Validate, canonicalise, and key what waits for nothing more. */
function accept(candidate: Candidate, found: Found, context: DecideContext): Refusal | Accepted | Held {
  const { input, explain } = candidate;
  if (!isEventInput(input)) return inSourceWords(explainRefusal(input), explain);
  const accepted = acceptValid(input, candidate, found, context);
  return accepted.kind === 'refused' ? inSourceWords(accepted, explain) : accepted;
}

type Accepted = Decided & { readonly kind: 'accepted' };
type Held = Decided & { readonly kind: 'held' };
type Beside = Pick<Candidate, 'origin' | 'leftovers' | 'tool_arguments' | 'targets' | 'link' | 'awaits'>;
const NOTHING_BESIDE: Beside = { origin: undefined, leftovers: undefined, tool_arguments: undefined };

/** A valid input can still state a time that is none. */
function acceptValid(
  input: EventInput,
  beside: Beside,
  { plain, format }: Found,
  context: DecideContext,
): Refusal | Accepted | Held {
  const canonical = canonicalise(input, {
    origin: beside.origin ?? context.origin,
    tenant: context.tenant,
    plain,
    catalogue: context.catalogue,
    leftovers: beside.leftovers,
    tool_arguments: beside.tool_arguments,
    targets: beside.targets,
  });
  if (canonical.kind === 'refused') return canonical;
  const { link, awaits } = beside;
  if (awaits !== undefined && link !== undefined) return { ...hold(canonical, link, awaits), format };
  const { event, json } = keyEvent(canonical);
  if (link === undefined) return { kind: 'accepted', format, event, json };
  const { identity, session, on_behalf_of, credential, tenant, time } = event;
  return {
    kind: 'accepted',
    format,
    event,
    json,
    tells: { tenant, time, link, settled: { identity, session, on_behalf_of, credential } },
  };
}

function hold(
  { content, observed_time, flags }: Canonicalised,
  link: Waiting['link'],
  awaits: 'identity' | 'response',
): Held {
  const { tenant, time } = content;
  return { kind: 'held', waiting: { tenant, time, link, awaits, event: { content, observed_time, flags } } };
}

function inSourceWords(refusal: Refusal, explain: Candidate['explain']): Refusal {
  return explain === undefined ? refusal : explain(refusal);
}

import type { Resource } from '../../schemas/event.ts';
import type { FormatName } from '../../schemas/format.ts';
import type { Completion, Link, Settled } from '../../schemas/span.ts';
import type { JsonObject } from './decode.ts';
import type { Refusal } from './refusal.ts';
import type { Leftovers } from './unmapped.ts';

/**
 * The contract of an input format. One record may hold many items (an OTLP request holds many spans), so a normaliser
 * gives a list: each element becomes exactly one accepted event, dead letter, absorbed or held item (promise P1).
 */
export interface Normaliser {
  /** Name of the format or of the mapping, for messages. */
  readonly name: string;
  /** The format as which its items are counted. */
  readonly format: FormatName;
  /** Undefined when the document is of this format, else what speaks against it, for the message of `format_unknown`. */
  mismatch(document: JsonObject): string | undefined;
  /** Set when a document holds many items: the bounds of bundles are for it. */
  readonly bundle?: true;
  /** Pure and synchronous; refuses with a result, never with a throw. `bytes` is what the document was read from. */
  normalise(document: JsonObject, bytes: Buffer): readonly Normalised[];
  /** Set where items may come as something else than JSON. */
  readonly binary?: BinaryForm;
}

export type BinaryForm = {
  /** Whether the bytes are of this form. Told from the first of them, and never true of a JSON document. */
  fits(bytes: Buffer): boolean;
  /** As `Normaliser.normalise`, also for bytes that are damaged: at least one element in any case. */
  normalise(bytes: Buffer): readonly Normalised[];
};

export type Normalised = Candidate | Absorbed | (Refusal & { readonly part?: Part });

/** The part of a bundle that a refusal is about: its place within the item (`span 3`) and its own bytes, looked for when asked. */
export type Part = { readonly place: string; readonly bytes: Buffer };

/** An item that only informed. `tells`: what others may need to know of it. */
export type Absorbed = { readonly kind: 'absorbed'; readonly tells?: Tells; readonly part?: Part };

export type Tells = {
  readonly link: Link;
  /** Event time, epoch milliseconds. */
  readonly time: number;
  /** Whose the item is, where it says so itself. Not yet validated. */
  readonly settled?: { readonly [K in keyof Settled]?: unknown };
  readonly completion?: Completion;
};

/** A document in the words of `EventInput`, not yet validated. */
export type Candidate = {
  readonly kind: 'candidate';
  readonly input: unknown;
  /** Named source of the event where the format knows it; else the one the item came with. */
  readonly origin: string | undefined;
  /** Source fields that no canonical field takes. */
  readonly leftovers: Leftovers | undefined;
  /** Arguments of the tool call, for the catalogue; never kept. */
  readonly tool_arguments: unknown;
  /** What the arguments name by the vocabulary of targets.ts: the resources where neither event nor catalogue has any. */
  readonly targets?: readonly Resource[];
  /** Puts a refusal in the words of the source: which source field, and what to change where. */
  readonly explain: ((refusal: Refusal) => Refusal) | undefined;
  /** Place in a trace or a call: what it may learn of others there, and others of it. */
  readonly link?: Link;
  /**
   * What is still missing. An event that waits for its identity names `unresolvedId(workload)` as its own, which it
   * keeps when nobody ever says; one that waits for the answer to its call has the outcome `unknown`.
   */
  readonly awaits?: 'identity' | 'response';
  /** Place and bytes within a bundle, for the dead letter. */
  readonly part?: Part;
};

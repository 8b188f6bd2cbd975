import type { JsonObject } from './decode.ts';
import type { Refusal } from './refusal.ts';
import type { Leftovers } from './unmapped.ts';

/**
 * The contract of an input format. One record may hold many items (an OTLP request holds many spans), so a normaliser
 * gives a list: each element becomes exactly one accepted event, dead letter, or absorbed item (promise P1).
 */
export interface Normaliser {
  /** Name of the format or of the mapping, for messages. */
  readonly name: string;
  /** Undefined when the document is of this format, else what speaks against it, for the message of `format_unknown`. */
  mismatch(document: JsonObject): string | undefined;
  /** Pure and synchronous; refuses with a result, never with a throw. */
  normalise(document: JsonObject): readonly Normalised[];
}

export type Normalised = Candidate | Refusal | { readonly kind: 'absorbed' };

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
  /** Puts a refusal in the words of the source: which source field, and what to change where. */
  readonly explain: ((refusal: Refusal) => Refusal) | undefined;
};

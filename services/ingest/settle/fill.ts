import type { Completion, HeldEvent, Settled } from '../../../schemas/span.ts';
import type { EventContent } from '../canonicalise.ts';
import { type KeyedEvent, keyEvent } from '../key.ts';

/** How an event came to its end in `agent.audit.spans`. */
export const WAYS = [
  'binding_conversation',
  'binding_instance',
  'ancestor',
  'response',
  'unresolved',
  'no_response',
] as const;
export type Way = (typeof WAYS)[number];

/** As it is: nobody said whose it is, or how the call ended. */
export function keyAsItIs({ content, observed_time, flags }: HeldEvent): KeyedEvent {
  // Keying completes what it is given.
  return keyEvent({ kind: 'canonicalised', content: { ...content }, observed_time, flags });
}

/**
 * Takes over whose an event is. What the event says itself of its session, its human and its credential stands. An
 * instance lends its name and nothing else, since it serves many sessions.
 */
export function keySettled(event: HeldEvent, settled: Settled, way: Way): KeyedEvent {
  const lent: Omit<Settled, 'identity'> =
    way === 'binding_instance' ? { on_behalf_of: undefined, session: undefined, credential: undefined } : settled;
  const { content } = event;
  return keyAsItIs({ ...event, content: withWhose(content, settled.identity, lent) });
}

/** The order of the fields is that of `canonicalise`, for the text is what the key is made of. */
function withWhose(
  content: EventContent,
  identity: Settled['identity'],
  lent: Omit<Settled, 'identity'>,
): EventContent {
  const { id, origin, tenant, time, action, resources, volume, outcome, ...rest } = content;
  const { tool, source, purpose, model, trace, unmapped } = rest;
  const filled: EventContent = { id, origin, tenant, time, identity, action, resources, volume, outcome };
  const on_behalf_of = rest.on_behalf_of ?? lent.on_behalf_of;
  const session = rest.session ?? lent.session;
  const credential = rest.credential ?? lent.credential;
  if (tool !== undefined) filled.tool = tool;
  if (on_behalf_of !== undefined) filled.on_behalf_of = on_behalf_of;
  if (session !== undefined) filled.session = session;
  if (credential !== undefined) filled.credential = credential;
  if (source !== undefined) filled.source = source;
  if (purpose !== undefined) filled.purpose = purpose;
  if (model !== undefined) filled.model = model;
  if (trace !== undefined) filled.trace = trace;
  if (unmapped !== undefined) filled.unmapped = unmapped;
  return filled;
}

/** Takes over how a call ended. Sizes that the request does not know come from the answer. */
export function keyCompleted(event: HeldEvent, { outcome, volume }: Completion): KeyedEvent {
  return keyAsItIs({
    ...event,
    content: { ...event.content, outcome, volume: mergeVolume(event.content.volume, volume) },
  });
}

const SIZES = ['bytes_in', 'bytes_out', 'records', 'tokens_in', 'tokens_out'] as const;

function mergeVolume(own: EventContent['volume'], answer: EventContent['volume']): EventContent['volume'] {
  const merged: EventContent['volume'] = {};
  for (const size of SIZES) {
    const value = own[size] ?? answer[size];
    if (value !== undefined) merged[size] = value;
  }
  return merged;
}

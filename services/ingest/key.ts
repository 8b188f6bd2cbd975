import { hash } from 'node:crypto';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { Canonicalised } from './canonicalise.ts';

/** 128 bits of SHA-256. */
const KEY_HEX_CHARS = 32;

export type KeyedEvent = { readonly event: CanonicalEvent; readonly json: string };

/**
 * Keys an event by its content, which holds origin and id, and writes its JSON.
 *
 * The content is serialised once: the text is the key's preimage, and the event's JSON is the same text with key, flags
 * and observed time put in front. So neither what ingest noticed nor when it was observed changes the key.
 */
export function keyEvent(canonical: Canonicalised): KeyedEvent {
  const { content, observed_time, flags } = canonical;
  const text = JSON.stringify(content);
  const key = hash('sha256', text, 'hex').slice(0, KEY_HEX_CHARS);
  const event = content as CanonicalEvent;
  event.key = key;
  let front = `{"key":"${key}",`;
  if (observed_time !== undefined) {
    event.observed_time = observed_time;
    front += `"observed_time":${observed_time},`;
  }
  if (flags !== undefined) {
    event.flags = flags;
    front += `"flags":${JSON.stringify(flags)},`;
  }
  return { event, json: front + text.slice(1) };
}

import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey } from '../platform/partitioner.ts';

/**
 * The log record of an event: `EventRecord` with the event's JSON put in as it is. `at_ms` is the recorded clock; live
 * events have none. The log chooses the partition by the identity's key.
 */
export function eventRecord(event: CanonicalEvent, json: string, at_ms: number | undefined): NewRecord {
  const at = at_ms === undefined ? '' : `"at":${at_ms},`;
  const value = Buffer.from(`{"type":"event",${at}"event":${json}}`);
  return { topic: TOPICS.events, key: identityKey(event.tenant, event.identity.id), value };
}

export function tickRecord(partition: number, at_ms: number | undefined): NewRecord {
  const value = Buffer.from(JSON.stringify({ type: 'tick', ...(at_ms === undefined ? {} : { at: at_ms }) }));
  return { topic: TOPICS.events, partition, key: 'tick', value };
}

export function deadRecord(letter: DeadLetter): NewRecord {
  return { topic: TOPICS.dead, key: letter.origin, value: Buffer.from(JSON.stringify(letter)) };
}

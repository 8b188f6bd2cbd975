import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { Link, Waiting } from '../../schemas/span.ts';
import { type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey } from '../platform/partitioner.ts';
import type { Decided } from './core.ts';

/** All that a decision writes to the log, at the recorded clock `at_ms` or live. */
export function recordsOf(decided: Decided, at_ms: number | undefined): readonly NewRecord[] {
  if (decided.kind === 'dead_letter') return [deadRecord(decided.letter)];
  if (decided.kind === 'held') return [spanRecord(decided.waiting, at_ms)];
  const told = decided.tells === undefined ? [] : [spanRecord(decided.tells, at_ms)];
  return decided.kind === 'absorbed' ? told : [eventRecord(decided.event, decided.json, at_ms), ...told];
}

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

/** What waits, or tells what waits: all of one trace, and both halves of one call, in one partition. */
export function spanRecord(waiting: Waiting, at_ms: number | undefined): NewRecord {
  const at = at_ms === undefined ? {} : { at: at_ms };
  const value = Buffer.from(JSON.stringify({ type: 'waiting', ...at, ...waiting }));
  return { topic: TOPICS.spans, key: `${waiting.tenant}\u0000${meetingPlace(waiting.link)}`, value };
}

function meetingPlace(link: Link): string {
  return link.kind === 'span' ? link.trace_id : link.call;
}

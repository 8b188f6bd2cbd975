import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { AliasRecord } from '../../schemas/record.ts';
import type { Link, Waiting } from '../../schemas/span.ts';
import { type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey } from '../platform/partitioner.ts';
import type { Decided } from './core.ts';

/** A recorded clock, epoch milliseconds, and the recording whose it is, where several may be read at once. */
export type RecordedAt = { readonly at_ms: number; readonly source?: string };

/** All that a decision writes to the log, at a recorded clock or live. */
export function recordsOf(decided: Decided, recorded: RecordedAt | undefined): readonly NewRecord[] {
  if (decided.kind === 'dead_letter') return [deadRecord(decided.letter)];
  if (decided.kind === 'held') return [spanRecord(decided.waiting, recorded)];
  const told = decided.tells === undefined ? [] : [spanRecord(decided.tells, recorded)];
  return decided.kind === 'absorbed' ? told : [eventRecord(decided.event, decided.json, recorded?.at_ms), ...told];
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
export function spanRecord(waiting: Waiting, recorded: RecordedAt | undefined): NewRecord {
  const at = atOf(recorded);
  const value = Buffer.from(JSON.stringify({ type: 'waiting', ...at, ...waiting }));
  return { topic: TOPICS.spans, key: `${waiting.tenant}\u0000${meetingPlace(waiting.link)}`, value };
}

/** Lets time pass for what waits: live, or in one recording. */
export function spanTickRecord(partition: number, recorded: RecordedAt | undefined): NewRecord {
  const value = Buffer.from(JSON.stringify({ type: 'tick', ...atOf(recorded) }));
  return { topic: TOPICS.spans, partition, key: 'tick', value };
}

/** In the partition of the identity under which the events were accepted. */
export function aliasRecord(alias: Omit<AliasRecord, 'type' | 'at'>, at_ms: number | undefined): NewRecord {
  const value = Buffer.from(JSON.stringify({ type: 'alias', ...(at_ms === undefined ? {} : { at: at_ms }), ...alias }));
  return { topic: TOPICS.events, key: identityKey(alias.tenant, alias.identity), value };
}

function atOf(recorded: RecordedAt | undefined): { at?: number; source?: string } {
  if (recorded === undefined) return {};
  const { at_ms, source } = recorded;
  return { at: at_ms, ...(source === undefined ? {} : { source }) };
}

function meetingPlace(link: Link): string {
  return link.kind === 'span' ? link.trace_id : link.call;
}

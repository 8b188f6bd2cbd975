import type { Command, Outcome } from '../../schemas/command.ts';
import type { EffectWatch } from '../../schemas/effect.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { type EventLog, type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey, partitionOf } from '../platform/partitioner.ts';
import { change, refusal, type Turn } from './turn.ts';

/** An order to watch on its way to the partition of its identity; `partition`: only if it is this one. */
export type Watching = { readonly watch: EffectWatch; readonly partition?: number };

/** What a partition found of a containment: only processes of ours report it. */
export function onEffectReport(turn: Turn, { id, report }: Extract<Command, { type: 'effect_report' }>): Outcome {
  const { containment, finding } = report;
  const decision = change(turn, containment, { type: 'effect', report }, { who: SYSTEM, command: id });
  if (decision.kind === 'refused') return refusal(decision.code, decision.message);
  turn.notes.push({ name: 'effects_found', labels: { finding }, fields: { containment } });
  return { kind: 'done', subject: containment, state: decision.next.effect?.state ?? finding };
}

/**
 * Asks a partition again for what it has not reported: behind a gap nobody knows which orders were passed over. One that is
 * watched already is not changed by it.
 */
export function watchAgain(turn: Turn, partition: number): void {
  for (const { effect } of turn.state.containments.values()) {
    if (effect !== undefined && effect.report === undefined) turn.watches.push({ watch: effect.watch, partition });
  }
}

/** The orders as records of the partitions of their identities. */
export async function watchRecords(log: EventLog, watches: readonly Watching[]): Promise<NewRecord[]> {
  if (watches.length === 0) return [];
  const { partitions } = await log.describe(TOPICS.events);
  return watches.flatMap(({ watch, partition: only }) => {
    const key = identityKey(watch.predicate.tenant, watch.predicate.identity);
    const partition = partitionOf(key, partitions);
    if (only !== undefined && partition !== only) return [];
    const record: DetectRecord = { type: 'effect_watch', watch };
    return [{ topic: TOPICS.events, partition, key, value: Buffer.from(JSON.stringify(record)) }];
  });
}

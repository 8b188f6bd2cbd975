import type { DeadLetter } from '../../../schemas/dead-letter.ts';
import type { EventFlag } from '../../../schemas/event.ts';
import type { NewRecord } from '../../platform/event-log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { aliasRecord, deadRecord, eventRecord } from '../record.ts';
import { countDecided, countersOf, newCounting, reportTally, tallyOf } from '../tally.ts';
import type { Alias } from './alias.ts';
import type { Way } from './fill.ts';
import type { Eviction, SettledEvent } from './settler.ts';
import type { StreamName } from './streams.ts';

/** What settling leads to, gathered for one write. */
export class SettleBatch {
  readonly records: NewRecord[] = [];
  readonly #dead = newCounting();
  readonly #ways = new Map<Way, number>();
  readonly #sources = new Map<string, number>();
  readonly #evicted = new Map<Eviction, number>();
  readonly #flags = new Map<EventFlag, number>();
  #reused = 0;
  #aliases = 0;
  #bytes = 0;
  raw_records = 0;

  /** Bytes of the records. */
  get bytes(): number {
    return this.#bytes;
  }

  event({ source, recorded }: StreamName, { event, json, way, at }: SettledEvent): void {
    this.#add(eventRecord(event, json, recorded ? at : undefined));
    count(this.#ways, way);
    if (source !== undefined) count(this.#sources, source);
    for (const flag of event.flags ?? []) count(this.#flags, flag);
  }

  alias({ recorded }: StreamName, alias: Alias, at: number): void {
    this.#add(aliasRecord(alias, recorded ? at : undefined));
    this.#aliases++;
  }

  evicted(what: Eviction): void {
    count(this.#evicted, what);
  }

  reused(): void {
    this.#reused++;
  }

  refuse(letter: DeadLetter): void {
    this.#add(deadRecord(letter));
    countDecided(this.#dead, { kind: 'dead_letter', letter });
  }

  /** For the transaction: what was settled has been counted as received and held where it came in. */
  counters(): { readonly name: string; readonly add: number }[] {
    const settled = sum(this.#ways);
    const counters = [
      { name: 'ingest.accepted', add: settled },
      { name: 'ingest.settled', add: settled },
      { name: 'ingest.settle.reused', add: this.#reused },
      { name: 'ingest.settle.aliases', add: this.#aliases },
      ...[...this.#ways].map(([way, add]) => ({ name: `ingest.settled.${way}`, add })),
      ...[...this.#evicted].map(([what, add]) => ({ name: `ingest.settle.evicted.${what}`, add })),
      ...[...this.#sources].flatMap(([source, add]) => [
        { name: `ingest.source.${source}.accepted`, add },
        { name: `ingest.source.${source}.settled`, add },
      ]),
    ].filter(({ add }) => add > 0);
    return [...counters, ...countersOf(tallyOf(this.#dead))];
  }

  report(telemetry: Telemetry): void {
    for (const [way, settled] of this.#ways) telemetry.occurred('events_settled', { way }, undefined, settled);
    for (const [what, lost] of this.#evicted) telemetry.occurred('settle_evictions', { what }, undefined, lost);
    for (const [flag, events] of this.#flags) telemetry.occurred('events_flagged', { flag }, undefined, events);
    if (this.#reused > 0) telemetry.occurred('span_ids_reused', {}, undefined, this.#reused);
    if (this.#aliases > 0) telemetry.occurred('identity_aliases', {}, undefined, this.#aliases);
    reportTally(telemetry, tallyOf(this.#dead));
  }

  #add(record: NewRecord): void {
    this.records.push(record);
    this.#bytes += record.value.length;
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sum(counts: ReadonlyMap<unknown, number>): number {
  let total = 0;
  for (const one of counts.values()) total += one;
  return total;
}

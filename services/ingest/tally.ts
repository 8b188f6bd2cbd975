import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { EventFlag } from '../../schemas/event.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { Decided } from './core.ts';

/** The sums of promise P1 for some items: `received` is always the sum of the others. `held` items wait in `agent.audit.spans`. */
export type Sums = {
  readonly received: number;
  readonly accepted: number;
  readonly dead_lettered: number;
  readonly absorbed: number;
  readonly held: number;
};

export const NO_SUMS: Sums = { received: 0, accepted: 0, dead_lettered: 0, absorbed: 0, held: 0 };

export function addSums(a: Sums, b: Sums): Sums {
  return {
    received: a.received + b.received,
    accepted: a.accepted + b.accepted,
    dead_lettered: a.dead_lettered + b.dead_lettered,
    absorbed: a.absorbed + b.absorbed,
    held: a.held + b.held,
  };
}

/** The sums of decided items, with what is counted apart: why dead letters died, and what was noticed. */
export type Tally = {
  readonly sums: Sums;
  readonly reasons: ReadonlyMap<DeadLetter['reason'], number>;
  readonly flags: ReadonlyMap<EventFlag, number>;
};

export function tally(decided: Iterable<Decided>): Tally {
  const counting = newCounting();
  for (const one of decided) countDecided(counting, one);
  return tallyOf(counting);
}

/** A tally that grows item by item. */
export type Counting = {
  accepted: number;
  dead_letter: number;
  absorbed: number;
  held: number;
  readonly reasons: Map<DeadLetter['reason'], number>;
  readonly flags: Map<EventFlag, number>;
};

export function newCounting(): Counting {
  return { accepted: 0, dead_letter: 0, absorbed: 0, held: 0, reasons: new Map(), flags: new Map() };
}

export function countDecided(counting: Counting, one: Decided): void {
  counting[one.kind]++;
  if (one.kind === 'dead_letter') count(counting.reasons, one.letter.reason);
  else if (one.kind === 'accepted' && one.event.flags !== undefined) {
    for (const flag of one.event.flags) count(counting.flags, flag);
  }
}

export function tallyOf(counting: Counting): Tally {
  const { accepted, dead_letter: dead_lettered, absorbed, held, reasons, flags } = counting;
  const received = accepted + dead_lettered + absorbed + held;
  return { sums: { received, accepted, dead_lettered, absorbed, held }, reasons, flags };
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The sums as counters of the log: `ingest.received`, ..., and `ingest.dead.<reason>`. */
export function countersOf({ sums, reasons }: Tally): { name: string; add: number }[] {
  return [
    ...sumsUnder('ingest', sums),
    ...[...reasons].map(([reason, add]) => ({ name: `ingest.dead.${reason}`, add })),
  ].filter(({ add }) => add > 0);
}

/** The share of one raw topic, by its name, in them: `ingest.source.<name>.received`, .... */
export function sourceCountersOf({ sums }: Tally, name: string): { name: string; add: number }[] {
  return sumsUnder(`ingest.source.${name}`, sums).filter(({ add }) => add > 0);
}

function sumsUnder(prefix: string, sums: Sums): { name: string; add: number }[] {
  return [
    { name: `${prefix}.received`, add: sums.received },
    { name: `${prefix}.accepted`, add: sums.accepted },
    { name: `${prefix}.dead_lettered`, add: sums.dead_lettered },
    { name: `${prefix}.absorbed`, add: sums.absorbed },
    { name: `${prefix}.held`, add: sums.held },
  ];
}

/** One line and one increment for each kind of occurrence in a batch. To be called once the batch is durable. */
export function reportTally(telemetry: Telemetry, { sums, reasons, flags }: Tally, format: string): void {
  const counted = (
    name: 'items_received' | 'items_accepted' | 'items_absorbed' | 'items_held',
    count: number,
  ): void => {
    if (count > 0) telemetry.occurred(name, { format }, undefined, count);
  };
  counted('items_received', sums.received);
  counted('items_accepted', sums.accepted);
  counted('items_absorbed', sums.absorbed);
  counted('items_held', sums.held);
  for (const [reason, count] of reasons) telemetry.occurred('items_dead_lettered', { reason }, undefined, count);
  for (const [flag, count] of flags) telemetry.occurred('events_flagged', { flag }, undefined, count);
}

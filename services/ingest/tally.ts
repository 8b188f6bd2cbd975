import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { EventFlag } from '../../schemas/event.ts';
import type { Decided } from './core.ts';

/** The sums of promise P1 for some items: `received` is always the sum of the other three. */
export type Sums = {
  readonly received: number;
  readonly accepted: number;
  readonly dead_lettered: number;
  readonly absorbed: number;
};

export const NO_SUMS: Sums = { received: 0, accepted: 0, dead_lettered: 0, absorbed: 0 };

export function addSums(a: Sums, b: Sums): Sums {
  return {
    received: a.received + b.received,
    accepted: a.accepted + b.accepted,
    dead_lettered: a.dead_lettered + b.dead_lettered,
    absorbed: a.absorbed + b.absorbed,
  };
}

/** The sums of decided items, with what is counted apart: why dead letters died, and what was noticed. */
export type Tally = {
  readonly sums: Sums;
  readonly reasons: ReadonlyMap<DeadLetter['reason'], number>;
  readonly flags: ReadonlyMap<EventFlag, number>;
};

export function tally(decided: Iterable<Decided>): Tally {
  const counts = { accepted: 0, dead_letter: 0, absorbed: 0 };
  const reasons = new Map<DeadLetter['reason'], number>();
  const flags = new Map<EventFlag, number>();
  for (const one of decided) {
    counts[one.kind]++;
    if (one.kind === 'dead_letter') count(reasons, one.letter.reason);
    else if (one.kind === 'accepted') for (const flag of one.event.flags ?? []) count(flags, flag);
  }
  const { accepted, dead_letter: dead_lettered, absorbed } = counts;
  return { sums: { received: accepted + dead_lettered + absorbed, accepted, dead_lettered, absorbed }, reasons, flags };
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The sums as counters of the log: `ingest.received`, ..., and `ingest.dead.<reason>`. */
export function countersOf({ sums, reasons }: Tally): { name: string; add: number }[] {
  return [
    { name: 'ingest.received', add: sums.received },
    { name: 'ingest.accepted', add: sums.accepted },
    { name: 'ingest.dead_lettered', add: sums.dead_lettered },
    { name: 'ingest.absorbed', add: sums.absorbed },
    ...[...reasons].map(([reason, add]) => ({ name: `ingest.dead.${reason}`, add })),
  ].filter(({ add }) => add > 0);
}

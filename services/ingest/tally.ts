import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { EventFlag } from '../../schemas/event.ts';
import type { FormatName } from '../../schemas/format.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { Decided } from './core.ts';
import type { Way } from './settle/fill.ts';

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

/** What became of items of one format, `none` when none was found, with why dead letters died. */
export type FormatTally = Omit<Sums, 'received'> & { readonly reasons: ReadonlyMap<DeadLetter['reason'], number> };
export type FoundFormat = FormatName | 'none';

/** The sums of decided items, with what is counted apart: by format and reason, and what was noticed. */
export type Tally = {
  readonly sums: Sums;
  readonly formats: ReadonlyMap<FoundFormat, FormatTally>;
  readonly reasons: ReadonlyMap<DeadLetter['reason'], number>;
  /** How accepted events that had to wait came to their end. */
  readonly ways: ReadonlyMap<Way, number>;
  readonly flags: ReadonlyMap<EventFlag, number>;
};

export function tally(decided: Iterable<Decided>): Tally {
  const counting = newCounting();
  for (const one of decided) countDecided(counting, one);
  return tallyOf(counting);
}

/** A tally that grows item by item. */
export type Counting = {
  readonly formats: Map<FoundFormat, FormatCounting>;
  readonly ways: Map<Way, number>;
  readonly flags: Map<EventFlag, number>;
};

type FormatCounting = {
  accepted: number;
  dead_letter: number;
  absorbed: number;
  held: number;
  readonly reasons: Map<DeadLetter['reason'], number>;
};

export function newCounting(): Counting {
  return { formats: new Map(), ways: new Map(), flags: new Map() };
}

export function countDecided(counting: Counting, one: Decided): void {
  const format = one.format ?? 'none';
  let counts = counting.formats.get(format);
  if (counts === undefined) {
    counts = { accepted: 0, dead_letter: 0, absorbed: 0, held: 0, reasons: new Map() };
    counting.formats.set(format, counts);
  }
  counts[one.kind]++;
  if (one.kind === 'dead_letter') count(counts.reasons, one.letter.reason);
  if (one.kind !== 'accepted') return;
  if (one.way !== undefined) count(counting.ways, one.way);
  if (one.event.flags !== undefined) for (const flag of one.event.flags) count(counting.flags, flag);
}

export function tallyOf({ formats, ways, flags }: Counting): Tally {
  const sums = { received: 0, accepted: 0, dead_lettered: 0, absorbed: 0, held: 0 };
  const tallies = new Map<FoundFormat, FormatTally>();
  const all = new Map<DeadLetter['reason'], number>();
  for (const [format, { accepted, dead_letter, absorbed, held, reasons }] of formats) {
    sums.received += accepted + dead_letter + absorbed + held;
    sums.accepted += accepted;
    sums.dead_lettered += dead_letter;
    sums.absorbed += absorbed;
    sums.held += held;
    for (const [reason, by] of reasons) count(all, reason, by);
    tallies.set(format, { accepted, dead_lettered: dead_letter, absorbed, held, reasons });
  }
  return { sums, formats: tallies, reasons: all, ways, flags };
}

function count<K>(counts: Map<K, number>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

type Counter = { readonly name: string; readonly add: number };

/**
 * The sums as counters of the log: `ingest.received`, ..., `ingest.dead.<reason>`, and the share of each format
 * (`ingest.format.<format>.accepted`, ..., `ingest.format.<format>.dead.<reason>`). `ingest.settled.<way>` counts accepted
 * events that had to wait.
 */
export function countersOf({ sums, formats, reasons: all, ways }: Tally): Counter[] {
  const shares = [...formats].flatMap(([format, { reasons, ...rest }]) => [
    ...sumsUnder(`ingest.format.${format}`, rest),
    ...reasonsUnder(`ingest.format.${format}`, reasons),
  ]);
  const settled = [...ways].map(([way, add]) => ({ name: `ingest.settled.${way}`, add }));
  return [...sumsUnder('ingest', sums), ...reasonsUnder('ingest', all), ...shares, ...settled];
}

/**
 * The share of one source in them, by its name: `ingest.source.<name>.received`, ..., `ingest.source.<name>.dead.<reason>`,
 * and how many of the items were of which format (`ingest.source.<name>.format.<format>`).
 */
export function sourceCountersOf({ sums, formats, reasons }: Tally, name: string): Counter[] {
  const under = `ingest.source.${name}`;
  const found = [...formats].map(([format, { accepted, dead_lettered, absorbed, held }]) => {
    return { name: `${under}.format.${format}`, add: accepted + dead_lettered + absorbed + held };
  });
  return [...sumsUnder(under, sums), ...reasonsUnder(under, reasons), ...found];
}

function reasonsUnder(prefix: string, reasons: ReadonlyMap<string, number>): Counter[] {
  return [...reasons].map(([reason, add]) => ({ name: `${prefix}.dead.${reason}`, add }));
}

function sumsUnder(prefix: string, sums: Partial<Sums>): Counter[] {
  return SUM_NAMES.flatMap((name) => {
    const add = sums[name] ?? 0;
    return add > 0 ? [{ name: `${prefix}.${name}`, add }] : [];
  });
}

const SUM_NAMES = [
  'received',
  'accepted',
  'dead_lettered',
  'absorbed',
  'held',
] as const satisfies readonly (keyof Sums)[];

/** One line and one increment for each kind of occurrence in a batch. To be called once the batch is durable. */
export function reportTally(telemetry: Telemetry, { formats, ways, flags }: Tally): void {
  for (const [format, { accepted, dead_lettered, absorbed, held, reasons }] of formats) {
    const counted = (
      name: 'items_received' | 'items_accepted' | 'items_absorbed' | 'items_held',
      items: number,
    ): void => {
      if (items > 0) telemetry.occurred(name, { format }, undefined, items);
    };
    counted('items_received', accepted + dead_lettered + absorbed + held);
    counted('items_accepted', accepted);
    counted('items_absorbed', absorbed);
    counted('items_held', held);
    for (const [reason, items] of reasons) {
      telemetry.occurred('items_dead_lettered', { format, reason }, undefined, items);
    }
  }
  for (const [way, settled] of ways) telemetry.occurred('events_settled', { way }, undefined, settled);
  for (const [flag, items] of flags) telemetry.occurred('events_flagged', { flag }, undefined, items);
}

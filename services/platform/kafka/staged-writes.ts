import { type LogWrite, PositionConflict } from '../event-log.ts';
import type { CheckedWrite } from '../sqlite-log/write-check.ts';
import type { Ledger } from './ledger.ts';
import type { PartitionRecords } from './produce-rounds.ts';
import type { BatchRecord } from './record-batch.ts';

/** What a writer knows of the ledger because only it can change that. */
export type WriterMemory = {
  readonly positions: ReadonlyMap<string, string | undefined>;
  readonly sums: ReadonlyMap<string, number>;
};

/** Writes that go into one transaction, laid out by partition. */
export type Staged = {
  /** For each write where its records went, or the conflict that keeps it out. */
  readonly places: readonly (Places | PositionConflict)[];
  readonly parts: readonly PartitionRecords[];
  /** Ledger partitions among the parts come last, from here on. */
  readonly ledger_from: number;
  readonly memory: WriterMemory;
};

/** For each record of a write the part that it is in, and its place there. */
export type Places = { readonly parts: Int32Array; readonly indices: Int32Array };

/**
 * Applies the writes in order to what the writer knows. A write in conflict leaves nothing and keeps nobody else out.
 * Every position that a write expects must be known.
 */
export function stageWrites(options: {
  readonly writes: readonly CheckedWrite[];
  readonly memory: WriterMemory;
  readonly fence: string;
  readonly ledger: Ledger;
  readonly ledger_topic: string;
  readonly nameOf: (topic: LogWrite['records'][number]['topic']) => string;
}): Staged {
  const { memory, fence, ledger, ledger_topic, nameOf } = options;
  const layout = createLayout();
  const positions = new Map(memory.positions);
  const sums = new Map(memory.sums);
  const moved = new Set<string>();
  const added = new Set<string>();

  const places = options.writes.map(({ write, partitions }) => {
    const conflict = conflictOf(write.expect, positions);
    if (conflict !== undefined) return conflict;
    for (const { name, position } of write.positions ?? []) {
      positions.set(name, position);
      moved.add(name);
    }
    for (const { name, add } of write.counters ?? []) {
      sums.set(name, (sums.get(name) ?? 0) + add);
      added.add(name);
    }
    const place = {
      parts: new Int32Array(write.records.length),
      indices: new Int32Array(write.records.length),
    };
    write.records.forEach((record, i) => {
      const part = layout.partOf(nameOf(record.topic), partitions[i] as number);
      place.parts[i] = part;
      place.indices[i] = layout.add(part, record);
    });
    return place;
  });

  const ledger_from = layout.parts.length;
  const own = [
    ...[...moved].map((name) => ledger.positionRecord(name, positions.get(name) as string)),
    ...[...added].map((name) => ledger.sumRecord(fence, name, sums.get(name) as number)),
  ];
  for (const { partition, record } of own) layout.add(layout.partOf(ledger_topic, partition), record);
  return { places, parts: layout.parts, ledger_from, memory: { positions, sums } };
}

/** Why a write with this expectation cannot be. */
export function conflictOf(
  expect: LogWrite['expect'],
  positions: ReadonlyMap<string, string | undefined>,
): PositionConflict | undefined {
  if (expect === undefined) return undefined;
  const position = positions.get(expect.name);
  if (position === expect.position) return undefined;
  return new PositionConflict(`position ${expect.name} is ${position}, not ${expect.position}`);
}

function createLayout() {
  const numbers = new Map<string, Map<number, number>>();
  const parts: (PartitionRecords & { readonly records: BatchRecord[] })[] = [];
  return {
    parts,
    partOf: (topic: string, partition: number): number => {
      let of = numbers.get(topic);
      if (of === undefined) {
        of = new Map();
        numbers.set(topic, of);
      }
      let part = of.get(partition);
      if (part === undefined) {
        part = parts.length;
        of.set(partition, part);
        parts.push({ topic, partition, records: [] });
      }
      return part;
    },
    /** Place of the record in its part. */
    add: (part: number, record: BatchRecord): number =>
      (parts[part] as { records: BatchRecord[] }).records.push(record) - 1,
  };
}

import { crc32 } from 'node:zlib';
import type { Manifest, Outputs, StateBlob } from '../../schemas/outputs.ts';
import { type DetectStore, type SeenKey, StoreRefused, StoreUnavailable } from '../../services/platform/store.ts';

/** What the simulated ClickHouse holds: every version that was ever written, as its tables would. */
export type StoreDisk = {
  readonly events: Map<string, { readonly json: string; readonly seen: SeenKey; readonly partition: number }>;
  /** Keys of refused rows, by partition and offset. */
  readonly refused: Map<string, { readonly seen: SeenKey; readonly partition: number }>;
  readonly findings: Map<string, string>;
  readonly alerts: Map<string, string>;
  readonly aliases: Map<string, string>;
  readonly poison: Map<string, string>;
  readonly blobs: Map<string, StateBlob>;
  readonly manifests: Map<number, Manifest>;
  readonly priors: Map<string, Uint8Array>;
  /** Rows that came again with other content: promise P2 broken. */
  readonly conflicts: string[];
};

export function newStoreDisk(): StoreDisk {
  return {
    events: new Map(),
    refused: new Map(),
    findings: new Map(),
    alerts: new Map(),
    aliases: new Map(),
    poison: new Map(),
    blobs: new Map(),
    manifests: new Map(),
    priors: new Map(),
    conflicts: [],
  };
}

/** What befalls one operation. A write that fails or dies `partly` leaves each of its rows with even chance. */
export type StoreFault = 'none' | 'fail_before' | 'fail_partly' | 'fail_after' | 'die_partly' | 'die_late';

export type StoreFaults = {
  plan(operation: string): StoreFault;
  random(): number;
  /** The process is gone; nothing of this handle settles any more. */
  died(): void;
  /** Rows that the store refuses for good. */
  refuses?(row: unknown): boolean;
};

/** A handle of one process. `limbo` gets writes that land after their process died, as a zombie's do. */
export function openSimulatedStore(disk: StoreDisk, faults: StoreFaults, limbo: (() => void)[]): DetectStore {
  let dead = false;
  const never = new Promise<never>(() => {});

  const write = async (operation: string, rows: (() => void)[]): Promise<void> => {
    await Promise.resolve();
    if (dead) return never;
    const fault = faults.plan(operation);
    if (fault === 'fail_before') throw new StoreUnavailable(`simulated: ${operation} did not arrive`);
    const all = (): void => {
      for (const row of rows) row();
    };
    const some = (): void => {
      for (const row of rows) if (faults.random() < 0.5) row();
    };
    if (fault === 'fail_partly' || fault === 'die_partly') some();
    if (fault === 'none' || fault === 'fail_after') all();
    if (fault === 'die_late') limbo.push(all);
    if (fault === 'die_partly' || fault === 'die_late') {
      dead = true;
      faults.died();
      return never;
    }
    await new Promise(setImmediate);
    if (dead) return never;
    if (fault !== 'none') throw new StoreUnavailable(`simulated: ${operation} got no answer`);
  };
  const read = async <T>(operation: string, look: () => T): Promise<T> => {
    await Promise.resolve();
    if (dead) return never;
    if (faults.plan(operation) !== 'none') throw new StoreUnavailable(`simulated: ${operation} got no answer`);
    return look();
  };

  return {
    writeOutputs: async (outputs) => {
      if (faults.refuses !== undefined && rowsOf(outputs).some((row) => faults.refuses?.(row))) {
        throw new StoreRefused('simulated: a value cannot be stored');
      }
      return write('outputs', outputWrites(disk, outputs));
    },
    writeRefusedKey: (partition, seen) =>
      write('refused', [() => void disk.refused.set(`${partition}/${seen.offset}`, { partition, seen })]),
    writeBlobs: (blobs) =>
      write(
        'blobs',
        blobs.map(
          ({ topic, partition, blob }) =>
            () =>
              keepHighest(disk, `${topic}/${partition}/${blob.key}`, blob),
        ),
      ),
    writeManifests: (manifests) =>
      write(
        'manifest',
        manifests.map((manifest) => () => {
          const held = disk.manifests.get(manifest.partition);
          if (held === undefined || held.next_offset <= manifest.next_offset) {
            if (held?.next_offset === manifest.next_offset) same(disk, 'manifest', held, manifest);
            disk.manifests.set(manifest.partition, manifest);
          }
        }),
      ),
    readManifest: (_topic, partition) => read('manifest', () => disk.manifests.get(partition)),
    hasHistory: (topic, partition) =>
      read('history', () => [...disk.blobs.keys()].some((key) => key.startsWith(`${topic}/${partition}/`))),
    highestOffset: (topic, partition) =>
      read('history', () => {
        const blobs = [...disk.blobs].filter(([path]) => path.startsWith(`${topic}/${partition}/`));
        const rows = [...disk.events.values()].filter((row) => row.partition === partition);
        const offsets = [...blobs.map(([, { version }]) => version), ...rows.map(({ seen }) => seen.offset)];
        return offsets.length === 0 ? undefined : Math.max(...offsets);
      }),
    readBlobs: (topic, partition, keys) =>
      read('blobs', () => {
        const found = keys.map((key) => disk.blobs.get(`${topic}/${partition}/${key}`));
        return new Map(found.filter((blob) => blob !== undefined).map((blob) => [blob.key, blob]));
      }),
    readDue: (topic, partition) =>
      read('due', () =>
        [...disk.blobs].flatMap(([path, { key, due }]) =>
          path.startsWith(`${topic}/${partition}/`) && due !== undefined ? [{ key, due }] : [],
        ),
      ),
    readFingerprints: (topic, partition, most) =>
      read('fingerprints', () => {
        const blobs = [...disk.blobs].filter(([path]) => path.startsWith(`${topic}/${partition}/`));
        const found = new Set(blobs.map(([, { key }]) => crc32(key)));
        return found.size > most ? undefined : Uint32Array.from(found);
      }),
    async *readKeys(_topic, partition, from, to) {
      yield await read('keys', () =>
        [...disk.events.values(), ...disk.refused.values()]
          .filter((row) => row.partition === partition && row.seen.offset >= from && row.seen.offset < to)
          .map((row) => row.seen)
          .sort((a, b) => a.offset - b.offset),
      );
    },
    writePriors: (priors) =>
      write(
        'prior',
        priors.map(
          ({ version, bytes }) =>
            () =>
              keepPrior(disk, version, bytes),
        ),
      ),
    writePrior: (version, bytes) => write('prior', [() => keepPrior(disk, version, bytes)]),
    readPrior: (version) => read('prior', () => disk.priors.get(version)),
  };
}

const rowsOf = (outputs: Outputs): unknown[] => [
  ...outputs.events,
  ...outputs.findings,
  ...outputs.alerts,
  ...outputs.aliases,
  ...outputs.poison,
];

function outputWrites(disk: StoreDisk, outputs: Outputs): (() => void)[] {
  const put = (table: Map<string, string>, key: string, row: unknown) => (): void => {
    const json = JSON.stringify(row);
    const held = table.get(key);
    if (held !== undefined && held !== json) disk.conflicts.push(`${key}: ${held} became ${json}`);
    table.set(key, json);
  };
  return [
    ...outputs.events.map((row) => () => {
      const key = `${row.partition}/${row.offset}`;
      const json = JSON.stringify(row);
      const held = disk.events.get(key);
      if (held !== undefined && held.json !== json) disk.conflicts.push(`event ${key}: ${held.json} became ${json}`);
      const { key: eventKey, origin, id } = row.event;
      disk.events.set(key, { json, partition: row.partition, seen: { offset: row.offset, key: eventKey, origin, id } });
    }),
    ...outputs.findings.map((row) => put(disk.findings, row.finding.id, row)),
    ...outputs.alerts.map((row) => put(disk.alerts, `${row.alert.uid}#${row.alert.revision}`, row)),
    ...outputs.aliases.map((row) => put(disk.aliases, `${row.partition}/${row.offset}`, row)),
    ...outputs.poison.map((row) => put(disk.poison, row.letter.position, row)),
  ];
}

function keepHighest(disk: StoreDisk, path: string, blob: StateBlob): void {
  const held = disk.blobs.get(path);
  if (held !== undefined && held.version > blob.version) return;
  if (held?.version === blob.version) same(disk, `blob ${path}`, blobText(held), blobText(blob));
  disk.blobs.set(path, blob);
}

function keepPrior(disk: StoreDisk, version: string, bytes: Uint8Array): void {
  const held = disk.priors.get(version);
  if (held !== undefined) same(disk, `prior ${version}`, Buffer.from(held), Buffer.from(bytes));
  disk.priors.set(version, bytes);
}

export const blobText = (blob: StateBlob): string => `${blob.due} ${Buffer.from(blob.bytes).toString('latin1')}`;

function same(disk: StoreDisk, what: string, a: unknown, b: unknown): void {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  if (x !== y) disk.conflicts.push(`${what}: ${x} became ${y}`);
}

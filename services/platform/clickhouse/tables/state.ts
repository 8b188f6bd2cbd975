import type { Manifest } from '../../../../schemas/outputs.ts';
import type { ControlCopy, PlacedBlob, SeenKey, StoredDeadLetter } from '../../store.ts';
import type { Table } from './table.ts';

const TEXT = 'LowCardinality(String)';

export const STATE_BLOBS: Table<PlacedBlob> = {
  name: 'state_blobs',
  columns: [
    ['topic', TEXT],
    ['log_partition', 'UInt16'],
    ['key', 'String'],
    ['version', 'UInt64'],
    ['due', 'Nullable(Int64)'],
    ['bytes', 'String'],
  ],
  write(to, row) {
    to.text(row.topic);
    to.u16(row.partition);
    to.text(row.blob.key);
    to.u64(row.blob.version);
    to.i64OrNull(row.blob.due);
    to.binary(row.blob.bytes);
  },
};

export const MANIFESTS: Table<Manifest> = {
  name: 'manifests',
  columns: [
    ['topic', TEXT],
    ['log_partition', 'UInt16'],
    ['next_offset', 'UInt64'],
    ['body', 'String'],
  ],
  write(to, manifest) {
    to.text(manifest.topic);
    to.u16(manifest.partition);
    to.u64(manifest.next_offset);
    to.text(JSON.stringify(manifest));
  },
};

export type RefusedKey = { readonly partition: number; readonly seen: SeenKey };

export const REFUSED_KEYS: Table<RefusedKey> = {
  name: 'refused_keys',
  columns: [
    ['log_partition', 'UInt16'],
    ['log_offset', 'UInt64'],
    ['key', 'FixedString(16)'],
    ['origin', TEXT],
    ['id', 'String'],
  ],
  write(to, { partition, seen }) {
    to.u16(partition);
    to.u64(seen.offset);
    to.hex(seen.key, 16);
    to.text(seen.origin);
    to.text(seen.id);
  },
};

export type PriorRow = { readonly version: string; readonly bytes: Uint8Array };

export const PRIORS: Table<PriorRow> = {
  name: 'priors',
  columns: [
    ['version', 'String'],
    ['bytes', 'String'],
  ],
  write(to, prior) {
    to.text(prior.version);
    to.binary(prior.bytes);
  },
};

export const DEAD_LETTERS: Table<StoredDeadLetter> = {
  name: 'dead_letters',
  columns: [
    ['topic', TEXT],
    ['log_partition', 'UInt16'],
    ['log_offset', 'UInt64'],
    ['time', 'DateTime64(3)'],
    ['reason', TEXT],
    ['message', 'String'],
    ['field', 'String'],
    ['origin', TEXT],
    ['position', 'String'],
    ['length', 'UInt64'],
    ['bytes', 'String'],
  ],
  write(to, row) {
    const letter = row.letter;
    to.text(row.topic);
    to.u16(row.partition);
    to.u64(row.offset);
    to.i64(letter.time);
    to.text(letter.reason);
    to.text(letter.message);
    to.text(letter.field);
    to.text(letter.origin);
    to.text(letter.position);
    to.u64(letter.length);
    to.text(letter.bytes);
  },
};

export const CONTROL_COPIES: Table<ControlCopy> = {
  name: 'control_copies',
  columns: [
    ['sequence', 'UInt64'],
    ['kind', TEXT],
    ['json', 'String'],
  ],
  write(to, copy) {
    to.u64(copy.sequence);
    to.text(copy.kind);
    to.text(copy.json);
  },
};

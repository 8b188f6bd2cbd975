import type { AlertRevision, FindingRow, Manifest, Outputs, StateBlob } from '../../schemas/outputs.ts';

/**
 * The second seam as detect sees it: where outputs, state and manifests are made durable. Both implementations speak
 * ClickHouse's SQL through `@clickhouse/client`, over HTTP to a server or in process to chDB; the simulated store of the
 * tests fails on request. Every write may be repeated: the highest version wins and equal rows collapse.
 */
export interface DetectStore {
  /** Rows for events, findings and alerts. */
  writeOutputs(outputs: Outputs): Promise<void>;
  writeBlobs(topic: string, partition: number, blobs: readonly StateBlob[]): Promise<void>;
  /** Last: from here on everything below `next_offset` counts as done. */
  writeManifest(manifest: Manifest): Promise<void>;

  readManifest(topic: string, partition: number): Promise<Manifest | undefined>;
  /** True when any blob or event row of the partition exists: a missing manifest is then a gap, not a beginning. */
  hasHistory(topic: string, partition: number): Promise<boolean>;
  readBlobs(topic: string, partition: number, keys: readonly string[]): Promise<Map<string, StateBlob>>;
  /** Blobs of which something falls due, without their bytes. */
  readDue(topic: string, partition: number): Promise<{ key: string; due: number }[]>;
  /** Event keys (32 hex digits) and ids of accepted events in [from, to), in offset order, to rebuild the dedup memory. */
  readKeys(topic: string, partition: number, from: number, to: number): AsyncIterable<SeenKey[]>;

  writePrior(version: string, bytes: Uint8Array): Promise<void>;
  readPrior(version: string): Promise<Uint8Array | undefined>;
}

export type SeenKey = { readonly offset: number; readonly key: string; readonly origin: string; readonly id: string };

/** The store cannot be reached, is overloaded or full: the same write is worth repeating, without end. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** The store understood the write and will never take it. Bisected to the row, which goes to the dead letters. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
}

export type { AlertRevision, FindingRow, Manifest, Outputs, StateBlob };

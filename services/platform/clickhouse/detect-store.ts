import { z } from 'zod';
import { DirectiveEntry } from '../../../schemas/directive.ts';
import { Pulses } from '../../../schemas/pulse.ts';
import { TOPICS } from '../event-log.ts';
import type { DetectStore, Manifest, SeenKey, StateBlob } from '../store.ts';
import { type ClickHouse, jsonRows, type Params, SEQUENTIAL_READ_SETTINGS } from './connection.ts';
import { createEventPacker } from './event-packer.ts';
import type { Inserter } from './insert.ts';
import { RowBinaryReader } from './row-binary-reader.ts';
import { EVENTS } from './tables/events.ts';
import { ALERTS, FINDINGS, IDENTITY_ALIASES } from './tables/outputs.ts';
import { DEAD_LETTERS, MANIFESTS, PRIORS, REFUSED_KEYS, STATE_BLOBS } from './tables/state.ts';

/**
 * Keys per look-up, and bytes of them: parameters travel in the URL, and proxies before a server take 8 KiB of that.
 * In process nothing is in between.
 */
const KEYS_PER_READ_MAX = 1_000;
const KEY_BYTES_PER_READ_MAX = { embedded: 128 * 1024, server: 6 * 1024 } as const;
/** Each read scans the offsets of all parts that reach into its span, so few and large ones are cheapest. */
const SEEN_KEYS_PER_READ = 262_144;

/** The writes and reads of detect's checkpoints, on ClickHouse. Reads that decide see every acknowledged write. */
export function createDetectStore(
  db: ClickHouse,
  insert: Inserter,
  options: { readonly replicated: boolean; readonly seen_keys_per_read?: number },
): DetectStore {
  const decide = (sql: string, format: string, params: Params): Promise<Buffer> =>
    db.read(`${sql}${options.replicated ? ` SETTINGS ${SEQUENTIAL_READ_SETTINGS}` : ''} FORMAT ${format}`, params, {
      urgent: true,
    });
  return {
    packEvent: createEventPacker(),
    async writeOutputs(outputs) {
      await insert(EVENTS, outputs.events);
      await insert(FINDINGS, outputs.findings);
      await insert(ALERTS, outputs.alerts);
      await insert(IDENTITY_ALIASES, outputs.aliases);
      await insert(
        DEAD_LETTERS,
        outputs.poison.map((row) => ({ ...row, topic: TOPICS.events })),
      );
    },
    writeRefusedKey: (partition, seen) => insert(REFUSED_KEYS, [{ partition, seen }]),
    writeBlobs: (blobs) => insert(STATE_BLOBS, blobs),
    writeManifests: (manifests) => insert(MANIFESTS, manifests),
    writePrior: (version, bytes) => insert(PRIORS, [{ version, bytes }]),
    writePriors: (priors) => insert(PRIORS, priors),

    async readManifest(topic, partition) {
      const sql = `SELECT body FROM manifests WHERE ${PLACE} ORDER BY next_offset DESC LIMIT 1`;
      const rows = jsonRows(await decide(sql, 'JSONEachRow', { topic, partition }));
      return rows.length === 0 ? undefined : parseManifest(Body.parse(rows[0]).body);
    },
    async hasHistory(topic, partition) {
      const blobs = await decide(`SELECT 1 FROM state_blobs WHERE ${PLACE} LIMIT 1`, 'TSV', { topic, partition });
      if (blobs.length > 0) return true;
      // Event rows name no topic: all of them come from the one topic of events.
      if (topic !== TOPICS.events) return false;
      const events = 'SELECT 1 FROM events WHERE log_partition = {partition:UInt16} LIMIT 1';
      return (await decide(events, 'TSV', { partition })).length > 0;
    },
    async highestOffset(topic, partition) {
      const sql = topic === TOPICS.events ? HIGHEST_OF_EVENTS : HIGHEST_BLOB;
      const [found] = await decide(sql, 'TSV', { topic, partition }).then((answer) => answer.toString().split('\n'));
      return found === undefined || found === '' || found === '\\N' ? undefined : Number(found);
    },
    async readBlobs(topic, partition, keys) {
      const blobs = new Map<string, StateBlob>();
      for (const batch of keyBatches(keys, KEY_BYTES_PER_READ_MAX[db.kind])) {
        readBlobRows(await decide(READ_BLOBS, 'RowBinary', { topic, partition, keys: batch }), blobs);
      }
      return blobs;
    },
    async readDue(topic, partition) {
      return readDueRows(await decide(READ_DUE, 'RowBinary', { topic, partition }));
    },
    async readFingerprints(topic, partition, most) {
      const answer = await decide(READ_FINGERPRINTS, 'RowBinary', { topic, partition, most: most + 1 });
      const count = answer.length / Uint32Array.BYTES_PER_ELEMENT;
      if (count > most) return undefined;
      const fingerprints = new Uint32Array(count);
      for (let i = 0; i < count; i++) fingerprints[i] = answer.readUInt32LE(i * Uint32Array.BYTES_PER_ELEMENT);
      return fingerprints;
    },
    readKeys: (topic, partition, from, to) =>
      topic === TOPICS.events
        ? readSeenKeys(decide, partition, { from, to, most: options.seen_keys_per_read ?? SEEN_KEYS_PER_READ })
        : noKeys(),
    async readPrior(version) {
      const sql = 'SELECT bytes FROM priors WHERE version = {version:String} LIMIT 1';
      const reader = new RowBinaryReader(await decide(sql, 'RowBinary', { version }));
      return reader.done ? undefined : reader.binary();
    },
  };
}

const PLACE = 'topic = {topic:String} AND log_partition = {partition:UInt16}';

const HIGHEST_BLOB = `SELECT maxOrNull(version) FROM state_blobs WHERE ${PLACE}`;
/** Rows name no topic, since all of them come from the one topic of events; dead letters name the one they stand in. */
const HIGHEST_OF_EVENTS = `
  SELECT maxOrNull(highest) FROM (
    SELECT maxOrNull(version) AS highest FROM state_blobs WHERE ${PLACE}
    UNION ALL SELECT maxOrNull(log_offset) FROM events WHERE log_partition = {partition:UInt16}
    UNION ALL SELECT maxOrNull(log_offset) FROM findings WHERE log_partition = {partition:UInt16}
    UNION ALL SELECT maxOrNull(log_offset) FROM alerts WHERE log_partition = {partition:UInt16}
    UNION ALL SELECT maxOrNull(log_offset) FROM dead_letters WHERE ${PLACE}
  )`;

/** Keys are bound as hex: they hold a NUL, which not everything between here and a server lets through. */
const READ_BLOBS = `
  SELECT key, version, due, bytes FROM state_blobs
  WHERE ${PLACE} AND key IN (SELECT unhex(arrayJoin({keys:Array(String)})))
  ORDER BY version DESC LIMIT 1 BY key`;

/** `due` is wrapped, since argMax leaves out NULLs and would bring back an older, settled one. */
const READ_DUE = `
  SELECT key, assumeNotNull(latest.1) AS due
  FROM (
    SELECT key, argMax(tuple(due), version) AS latest FROM state_blobs WHERE ${PLACE} GROUP BY key
  )
  WHERE latest.1 IS NOT NULL ORDER BY key`;

const READ_FINGERPRINTS = `SELECT DISTINCT CRC32(key) FROM state_blobs WHERE ${PLACE} LIMIT {most:UInt32}`;

const READ_KEYS = `
  SELECT log_offset, key, origin, id FROM (
    SELECT log_offset, key, origin, id FROM events
    WHERE log_partition = {partition:UInt16} AND log_offset >= {from:UInt64} AND log_offset < {to:UInt64}
    UNION ALL SELECT log_offset, key, origin, id FROM refused_keys
    WHERE log_partition = {partition:UInt16} AND log_offset >= {from:UInt64} AND log_offset < {to:UInt64}
  )
  ORDER BY log_offset LIMIT {most:UInt32}`;

type Decide = (sql: string, format: string, params: Params) => Promise<Buffer>;

async function* readSeenKeys(
  decide: Decide,
  partition: number,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): AsyncGenerator<SeenKey[]> {
  let next = from;
  while (next < to) {
    const reader = new RowBinaryReader(await decide(READ_KEYS, 'RowBinary', { partition, from: next, to, most }));
    const seen: SeenKey[] = [];
    let rows = 0;
    for (; !reader.done; rows++) {
      const row = { offset: reader.i64(), key: reader.hex(16), origin: reader.text(), id: reader.text() };
      // Repeats of a row stand side by side.
      if (seen.at(-1)?.offset !== row.offset) seen.push(row);
    }
    if (seen.length > 0) yield seen;
    if (rows < most) return;
    next = (seen.at(-1) as SeenKey).offset + 1;
  }
}

async function* noKeys(): AsyncGenerator<SeenKey[]> {}

function readBlobRows(answer: Buffer, into: Map<string, StateBlob>): void {
  const reader = new RowBinaryReader(answer);
  while (!reader.done) {
    const key = reader.text();
    into.set(key, { key, version: reader.i64(), due: reader.i64OrNull(), bytes: reader.binary() });
  }
}

function readDueRows(answer: Buffer): { key: string; due: number }[] {
  const reader = new RowBinaryReader(answer);
  const rows: { key: string; due: number }[] = [];
  while (!reader.done) rows.push({ key: reader.text(), due: reader.i64() });
  return rows;
}

function* keyBatches(keys: readonly string[], bytesMax: number): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const key of keys) {
    const hex = Buffer.from(key, 'utf8').toString('hex');
    if (batch.length > 0 && (batch.length === KEYS_PER_READ_MAX || bytes + hex.length > bytesMax)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(hex);
    bytes += hex.length;
  }
  if (batch.length > 0) yield batch;
}

const Body = z.object({ body: z.string() });

const ManifestShape = z.object({
  topic: z.string(),
  partition: z.int(),
  generation: z.string(),
  partitions: z.int(),
  next_offset: z.int(),
  offset_base: z.int().default(0),
  watermark_live: z.number(),
  watermark_recorded: z.number(),
  dedup_from: z.int(),
  prior_version: z.string(),
  groups: z.array(z.string()),
  directives: z.array(DirectiveEntry).optional(),
  rules_version: z.number(),
  counters: z.record(z.string(), z.number()),
  pulses: Pulses.optional(),
});

function parseManifest(body: string): Manifest {
  return ManifestShape.parse(JSON.parse(body));
}

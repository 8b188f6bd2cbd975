import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { LogRecord } from '../../services/platform/event-log.ts';
import { unpack } from '../../services/platform/kafka/codecs.ts';
import { UnpackError } from '../../services/platform/kafka/codecs-output.ts';
import { BatchDamage, openBatches, takeRecords } from '../../services/platform/kafka/fetch-batches.ts';

const load = createRequire(import.meta.url);
type Bytes = { readonly buffer: Buffer };
type PeerBatch = {
  readonly records: readonly {
    readonly offset: string;
    readonly timestamp: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
  }[];
};
/** kafkajs's own encoder and decoder, and the compressors that other clients use. */
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: Record<string, unknown>): Promise<Bytes>;
};
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0') as (record: Record<string, unknown>) => Bytes;
const Decoder = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const decodeBatch = load('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<PeerBatch>;
const snappy = (load('kafkajs-snappy') as () => { compress(encoder: Bytes): Promise<Uint8Array> })();
const lz4 = load('lz4js') as { compress(bytes: Buffer): Uint8Array };

const MOST = { records: 1_000_000, bytes: 1 << 30 };
const LIMIT = { batch_bytes_max: 1 << 24 };

const record = fc.record({
  key: fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), { nil: null }),
  value: fc.option(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    { nil: null },
  ),
  headers: fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { maxKeys: 3 }),
  delta_ms: fc.integer({ min: -1_000_000, max: 2 ** 40 }),
  gap: fc.integer({ min: 0, max: 3 }),
});
const batch = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 20 }),
  first_ms: fc.integer({ min: 0, max: 2 ** 41 }),
  holes: fc.integer({ min: 0, max: 5 }),
});
type Batch = typeof batch extends fc.Arbitrary<infer T> ? T : never;

/** Encodes batches one after the other, from offset `base` on; records may be missing between and behind them. */
async function encode(batches: readonly Batch[], base: number): Promise<{ bytes: Buffer; behind: number }> {
  const encoded: Buffer[] = [];
  let first = base;
  for (const { records, first_ms, holes } of batches) {
    let delta = -1;
    const bodies = records.map(({ key, value, headers, delta_ms, gap }) => {
      delta += 1 + gap;
      return encodeRecord({ offsetDelta: delta, timestampDelta: delta_ms, key, value, headers });
    });
    const last = delta + holes;
    const made = await RecordBatch({
      firstOffset: first,
      firstTimestamp: first_ms,
      maxTimestamp: first_ms,
      lastOffsetDelta: last,
      records: bodies,
    });
    encoded.push(made.buffer);
    first += last + 1;
  }
  return { bytes: Buffer.concat(encoded), behind: first };
}

async function byKafkajs(bytes: Buffer): Promise<LogRecord[]> {
  const decoder = new Decoder(bytes) as { canReadBytes(count: number): boolean };
  const records: LogRecord[] = [];
  while (decoder.canReadBytes(61)) {
    for (const { offset, timestamp, key, value } of (await decodeBatch(decoder)).records) {
      const common = { offset: Number(offset), append_ms: Number(timestamp), key: key?.toString() ?? '' };
      records.push(
        value === null
          ? { ...common, value: Buffer.alloc(0), tombstone: true }
          : { ...common, value: Buffer.from(value) },
      );
    }
  }
  return records;
}

describe('record batches', () => {
  test('decode as kafkajs decodes them, from any offset and in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(),
        async (batches, base, piece, skip) => {
          const { bytes, behind } = await encode(batches, base);
          const from = base + (skip % (behind - base));
          const wanted = (await byKafkajs(bytes)).filter(({ offset }) => offset >= from);
          const open = openBatches(bytes, [], LIMIT);
          const taken: LogRecord[] = [];
          for (let at = from; ; ) {
            const { next, exhausted } = takeRecords(open, at, { ...MOST, records: piece }, taken);
            assert.ok(next >= at);
            at = next;
            if (!exhausted) continue;
            assert.equal(at, behind);
            break;
          }
          assert.deepEqual(taken, wanted);
        },
      ),
    );
  });

  test('a piece has at least one record, and no more bytes than asked for but for the last', async () => {
    const value = Buffer.alloc(100);
    const records = Array.from({ length: 10 }, () => ({ key: null, value, headers: {}, delta_ms: 0, gap: 0 }));
    const { bytes } = await encode([{ records, first_ms: 0, holes: 0 }], 0);
    const take = (most: number): number => {
      const taken: LogRecord[] = [];
      takeRecords(openBatches(bytes, [], LIMIT), 0, { ...MOST, bytes: most }, taken);
      return taken.length;
    };
    assert.deepEqual([1, 100, 250, 100_000].map(take), [1, 1, 3, 10]);
  });

  test('a batch that is cut off at the end is left for the next fetch', async () => {
    const records = [{ key: 'k', value: Buffer.from('v'), headers: {}, delta_ms: 0, gap: 0 }];
    const { bytes } = await encode(
      [
        { records, first_ms: 0, holes: 0 },
        { records, first_ms: 0, holes: 0 },
      ],
      5,
    );
    for (let length = bytes.length / 2; length < bytes.length; length++) {
      const taken: LogRecord[] = [];
      const { next, exhausted } = takeRecords(openBatches(bytes.subarray(0, length), [], LIMIT), 5, MOST, taken);
      assert.deepEqual([next, exhausted, taken.length], [6, true, 1]);
    }
  });

  test('whatever stands in a batch, it is records or damage, and reading comes to an end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
        async (batches, changes) => {
          const { bytes } = await encode(batches, 1_000);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          const open = openBatches(bytes, [], { ...LIMIT, checks: false });
          for (let at = 0, turns = 0; turns < 1_000; turns++) {
            try {
              const { next, exhausted } = takeRecords(open, at, { ...MOST, records: 3 }, []);
              if (exhausted) return;
              at = next;
            } catch (error) {
              if (!(error instanceof BatchDamage)) throw error;
              at = error.next;
            }
          }
          assert.fail('it goes on for ever');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('bytes that are not those that were written are damage, whatever they would say', async () => {
    const records = ['a', 'b'].map((text) => ({
      key: null,
      value: Buffer.from(text),
      headers: {},
      delta_ms: 0,
      gap: 0,
    }));
    const { bytes } = await encode([{ records, first_ms: 0, holes: 0 }], 0);
    const at = bytes.lastIndexOf('a');
    bytes[at] = 'c'.charCodeAt(0);
    assert.throws(
      () => takeRecords(openBatches(bytes, [], LIMIT), 0, MOST, []),
      (error) => error instanceof BatchDamage && error.checksum && error.next === 2,
    );
    bytes[at] = 'a'.charCodeAt(0);
    assert.equal(takeRecords(openBatches(bytes, [], LIMIT), 0, MOST, []).next, 2);
  });

  test('what precedes the damage is given out first, and the rest of the batch is passed over', async () => {
    const records = ['a', 'b', 'c'].map((text) => ({
      key: null,
      value: Buffer.from(text),
      headers: {},
      delta_ms: 0,
      gap: 0,
    }));
    const { bytes } = await encode(
      [
        { records, first_ms: 0, holes: 0 },
        { records, first_ms: 0, holes: 0 },
      ],
      0,
    );
    // The length of the second record.
    bytes[61 + ((bytes[61] ?? 0) >>> 1) + 1] = 0x7e;
    const open = openBatches(bytes, [], { ...LIMIT, checks: false });
    const taken: LogRecord[] = [];
    assert.deepEqual(takeRecords(open, 0, MOST, taken).next, 1);
    assert.throws(() => takeRecords(open, 1, MOST, taken), { name: 'BatchDamage', next: 3, reason: 'damaged' });
    takeRecords(open, 3, MOST, taken);
    assert.deepEqual(
      taken.map(({ offset }) => offset),
      [0, 3, 4, 5],
    );
  });
});

describe('compression', () => {
  const texts = fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 400 })), { maxLength: 30 })
    .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => new Array<Uint8Array>(times).fill(bytes))));
  const compress: Readonly<Record<number, (bytes: Buffer) => Promise<Buffer>>> = {
    1: async (bytes) => gzipSync(bytes),
    2: async (bytes) => Buffer.from(await snappy.compress({ buffer: bytes })),
    3: async (bytes) => Buffer.from(lz4.compress(bytes)),
    4: async (bytes) => zstdCompressSync(bytes),
  };

  for (const [codec, pack] of Object.entries(compress)) {
    test(`codec ${codec} unpacks what others packed, up to the limit`, async () => {
      await fc.assert(
        fc.asyncProperty(texts, async (bytes) => {
          const packed = await pack(bytes);
          assert.ok(unpack(Number(codec), packed, Math.max(1, bytes.length)).equals(bytes));
          if (bytes.length < 2) return;
          assert.throws(() => unpack(Number(codec), packed, bytes.length - 1), { reason: 'too_large' });
        }),
        { numRuns: 60 },
      );
    });

    test(`codec ${codec} finds damage or comes to an end`, async () => {
      await fc.assert(
        fc.asyncProperty(texts, fc.nat(), fc.integer({ min: 0, max: 255 }), async (bytes, at, byte) => {
          const packed = await pack(bytes);
          packed[at % packed.length] = byte;
          try {
            assert.ok(unpack(Number(codec), packed, 1 << 20).length <= 1 << 20);
          } catch (error) {
            if (!(error instanceof UnpackError)) throw error;
          }
        }),
        { numRuns: 200 },
      );
    });
  }

  test('a codec that nobody knows is damage', () => {
    assert.throws(() => unpack(7, Buffer.alloc(10), 100), { name: 'UnpackError', reason: 'damaged' });
  });
});

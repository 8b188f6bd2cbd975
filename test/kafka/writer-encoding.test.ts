import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createArenas } from '../../services/platform/kafka/arenas.ts';
import { crc32c } from '../../services/platform/kafka/crc32c.ts';
import { keyBytes, keyText } from '../../services/platform/kafka/key-text.ts';
import { batchRoom, writeRecordBatch } from '../../services/platform/kafka/record-batch.ts';

/** kafkajs's own reading of what we write: the referee. */
const load = createRequire(import.meta.url);
const Decoder = load('kafkajs/src/protocol/decoder');
const decodeBatch = load('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: unknown) => Promise<Decoded>;
const bytewise = load('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;

type Decoded = {
  readonly inTransaction: boolean;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly lastOffsetDelta: number;
  readonly maxTimestamp: string;
  readonly records: readonly { readonly offset: string; readonly key: Buffer; readonly value: Buffer }[];
};

describe('what a writer sends', () => {
  test('the checksum is CRC-32C', () => {
    // RFC 3720, B.4.
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
    assert.equal(crc32c(Buffer.alloc(0)), 0);
  });

  test('the checksum of any part of any bytes is that of the byte-wise loop', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(40), fc.nat(40), fc.nat(7), (bytes, from, left, at) => {
        const start = Math.min(from, bytes.length);
        const end = Math.max(start, bytes.length - left);
        // Wherever it stands in memory, aligned or not.
        const placed = new Uint8Array(bytes.length + at).subarray(at);
        placed.set(bytes);
        assert.equal(crc32c(placed, start, end), bytewise(Buffer.from(bytes.slice(start, end))));
      }),
    );
  });

  test('a key comes back from its bytes, whatever it holds, and no two keys share bytes', () => {
    const keys = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 12 });
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        assert.equal(keyText(keyBytes(one)), one);
        assert.equal(keyBytes(one).equals(keyBytes(other)), one === other);
      }),
    );
    assert.equal(keyText(Buffer.from('xabcx'), 1, 4), 'abc');
    assert.equal(keyText(Buffer.from([0x61, 0xff, 0xc3])), 'a\ufffd\ufffd');
  });

  test('kafkajs reads any batch as what was meant', async () => {
    const records = fc.array(
      fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 20 }), value: fc.uint8Array({ maxLength: 300 }) }),
      { minLength: 1, maxLength: 200 },
    );
    const producer = fc.record({
      id: fc.bigInt({ min: 0n, max: 2n ** 62n }),
      epoch: fc.nat(0x7fff),
      sequence: fc.nat(0x7fffffff),
    });
    await fc.assert(
      fc.asyncProperty(records, producer, async (written, by) => {
        const room = Buffer.alloc(batchRoom(written), 0xff);
        const batch = writeRecordBatch(room, written, by, 1_700_000_000_000);
        const read = await decodeBatch(new Decoder(batch));
        assert.equal(read.inTransaction, true);
        assert.deepEqual(
          [read.producerId, read.producerEpoch, read.firstSequence],
          [`${by.id}`, by.epoch, by.sequence],
        );
        assert.equal(read.lastOffsetDelta, written.length - 1);
        assert.equal(read.maxTimestamp, '1700000000000');
        assert.deepEqual(
          read.records.map(({ key, value }) => [key.toString(), [...value]]),
          written.map(({ key, value }) => [key, [...value]]),
        );
        assert.equal(batch.readUInt32BE(17), bytewise(batch.subarray(21)));
      }),
      { numRuns: 60 },
    );
  });
});

describe('memory for requests', () => {
  test('is used again once it is given back, and by one at a time', () => {
    const arenas = createArenas({ kept: 2, bytes: 1024 * 1024 });
    const first = arenas.take(1_000);
    const second = arenas.take(1_000);
    assert.notEqual(first.buffer, second.buffer);
    arenas.giveBack(first);
    assert.equal(arenas.take(first.length), first);
    assert.notEqual(arenas.take(1_000), first);
  });

  test('is never smaller than what is asked for, and not kept beyond its bounds', () => {
    const arenas = createArenas({ kept: 1, bytes: 512 * 1024 });
    const [small, large, huge] = [arenas.take(1), arenas.take(400_000), arenas.take(600_000)];
    assert.ok(large.length >= 400_000 && huge.length >= 600_000);
    arenas.giveBack(huge);
    assert.notEqual(arenas.take(600_000), huge);
    arenas.giveBack(large);
    arenas.giveBack(small);
    assert.notEqual(arenas.take(400_000), large);
    assert.equal(arenas.take(1), small);
  });
});

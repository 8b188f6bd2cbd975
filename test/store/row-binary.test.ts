import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type ClickHouse, jsonRows } from '../../services/platform/clickhouse/connection.ts';
import { openEmbedded } from '../../services/platform/clickhouse/embedded.ts';
import { createInserter } from '../../services/platform/clickhouse/insert.ts';
import { RowBinaryWriter } from '../../services/platform/clickhouse/row-binary.ts';
import { RowBinaryReader } from '../../services/platform/clickhouse/row-binary-reader.ts';
import type { Table } from '../../services/platform/clickhouse/tables/table.ts';
import { HOSTILE } from '../support/store-fixtures.ts';

type Row = {
  readonly n: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly i: number;
  readonly f: number;
  readonly d: number;
  readonly text: string;
  readonly low: string;
  readonly fixed: string;
  readonly list: readonly number[];
  readonly size: number | undefined;
  readonly count: number | undefined;
  readonly when: number | undefined;
};

const TABLE: Table<Row> = {
  name: 'every_type',
  columns: [
    ['n', 'UInt32'],
    ['a', 'UInt8'],
    ['b', 'UInt16'],
    ['c', 'UInt64'],
    ['i', 'Int64'],
    ['f', 'Float32'],
    ['d', 'Float64'],
    ['text', 'String'],
    ['low', 'LowCardinality(String)'],
    ['fixed', 'FixedString(4)'],
    ['list', 'Array(Float32)'],
    ['size', 'Nullable(Float64)'],
    ['count', 'Nullable(UInt64)'],
    ['when', 'Nullable(DateTime64(3))'],
  ],
  write(to, row) {
    to.u32(row.n);
    to.u8(row.a);
    to.u16(row.b);
    to.u64(row.c);
    to.i64(row.i);
    to.f32(row.f);
    to.f64(row.d);
    to.text(row.text);
    to.text(row.low);
    to.hex(row.fixed, 4);
    to.f32s(row.list);
    to.f64OrNull(row.size);
    to.u64OrNull(row.count);
    to.i64OrNull(row.when);
  },
};
/** What ClickHouse understood, in its own words: reinterpretation would hide a mistake made twice. */
const READ = `
  SELECT n, a, b, toString(c) AS c, toString(i) AS i, reinterpretAsUInt32(f) AS f, toString(reinterpretAsUInt64(d)) AS d,
    hex(text) AS text, hex(low) AS low, lower(hex(fixed)) AS fixed, arrayMap(x -> reinterpretAsUInt32(x), list) AS list,
    if(isNull(size), 'none', toString(reinterpretAsUInt64(assumeNotNull(size)))) AS size,
    toString(count) AS count, toString(toUnixTimestamp64Milli(when)) AS when
  FROM every_type ORDER BY n FORMAT JSONEachRow`;

const scratch = new DataView(new ArrayBuffer(8));
function bits32(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}
function bits64(value: number): string {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0).toString();
}
const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex').toUpperCase();

function expected(row: Row): unknown {
  return {
    n: row.n,
    a: row.a,
    b: row.b,
    c: String(row.c),
    i: String(row.i),
    f: bits32(row.f),
    d: bits64(row.d),
    text: hex(row.text),
    low: hex(row.low),
    fixed: row.fixed.toLowerCase(),
    list: row.list.map(bits32),
    size: row.size === undefined ? 'none' : bits64(row.size),
    count: row.count === undefined ? null : String(row.count),
    when: row.when === undefined ? null : String(row.when),
  };
}

const time = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2299, 0, 1) });
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '€', '🦊', '\ud800', '\udfff', '\0'), maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('a', '~'), minLength: 30, maxLength: 140 }),
  fc.constantFrom('', ...HOSTILE),
);
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Within a 32-bit float's range: beyond it the nearest one is infinite. */
const single = fc.float({ noNaN: true, noDefaultInfinity: true });
const row: fc.Arbitrary<Omit<Row, 'n'>> = fc.record({
  a: fc.nat(0xff),
  b: fc.nat(0xffff),
  c: fc.maxSafeNat(),
  i: fc.maxSafeInteger(),
  f: single,
  d: double,
  text,
  low: text,
  fixed: fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: 8, maxLength: 8 }),
  list: fc.array(single, { maxLength: 200 }),
  size: fc.option(double, { nil: undefined }),
  count: fc.option(fc.maxSafeNat(), { nil: undefined }),
  when: fc.option(time, { nil: undefined }),
});

describe('RowBinary', { concurrency: 1 }, () => {
  let directory: string;
  let db: ClickHouse;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-rowbinary-'));
    db = openEmbedded({ path: directory });
    const columns = TABLE.columns.map(([name, type]) => `${name} ${type}`).join(', ');
    await db.command(`CREATE TABLE every_type (${columns}) ENGINE = MergeTree ORDER BY n`);
  });
  after(async () => {
    await db.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('is read by ClickHouse as it was meant', async () => {
    const insert = createInserter(db);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 80 }), async (values) => {
        await db.command('TRUNCATE TABLE every_type');
        const rows = values.map((value, n) => ({ ...value, n }));
        await insert(TABLE, rows);
        assert.deepEqual(jsonRows(await db.read(READ)), rows.map(expected));
      }),
      { numRuns: 60 },
    );
  });

  test('comes back through the reader as it was written', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (values) => {
        const writer = new RowBinaryWriter();
        for (const value of values) {
          writer.text(value.text);
          writer.u64(value.c);
          writer.i64(value.i);
          writer.i64OrNull(value.when);
          writer.hex(value.fixed, 4);
          writer.u8(value.a);
          writer.binary(Buffer.from(value.low));
        }
        const reader = new RowBinaryReader(writer.bytes());
        for (const value of values) {
          assert.equal(reader.text(), value.text.toWellFormed());
          assert.equal(reader.i64(), value.c);
          assert.equal(reader.i64(), value.i);
          assert.equal(reader.i64OrNull(), value.when);
          assert.equal(reader.hex(4), value.fixed.toLowerCase());
          assert.equal(reader.u8(), value.a);
          assert.deepEqual(Buffer.from(reader.binary()), Buffer.from(value.low));
        }
        assert.ok(reader.done);
      }),
    );
  });

  test('that is cut short anywhere is noticed', () => {
    const writer = new RowBinaryWriter();
    writer.text('x'.repeat(200));
    writer.i64(1);
    const whole = writer.bytes();
    for (let end = 0; end < whole.length; end++) {
      const reader = new RowBinaryReader(whole.subarray(0, end));
      assert.throws(() => {
        reader.text();
        reader.i64();
      }, RangeError);
    }
  });

  test('refuses what a type cannot hold', () => {
    const writer = new RowBinaryWriter();
    const bad: (() => void)[] = [
      () => writer.u8(256),
      () => writer.u8(-1),
      () => writer.u16(65_536),
      () => writer.u32(2 ** 32),
      () => writer.u32(Number.NaN),
      () => writer.u64(-1),
      () => writer.u64(2 ** 53),
      () => writer.u64(0.5),
      () => writer.i64(2 ** 53),
      () => writer.i64(Number.POSITIVE_INFINITY),
      () => writer.f32(Number.NaN),
      () => writer.f64(Number.NEGATIVE_INFINITY),
      () => writer.f32s([1, Number.POSITIVE_INFINITY]),
      () => writer.hex('00', 2),
      () => writer.hex('0g', 1),
      () => writer.hex('0ſ', 1),
    ];
    for (const [i, write] of bad.entries()) assert.throws(write, RangeError, `case ${i}`);
  });

  test('grows, and is used again from the start', () => {
    const writer = new RowBinaryWriter();
    const large = Buffer.alloc(writer.capacity + 1, 7);
    writer.u8(1);
    writer.binary(large);
    writer.text('y'.repeat(100_000));
    assert.equal(writer.length, 1 + 3 + large.length + 3 + 100_000);
    const reader = new RowBinaryReader(writer.bytes());
    assert.equal(reader.u8(), 1);
    assert.ok(large.equals(reader.binary()));
    assert.equal(reader.text(), 'y'.repeat(100_000));
    writer.reset();
    assert.equal(writer.bytes().length, 0);
  });
});

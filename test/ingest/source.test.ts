import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { LIMITS } from '../../schemas/limits.ts';
import type { Item } from '../../services/ingest/core.ts';
import { gunzip } from '../../services/ingest/gunzip.ts';
import { openRecording, readItems } from '../../services/ingest/source.ts';
import { splitBody } from '../../services/ingest/split.ts';
import { recordingOf } from './support.ts';

async function itemsOf(bytes: Buffer | string, chunk_bytes?: number): Promise<Item[]> {
  const items: Item[] = [];
  for await (const batch of readItems(recordingOf(bytes, chunk_bytes))) items.push(...batch.items);
  return items;
}
const texts = (items: readonly Item[]): string[] => items.map(({ bytes }) => bytes.toString());
const reasons = (items: readonly Item[]) => items.map(({ broken }) => broken?.refusal.reason);

test('an empty file holds no items, compressed or not', async () => {
  assert.deepEqual(await itemsOf(''), []);
  assert.deepEqual(await itemsOf(gzipSync('')), []);
  assert.deepEqual(await itemsOf('\n\r\n  \n'), []);
  assert.deepEqual(await itemsOf('\ufeff'), []);
});

test('lines: CRLF, BOM, blank lines and a last line without an end', async () => {
  for (const chunk of [1, 2, 3, 7, 1_000]) {
    const items = await itemsOf('\ufeff{"a":1}\r\n\r\n{"b":2}\n  \n{"c":3}', chunk);
    assert.deepEqual(
      items.map(({ bytes }) => JSON.parse(bytes.toString())),
      [{ a: 1 }, { b: 2 }, { c: 3 }],
    );
    assert.deepEqual(
      items.map(({ position }) => position),
      ['rec:1', 'rec:3', 'rec:5'],
    );
  }
});

test('leading blank lines count in the line numbers', async () => {
  const items = await itemsOf('\n\n{"a":1}\n', 1);
  assert.deepEqual(
    items.map(({ position }) => position),
    ['rec:3'],
  );
});

test('a list: elements with brackets and quotes in their texts, in chunks of any size', () => {
  const element = fc.oneof(fc.json({ maxDepth: 3 }), fc.constantFrom('{"a":"]}\\"[,"}', '"\\\\"', '[[],{}]', '-1.5e3'));
  return fc.assert(
    fc.asyncProperty(fc.array(element, { maxLength: 8 }), fc.integer({ min: 1, max: 20 }), async (elements, chunk) => {
      const items = await itemsOf(` [ ${elements.join(' ,\n ')} ] \n`, chunk);
      assert.deepEqual(
        texts(items).map((text) => JSON.parse(text)),
        elements.map((text) => JSON.parse(text)),
      );
      assert.deepEqual(
        items.map(({ position }) => position),
        elements.map((_, index) => `rec[${index}]`),
      );
    }),
    { numRuns: 300 },
  );
});

test('a list that breaks off gives its whole elements and one dead letter', async () => {
  const items = await itemsOf('[{"a":1},{"b":2},{"c":');
  assert.deepEqual(reasons(items), [undefined, undefined, 'truncated_input']);
  assert.equal(items[2]?.bytes.toString(), '{"c":');
  assert.deepEqual(reasons(await itemsOf('[{"a":1}')), [undefined, 'truncated_input']);
  assert.deepEqual(reasons(await itemsOf('[')), ['truncated_input']);
});

test('what follows a list is one dead letter', async () => {
  const items = await itemsOf('[{"a":1}]\n{"b":2}\n');
  assert.deepEqual(reasons(items), [undefined, 'not_json']);
  assert.deepEqual(reasons(await itemsOf('[]  \n')), []);
});

test('an oversized line or element is counted and not held', async () => {
  const huge = `{"x":"${'y'.repeat(LIMITS.bundle_bytes_max + 1)}"}`;
  for (const whole of [`{"a":1}\n${huge}\n{"b":2}\n`, `[{"a":1},${huge},{"b":2}]`]) {
    const items = await itemsOf(whole);
    assert.deepEqual(reasons(items), [undefined, 'item_too_large', undefined]);
    assert.equal(items[1]?.broken?.length, huge.length);
    assert.equal(items[1]?.bytes.length, LIMITS.dead_letter_bytes_max);
    assert.ok(huge.startsWith(items[1]?.bytes.toString() as string));
  }
  const exact = `{"x":"${'y'.repeat(LIMITS.bundle_bytes_max - 8)}"}`;
  assert.deepEqual(reasons(await itemsOf(`${exact}\n${exact} \n`)), [undefined, 'item_too_large']);
});

const lines = Array.from(
  { length: 300 },
  (_, index) => `${JSON.stringify({ index, text: 'some text'.repeat(index % 7) })}\n`,
);

test('gzip is found by its first bytes, in one member or several, in chunks of any size', async () => {
  const half = lines.length / 2;
  const one = gzipSync(lines.join(''));
  const two = Buffer.concat([gzipSync(lines.slice(0, half).join('')), gzipSync(lines.slice(half).join(''))]);
  for (const packed of [one, two]) {
    for (const chunk of [1, 100, 1_000_000]) {
      assert.equal(texts(await itemsOf(packed, chunk)).join('\n'), lines.join('').trimEnd());
    }
  }
});

test('a gzip cut anywhere gives every line that can be unpacked, and one dead letter', async () => {
  const packed = gzipSync(lines.join(''));
  for (let cut = 2; cut < packed.length; cut += Math.ceil(packed.length / 60)) {
    const part = packed.subarray(0, cut);
    const unpacked = gunzipSync(part, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    const whole = unpacked.slice(0, unpacked.lastIndexOf('\n') + 1);
    const items = await itemsOf(part, 777);
    assert.deepEqual(
      texts(items.filter(({ broken }) => broken === undefined)),
      whole.split('\n').filter((line) => line !== ''),
      `cut at ${cut}`,
    );
    const last = items.at(-1) as Item;
    assert.equal(last.broken?.refusal.reason, 'truncated_input');
    assert.equal(last.bytes.toString(), unpacked.slice(whole.length));
    assert.equal(last.position, `rec:${whole.split('\n').length}`);
  }
});

test('a damaged gzip ends with one dead letter', async () => {
  const packed = Buffer.from(gzipSync(lines.join('')));
  packed[Math.floor(packed.length / 2)] = (packed[Math.floor(packed.length / 2)] as number) ^ 0xff;
  const items = await itemsOf(packed, 50);
  assert.equal(items.at(-1)?.broken?.refusal.reason, 'truncated_input');
  assert.equal(items.filter(({ broken }) => broken !== undefined).length, 1);
  assert.deepEqual(reasons(await itemsOf(Buffer.from([0x1f, 0x8b, 0, 0, 0]))), ['truncated_input']);
});

test('a small gzip that unpacks to very much is unpacked slice by slice', async () => {
  const unpacked_bytes = 64 * 1024 * 1024;
  const bomb = gzipSync(Buffer.alloc(unpacked_bytes, 'x'));
  assert.ok(bomb.length > 3 * LIMITS.gunzip_slice_bytes);
  let pulled = 0;
  async function* slices(): AsyncGenerator<Buffer> {
    for (; pulled < bomb.length; pulled += LIMITS.gunzip_slice_bytes) {
      yield bomb.subarray(pulled, pulled + LIMITS.gunzip_slice_bytes);
    }
  }
  const most_at_once = 1_032 * LIMITS.gunzip_slice_bytes;
  let total = 0;
  for await (const piece of gunzip(slices())) {
    assert.ok(Buffer.isBuffer(piece));
    total += piece.length;
    assert.ok(total <= (pulled / LIMITS.gunzip_slice_bytes + 1) * most_at_once);
    if (total < unpacked_bytes / 2) assert.ok(pulled < bomb.length, 'output comes before all of the input is read');
  }
  assert.equal(total, unpacked_bytes);
  const items = await itemsOf(bomb);
  assert.deepEqual(reasons(items), ['item_too_large']);
  assert.equal(items[0]?.broken?.length, unpacked_bytes);
});

test('files are opened with name and size, and what is not there is an error of the system', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'countersign-ingest-'));
  try {
    const path = join(dir, 'events.ndjson');
    await writeFile(path, lines.join(''));
    const recording = await openRecording(path);
    assert.equal(recording.size_bytes, Buffer.byteLength(lines.join('')));
    let bytes_read = 0;
    let count = 0;
    for await (const batch of readItems(recording)) {
      bytes_read = batch.bytes_read;
      count += batch.items.length;
    }
    assert.deepEqual([bytes_read, count], [recording.size_bytes, lines.length]);
    await assert.rejects(openRecording(join(dir, 'missing')), { code: 'ENOENT' });
    await assert.rejects(openRecording(dir), {
      code: 'EISDIR',
      message: `${dir} is a directory: name the files in it`,
    });
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a body is split like a file', () => {
  assert.deepEqual(texts(splitBody(Buffer.from('[{"a":1},{"b":2}]'), 'body')), ['{"a":1}', '{"b":2}']);
  assert.deepEqual(
    splitBody(Buffer.from('{"a":1}\n{"b":2}'), 'body').map(({ position }) => position),
    ['body:1', 'body:2'],
  );
  assert.deepEqual(splitBody(Buffer.alloc(0), 'body'), []);
});

test('a body with more items than a batch may hold is split no further than to show it', () => {
  for (const body of ['1\n'.repeat(200_000), `[${'1,'.repeat(200_000)}1]`]) {
    const items = splitBody(Buffer.from(body), 'body', 100);
    assert.equal(items.length, 101);
    assert.ok(items.every(({ bytes }) => bytes.toString() === '1'));
  }
  const whole = splitBody(Buffer.from(`${'x'.repeat(200_000)}\n`.repeat(100)), 'body', 100);
  assert.equal(whole.length, 100, 'exactly as many are all there, whatever pieces they came in');
  assert.ok(whole.every(({ bytes }) => bytes.length === 200_000));
});

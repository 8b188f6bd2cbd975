import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { LIMITS } from '../../schemas/limits.ts';
import { KnownKeys } from '../../services/detect/known-keys.ts';

const keys = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `tenant\0agent-${from + i}`);

test('knows every key of the store and every key that was added, and few others', () => {
  const stored = keys(0, 50_000);
  const known = new KnownKeys(Uint32Array.from(stored, (key) => crc32(key)));
  const added = keys(50_000, 70_000);
  for (const key of added) known.add(key);
  for (const key of [...stored, ...added]) assert.ok(known.mayHold(key), key);
  const others = keys(100_000, 200_000).filter((key) => known.mayHold(key));
  assert.ok(others.length < 100, `${others.length} keys of 100,000 are looked up in vain`);
});

test('a fingerprint of zero is one like any other', () => {
  const known = new KnownKeys(new Uint32Array([0]));
  assert.ok(known.mayHold(''), 'CRC-32 of nothing is 0');
  assert.equal(new KnownKeys(new Uint32Array()).mayHold(''), false);
});

test('holds no more than so many, and then takes every key for known', () => {
  const known = new KnownKeys(undefined);
  assert.ok(known.mayHold('anything'));
  known.add('anything');
  const full = new KnownKeys(Uint32Array.from({ length: LIMITS.known_identities_max + 1 }, (_, i) => i * 2 + 1));
  assert.ok(full.mayHold('anything'));
});

test('keys that were chosen to be slow cost no more than a few steps', () => {
  // All of them begin at the same slot.
  const crafted = Uint32Array.from({ length: 200 }, (_, i) => (i + 1) * 2 ** 24);
  assert.ok(new KnownKeys(crafted).mayHold('anything'), 'it gives up rather than search');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ownPath } from '../../services/api/auth/round-trip.ts';

const HERE = 'https://countersign.example.com';
/** Where a browser goes that is sent to `location` by a page of ours. */
const hostOf = (location: string): string => new URL(location, `${HERE}/sign-in`).origin;

test('a way back leads to a path of ours, as it was given', () => {
  for (const path of ['/', '/containments', '/containments/abc?problem=x', '/containments/new?alert=a&tenant=b%2Fc']) {
    assert.equal(ownPath(path), path);
  }
});

test('a way back never leads to another host, however it is written', () => {
  for (const path of [
    undefined,
    '',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    '/a/%2E%2e//evil.example/x?y',
    '/.\\\\evil.example',
    '/./\\evil.example',
    '/\t/evil.example',
  ]) {
    assert.equal(ownPath(path), '/', path);
  }
});

test('nor does anything that is made of the signs that paths are changed by', () => {
  const signs = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '?',
    '#',
    '@',
    ':',
    'evil.example',
    'https:',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 12 }), (parts) => {
      assert.equal(hostOf(ownPath(`/${parts.join('')}`)), HERE);
    }),
    { numRuns: 5_000 },
  );
});

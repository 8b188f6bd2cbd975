import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('every item of docs/security.md names code and a test that are there', () => {
  const row = /^\| (v5\.0\.0-\d+\.\d+\.\d+) \| [^|]+ \| [^|]+ \| `([^`]+)` \| `([^`]+)` "([^"]+)" \|$/gm;
  const rows = [...read('docs/security.md').matchAll(row)];
  assert.ok(rows.length >= 30, `${rows.length} items`);
  assert.equal(new Set(rows.map(([, item]) => item)).size, rows.length);
  for (const [, item = '', where = '', file = '', name = ''] of rows) {
    assert.ok(read(where).length > 0, item);
    assert.ok(read(file).includes(name), `${item}: "${name}" is not in ${file}`);
  }
});

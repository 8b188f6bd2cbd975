import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { REFUSALS } from '../../schemas/command.ts';

test('every refusal is explained in the docs, and the docs explain no other', async () => {
  const text = await readFile(new URL('../../docs/containment.md', import.meta.url), 'utf8');
  const table = text.slice(text.indexOf('## Answers to commands'));
  const documented = [...table.matchAll(/^\| `([a-z_]+)` \| \S/gm)].map(([, code]) => code);
  assert.deepEqual(documented.toSorted(), [...REFUSALS].toSorted());
});

test('every refusal is given somewhere', async () => {
  const folder = new URL('../../services/contain/', import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts')).map((name) => new URL(name, folder));
  const bus = new URL('../../services/control/command-bus.ts', import.meta.url);
  const sources = await Promise.all([...files, bus].map((file) => readFile(file, 'utf8')));
  const source = sources.join('\n');
  for (const code of REFUSALS) assert.ok(source.includes(`'${code}'`), code);
});

import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
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

test('every rule of the table names code that is there and tests that are there', async () => {
  const text = await readFile(new URL('../../docs/containment.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('## Rules, where'), text.indexOf('## Answers to commands'));
  const rows = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].slice(1);
  assert.ok(rows.length >= 25, `${rows.length} rules`);
  for (const [, rule = '', where = '', tests = ''] of rows) {
    const code = await sourcesOf(where, '../../services/contain/', rule);
    for (const [, name = ''] of where.matchAll(/`([a-zA-Z]+)`/g)) assert.ok(code.includes(name), `${rule}: ${name}`);
    const source = await sourcesOf(tests, './', rule);
    for (const [, name = ''] of tests.matchAll(/"([^"]+)"/g)) assert.ok(source.includes(name), `${rule}: "${name}"`);
  }
});

/** The text of all files that a cell names, together. */
async function sourcesOf(cell: string, folder: string, rule: string): Promise<string> {
  const names = [...cell.matchAll(/`([\w/-]+(?:\.test)?\.ts)`/g)].map(([, name = '']) => name);
  assert.notEqual(names.length, 0, rule);
  const files = names.map(
    (name) => new URL(name.includes('/') ? `../../${name}` : `${folder}${name}`, import.meta.url),
  );
  for (const file of files) await access(file);
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
}

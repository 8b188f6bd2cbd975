import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { REFUSALS } from '../../schemas/command.ts';

test('every refusal is explained in the docs, and the docs explain no other', async () => {
  const text = await readFile(new URL('../../docs/containment.md', import.meta.url), 'utf8');
  const table = text.slice(text.indexOf('## Answers to commands'));
  const documented = [...table.matchAll(/^\| `([a-z_]+)` \| \S/gm)].map(([, code]) => code);
  assert.deepEqual(documented.toSorted(), [...REFUSALS].toSorted());
});

test('every refusal is given somewhere', async () => {
  const files = ['machine', 'commands', 'accounts', 'subscriptions', 'gaps', 'directives', 'effect'].map(
    (name) => `../../services/contain/${name}.ts`,
  );
  const sources = await Promise.all(
    [...files, '../../services/control/command-bus.ts'].map((file) => readFile(new URL(file, import.meta.url), 'utf8')),
  );
  const source = sources.join('\n');
  for (const code of REFUSALS) assert.ok(source.includes(`'${code}'`), code);
});

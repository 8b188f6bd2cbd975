import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AUDIT_KINDS } from '../../schemas/api/audit.ts';
import { AUDIT_PROBLEMS } from '../../services/control/audit-verify.ts';

const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');
const sectionOf = (title: string): string =>
  page
    .split(/^## /m)
    .find((section) => section.startsWith(title))
    ?.split('\n| --- |')
    .slice(1)
    .join('\n') ?? '';

test('docs/audit.md names every kind of record, and no other', () => {
  const rows = [...sectionOf('What is in it').matchAll(/^\| [^|]+ \| ([^|]+) \|$/gm)].map(([, kinds]) => kinds ?? '');
  const named = rows.flatMap((row) => [...row.matchAll(/`([a-z_]+)`/g)].map(([, kind]) => kind));
  assert.deepEqual(named.toSorted(), [...AUDIT_KINDS].toSorted());
});

test('docs/audit.md explains every code of a verification, and no other', () => {
  const named = [...sectionOf('How to verify').matchAll(/^\| `(\w+)` \| \S/gm)].map(([, code]) => code);
  assert.deepEqual(named.toSorted(), [...AUDIT_PROBLEMS].toSorted());
});

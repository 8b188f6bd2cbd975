import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CONTAINMENT_ACTIONS, SEVERITIES } from '../../schemas/alert.ts';
import { SEVERITY_GROUNDS } from '../../schemas/alert-facts.ts';

const page = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');

/** First cells of the rows of the table below a heading's first cell. */
function firstCells(head: string): string[] {
  const [, rows = ''] = page.split(`| ${head} |`);
  const table = rows.split('\n\n')[0] ?? '';
  return [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, cell = '']) => cell);
}

test('docs/alerts.md tells of every level, every ground and every containment, and of no other', () => {
  assert.deepEqual(firstCells('level'), SEVERITIES.toReversed());
  assert.deepEqual(firstCells('ground'), [...SEVERITY_GROUNDS]);
  assert.deepEqual(firstCells('action'), [...CONTAINMENT_ACTIONS]);
});

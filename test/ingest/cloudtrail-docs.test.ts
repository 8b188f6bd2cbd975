import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CALL_VERBS } from '../../services/ingest/cloudtrail/operation.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { accepted } from './support.ts';

const page = (name: string): string => readFileSync(new URL(`../../docs/sources/${name}.md`, import.meta.url), 'utf8');

for (const [name, origin] of [
  ['cloudtrail', 'cloudtrail'],
  ['ocsf', 'gateway'],
] as const) {
  test(`the example of ${name}.md becomes what stands there`, () => {
    const [source, becomes] = [...page(name).matchAll(/```json\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
    const { key: _, ...event } = accepted(source, { formats: normalisersOf('auto', []), origin });
    assert.deepEqual(event, JSON.parse(becomes ?? ''));
  });
}

describe('cloudtrail.md', () => {
  test('has the verbs of the code', () => {
    const rows = [...page('cloudtrail').matchAll(/^ {3}\| `(\w+)` \| ([\w ]+) \|$/gm)];
    assert.deepEqual(Object.fromEntries(rows.map(([, operation, verbs]) => [operation, verbs])), CALL_VERBS);
  });
});

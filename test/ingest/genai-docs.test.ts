import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { TARGET_WORDS, TEXT_WORDS } from '../../services/ingest/targets.ts';
import { context, itemOf } from './support.ts';

const page = readFileSync(new URL('../../docs/sources/genai.md', import.meta.url), 'utf8');

describe('docs/sources/genai.md', () => {
  test('shows what really becomes of its example', () => {
    const [span, expected] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => JSON.parse(text ?? ''));
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'invoices' } }] };
    const request = { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] };
    const [decided] = decideItem(itemOf(request), context({ formats: normalisersOf('otlp_json', []) }));
    assert.ok(decided?.kind === 'accepted');
    const { key, origin, tenant, ...event } = decided.event;
    assert.deepEqual(event, expected);
  });

  test('lists the vocabulary of targets', () => {
    const rows = [...page.matchAll(/^\| ([a-z]+) \| ([a-z, ]+) \|$/gm)].map(([, kind, words]) => [kind, words]);
    const listed = Object.entries(TARGET_WORDS).map(([kind, words]) => [kind, words.split(' ').join(', ')]);
    assert.deepEqual(rows, listed);
  });

  test('lists the names of texts', () => {
    const listed = /names that end with ([a-z,\s]+);/.exec(page)?.[1]?.split(/,\s*/).sort();
    assert.deepEqual(listed, TEXT_WORDS.split(' ').sort());
  });
});

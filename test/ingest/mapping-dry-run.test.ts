import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { testMapping } from '../../services/ingest/mapping-dry-run.ts';
import { splitBody } from '../../services/ingest/split.ts';
import { FLAT_MAPPING } from './support.ts';

const items = (documents: readonly unknown[]) =>
  splitBody(Buffer.from(documents.map((document) => JSON.stringify(document)).join('\n')), 'sample');
const flat = (more: Record<string, unknown> = {}) => ({
  event_id: 'e',
  ts: '2025-03-03T09:00:00Z',
  who: 'agent-1',
  ...more,
});

test('a dry run tells what becomes of the items and what the mapping leaves open', () => {
  const text = `${FLAT_MAPPING}  action.operation: op\nmatch: [op]\n`;
  const documents = [
    flat({ op: 'send', extra: [{ a: 1 }] }),
    flat({ op: 'send', x: 'first' }),
    flat({ op: 'read', x: 2 }),
    flat({ who: 7, op: 'read' }),
    flat(),
  ];
  const report = testMapping(text, 'm.yaml', items(documents), { samples_max: 4 });
  assert.deepEqual(report.problems, []);
  assert.deepEqual(report.sums, { received: 5, accepted: 4, dead_lettered: 1, absorbed: 0, held: 0 });
  assert.deepEqual(report.reasons, [{ reason: 'mapping_failed', items: 1 }]);
  assert.deepEqual(
    report.samples.map(({ position, decided }) => [position, decided.kind]),
    [
      ['sample:1', 'accepted'],
      ['sample:2', 'accepted'],
      ['sample:3', 'accepted'],
      ['sample:4', 'dead_letter'],
    ],
  );
  assert.deepEqual(report.mismatched, [{ name: 'op is missing', items: 1, example: '"sample:5"' }]);
  assert.deepEqual(report.unmapped, [
    { name: 'x', items: 2, example: '"first"' },
    { name: 'extra', items: 1, example: 'a list of 1' },
  ]);
  assert.deepEqual(report.unlisted, [{ name: 'action.operation: "send"', items: 2, example: '"send"' }]);
});

test('a file with problems is not tried', () => {
  const report = testMapping('version: 2', 'm.yaml', items([flat()]), { samples_max: 1 });
  assert.ok(report.problems.length > 0);
  assert.equal(report.sums.received, 0);
});

test('the report is bounded', () => {
  const documents = Array.from({ length: 2_000 }, (_, index) => flat({ [`field_${index}`]: 'x'.repeat(500) }));
  const report = testMapping(FLAT_MAPPING, 'm.yaml', items(documents), { samples_max: 2 });
  assert.equal(report.unmapped.length, 100);
  assert.ok(report.unmapped.every(({ example }) => example.length < 100));
});

const stream = new URL('../../../shared/data/agent-traces/dev.events.ndjson.gz', import.meta.url);
const example = new URL('../../deploy/examples/mappings/agent-traces.yaml', import.meta.url);

test('the shipped example takes every event of the recorded stream', {
  skip: existsSync(stream) ? false : 'the recorded stream is not here',
}, () => {
  const lines = splitBody(gunzipSync(readFileSync(stream)), 'dev', 100_000);
  const report = testMapping(readFileSync(example, 'utf8'), 'agent-traces.yaml', lines, { samples_max: 100_000 });
  assert.deepEqual(report.sums, { received: 82_213, accepted: 82_213, dead_lettered: 0, absorbed: 0, held: 0 });
  assert.deepEqual([report.mismatched, report.unmapped, report.unlisted], [[], [], []]);
  const events = report.samples.flatMap(({ decided }) => (decided.kind === 'accepted' ? [decided.event] : []));
  assert.equal(new Set(events.map((event) => event.identity.id)).size, 80);
  assert.equal(new Set(events.map((event) => event.key)).size, events.length);
  assert.deepEqual([...new Set(events.map((event) => event.action.operation))].toSorted(), [
    'execute',
    'export',
    'read',
    'store',
  ]);
  assert.ok(events.every((event) => event.flags === undefined));
});

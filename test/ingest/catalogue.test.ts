import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { type Catalogue, emptyCatalogue, matchesPieces } from '../../services/ingest/catalogue.ts';
import { fileProblemText } from '../../services/ingest/config-file.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { loadCatalogue } from '../../services/ingest/load.ts';
import { operationOf, VERBS } from '../../services/ingest/verbs.ts';
import { accepted, FLAT_MAPPING, input, mappingOf } from './support.ts';

function catalogueOf(text: string): Catalogue {
  const loaded = loadCatalogue(text, 'catalogue.yaml');
  return loaded.ok ? loaded.value : assert.fail(loaded.problems.map(fileProblemText).join('\n'));
}

const catalogue = catalogueOf(`
version: 1
tools:
  - tool: http_request
    operation: export
    server: web
    classification: internal
  - tool: github/*
    operation: search
  - tool: "send_*"
    operation: store
  - tool: copy
    resources:
      - { argument: from, kind: source }
      - { argument: "to[*].path", kind: target, store: disk, classification: secret }
`);
const eventOf = (more: Record<string, unknown>, used = catalogue) => accepted(input(more), { catalogue: used });

test('the catalogue says what a tool does, whatever the tool says of itself', () => {
  assert.equal(eventOf({ tool: { name: 'http_request' } }).action.operation, 'export');
  assert.equal(eventOf({ tool: { name: 'http_request' }, action: { operation: 'read' } }).action.operation, 'export');
  assert.equal(eventOf({ tool: { name: 'send_money' } }).action.operation, 'store');
  assert.equal(eventOf({ tool: { name: 'create_issue', server: 'github' } }).action.operation, 'search');
  assert.equal(eventOf({ tool: { name: 'create_issue', server: 'gitlab' } }).action.operation, 'store');
});

test('the first entry that fits counts, be it a name or a pattern', () => {
  const used = catalogueOf(`
version: 1
tools:
  - { tool: get_a, operation: store }
  - { tool: "get_*", operation: search }
  - { tool: get_b, operation: export }
  - { tool: mail/get, operation: execute }
  - { tool: get, operation: delegate }
`);
  const operation = (name: string, server?: string) =>
    eventOf({ tool: { name, ...(server === undefined ? {} : { server }) } }, used).action.operation;
  assert.equal(operation('get_a'), 'store');
  assert.equal(operation('get_b'), 'search');
  assert.equal(operation('get', 'mail'), 'execute');
  assert.equal(operation('get', 'files'), 'delegate');
  assert.equal(operation('get'), 'delegate');
});

test('server and classification fill what the event leaves open', () => {
  const event = eventOf({
    tool: { name: 'http_request' },
    resources: [{ id: 'a' }, { id: 'b', classification: 'public' }],
  });
  assert.equal(event.tool?.server, 'web');
  assert.deepEqual(event.resources, [
    { id: 'a', classification: 'internal' },
    { id: 'b', classification: 'public' },
  ]);
  assert.equal(eventOf({ tool: { name: 'http_request', server: 'own' } }).tool?.server, 'own');
});

test('arguments name the resources where the event has none', () => {
  const mapping = mappingOf(`${FLAT_MAPPING}  tool.name: tool\narguments: args\n`);
  const mapped = (args: unknown, tool = 'copy') =>
    accepted(
      { event_id: 'e', ts: '2025-03-03T09:00:00Z', who: 'a', tool, args },
      { catalogue, formats: normalisersOf('mapped', [mapping]) },
    );
  const args = { from: 'a', to: [{ path: 'b' }, { path: 7 }, { path: {} }] };
  const expected = [
    { id: 'a', kind: 'source' },
    { id: 'b', store: 'disk', kind: 'target', classification: 'secret' },
    { id: '7', store: 'disk', kind: 'target', classification: 'secret' },
  ];
  assert.deepEqual(mapped(args).resources, expected);
  assert.deepEqual(mapped(JSON.stringify(args)).resources, expected, 'JSON inside JSON is common');
  assert.deepEqual(mapped('{broken').resources, []);
  assert.deepEqual(mapped(`{"from":${'['.repeat(100_000)}`).resources, []);
  assert.deepEqual(mapped(args, 'other').resources, []);
  assert.equal(mapped(args).unmapped, undefined, 'arguments are content and not kept');
});

test('without a catalogue the verb of the tool tells, only when the source does not', () => {
  const none = emptyCatalogue();
  assert.equal(eventOf({ tool: { name: 'get_mail' } }, none).action.operation, 'read');
  assert.equal(
    eventOf({ tool: { name: 'get_mail' }, action: { operation: 'export' } }, none).action.operation,
    'export',
  );
  assert.equal(
    eventOf({ tool: { name: 'get_mail' }, action: { operation: 'unknown' } }, none).action.operation,
    'read',
  );
  assert.equal(eventOf({ action: { name: 'DeleteObject' } }, none).action.operation, 'execute');
  assert.equal(eventOf({ tool: { name: 'frobnicate' } }, none).action.operation, 'unknown');
});

test('verbs are found in the common ways to name a tool', () => {
  for (const [tool, operation] of [
    ['read_file', 'read'],
    ['mcp__files__read_file', 'read'],
    ['search.sendMessage', 'export'],
    ['gmail/searchThreads', 'search'],
    ['file-write', 'store'],
    ['Bash', 'execute'],
    ['summarizeThread', 'summarize'],
    ['', 'unknown'],
    ['___', 'unknown'],
    ['\u0000', 'unknown'],
    ['constructor', 'unknown'],
    ['x'.repeat(1_000_000), 'unknown'],
  ] as const) {
    assert.equal(operationOf(tool), operation, tool.slice(0, 50));
  }
});

test('no verb stands for two operations', () => {
  const verbs = Object.values(VERBS).flatMap((line) => line.split(' '));
  assert.deepEqual(verbs.toSorted(), [...new Set(verbs)].toSorted());
});

test('100,000 distinct tools leave the memory bounded', () => {
  const used = emptyCatalogue();
  for (let index = 0; index < 100_000; index++) eventOf({ tool: { name: `tool_${index}` } }, used);
  assert.ok(used.memory.size <= LIMITS.tool_memory_max);
  eventOf({ tool: { name: 'y'.repeat(100_000) } }, used);
  assert.ok([...used.memory.keys()].every((name) => name.length <= 2 * LIMITS.name_chars_max));
});

test('patterns match whole names, in linear time', () => {
  const fits = (pattern: string, text: string): boolean => matchesPieces(text, pattern.split('*'));
  for (const [pattern, yes, no] of [
    ['a', ['a'], ['', 'aa', 'b']],
    ['*', ['', 'anything'], []],
    ['a*', ['a', 'ab'], ['ba', '']],
    ['*a', ['a', 'ba'], ['ab']],
    ['a*a', ['aa', 'aba'], ['a', 'ab']],
    ['a*b*c', ['abc', 'axbxc', 'abbcc'], ['acb', 'ac', 'abc_']],
    ['ab*ba', ['abba', 'abxba'], ['aba']],
  ] as const) {
    for (const text of yes) assert.ok(fits(pattern, text), `${pattern} ${text}`);
    for (const text of no) assert.ok(!fits(pattern, text), `${pattern} ${text}`);
  }
  assert.ok(!fits(`${'*a'.repeat(50)}*b`, 'a'.repeat(1_000_000)));
});

test('errors in the catalogue name line, field, value and remedy', () => {
  const problems = (text: string): string[] => {
    const loaded = loadCatalogue(text, 'c.yaml');
    return loaded.ok ? [] : loaded.problems.map(fileProblemText);
  };
  assert.deepEqual(problems('version: 1\ntools:\n  - tool: a\n    operation: fly\n'), [
    'c.yaml:4: tools[0].operation: "fly" must be one of read, search, summarize, store, delegate, recommend, execute, export, unknown',
  ]);
  assert.deepEqual(problems('version: 1\ntools:\n  - tool: a\n  - tool: a\n    resources: [{argument: "x["}]\n'), [
    'c.yaml:4: tools[1].tool: "a" stands in the catalogue already; only the first entry counts',
    'c.yaml:5: tools[1].resources[0].argument: "x[" is no path from "[" on; write a.b, a[0], a[*] or a["name with dots"]',
  ]);
});

test('the shipped example is a catalogue', () => {
  const path = new URL('../../deploy/examples/catalogues/office-tools.yaml', import.meta.url);
  assert.ok(catalogueOf(readFileSync(path, 'utf8')).entries.length > 5);
});

test('docs/mapping.md lists the verbs as they are', () => {
  const docs = readFileSync(new URL('../../docs/mapping.md', import.meta.url), 'utf8');
  for (const [operation, verbs] of Object.entries(VERBS)) {
    assert.ok(docs.includes(`| ${operation} | ${verbs.split(' ').join(', ')} |`), operation);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileProblemText } from '../../services/ingest/config-file.ts';
import { loadMapping } from '../../services/ingest/load.ts';
import { FLAT_MAPPING } from './support.ts';

const problemsOf = (text: string): string[] => {
  const loaded = loadMapping(text, 'm.yaml');
  return loaded.ok ? [] : loaded.problems.map(fileProblemText);
};

test('errors in the file name line, field, value and remedy', () => {
  for (const [change, expected] of [
    [
      ['id: event_id', 'idd: event_id'],
      [
        'm.yaml:5: fields: has no id; every event needs one: say where the source has it',
        'm.yaml:6: fields.idd: is no field of an event; did you mean id?',
      ],
    ],
    [
      ['time: ts', 'time: { path: ts, format: epoch }'],
      ['m.yaml:7: fields.time.format: "epoch" must be one of rfc3339, epoch_s, epoch_ms, epoch_us, epoch_ns'],
    ],
    [
      ['time: ts', 'time: ts..x'],
      ['m.yaml:7: fields.time: "ts..x" is no path from "..x" on; write a.b, a[0], a[*] or a["name with dots"]'],
    ],
    [
      ['time: ts', 'time: ts[*]'],
      [
        'm.yaml:7: fields.time: "ts[*]" has a *, and one field takes one value; use an index such as [0], or a resource with each',
      ],
    ],
    [
      ['time: ts', 'time: ts.constructor'],
      ['m.yaml:7: fields.time: "ts.constructor" names "constructor", which no source may set; use another field'],
    ],
    [
      ['time: ts', 'time: { path: ts, const: 5 }'],
      ['m.yaml:7: fields.time: needs exactly one of path, const and template'],
    ],
    [['version: 1', 'version: 3'], ['m.yaml:2: version: 3 must be 1']],
    [
      ['name: flat', 'name: Flat One'],
      ['m.yaml:3: name: "Flat One" must be 1 to 64 of a-z, 0-9, dot, dash and underscore'],
    ],
    [
      ['who', 'who\n  tool.server: s'],
      ['m.yaml:9: fields.tool.server: needs tool.name beside it: without it a tool is nothing'],
    ],
    [
      ['who', 'who\n  identity.kind: { const: robot }'],
      [
        'm.yaml:9: fields.identity.kind.const: "robot" must be one of agent, service, api_key, workload, human, unknown',
      ],
    ],
    [
      ['who', 'who\n  volume.records: { path: n, default: "7" }'],
      ['m.yaml:9: fields.volume.records.default: "7" must be a number here; write it without quotes'],
    ],
    [
      ['who', 'who\n  purpose: { template: plain }'],
      ['m.yaml:9: fields.purpose.template: "plain" names no source path in braces; write const for a fixed value'],
    ],
    [
      ['who', 'who\noperation: { send: export }'],
      ['m.yaml:9: operation: translates nothing: fields has no action.operation to take the words from'],
    ],
    [
      ['who', 'who\nresources:\n  - each: a[x]\n    id: "@"'],
      ['m.yaml:10: resources[0].each: "a[x]" is no path from "[x]" on; write a.b, a[0], a[*] or a["name with dots"]'],
    ],
    [['who', 'who\nresources: [{ kind: x }]'], ['m.yaml:9: resources[0].id: is missing; it is required']],
    [['who', 'who\nmapp: 1'], ['m.yaml:9: mapp: is not known here; correct its name or remove it']],
  ] as const) {
    assert.deepEqual(problemsOf(FLAT_MAPPING.replace(change[0], change[1])), expected);
  }
});

test('what is no YAML, or no mapping at all, is told with its line', () => {
  assert.match(problemsOf('a: [1,\nb')[0] ?? '', /^m\.yaml:\d: is no YAML: /);
  assert.deepEqual(problemsOf(''), ['m.yaml:1: is empty']);
  assert.match(problemsOf('a: 1\na: 2')[0] ?? '', /^m\.yaml:2: is no YAML: Map keys must be unique/);
  const laughs = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefg'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join(', ')}]`),
  ];
  assert.match(problemsOf(laughs.join('\n'))[0] ?? '', /^m\.yaml:1: is no usable YAML: /);
  assert.match(problemsOf(`x: ${'y'.repeat(2_000_000)}`)[0] ?? '', /longer than 1 MiB/);
  assert.ok(problemsOf('name: "\u001b[31m"').every((line) => !line.includes('\u001b')));
});

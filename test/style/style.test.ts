import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callViolations } from './calls.ts';
import { hostViolations } from './hosts.ts';
import { importViolations } from './imports.ts';
import { functions, lengthViolations } from './lengths.ts';
import { EXCEPTIONS, outboundViolations } from './outbound.ts';
import { codeFiles, type SourceFile, separate, textFiles, type Violation, violationText } from './source.ts';

const none = (files: readonly SourceFile[], rule: (file: SourceFile) => Violation[]): void => {
  assert.ok(files.length > 20, 'the files of the project are found');
  assert.deepEqual(files.flatMap(rule).map(violationText), []);
};
const file = (name: string, text: string): SourceFile => ({ name, text });
const lines = (violations: readonly Violation[]): number[] => violations.map((violation) => violation.line);

describe('the style of the project', () => {
  test('imports keep to the borders of the design', () => none(codeFiles(), importViolations));
  test('time, randomness, printing and ending come from outside', () => none(codeFiles(), callViolations));
  test('nothing leaves but by the guarded client, and by what is named with its reason', () => {
    none(codeFiles(), outboundViolations);
    const names = codeFiles().map(({ name }) => name);
    for (const [prefix] of EXCEPTIONS)
      assert.ok(
        names.some((name) => name.startsWith(prefix)),
        `${prefix} is gone`,
      );
  });
  test('files and functions are short', () => none(codeFiles(), lengthViolations));
  test('no path of one machine and no registry host is written down', () => none(textFiles(), hostViolations));
});

describe('the rules themselves', () => {
  test('imports', () => {
    const text = [
      "import a from 'zod';",
      "import { b } from '../../schemas/event.ts';",
      'import {',
      '  type C,',
      "} from '../detect/worker.ts';",
      "export * from '../platform/clock.ts';",
      "const d = await import('../../test/support/x.ts');",
    ].join('\n');
    assert.deepEqual(lines(importViolations(file('services/ingest/core.ts', text))), [5, 7]);
    assert.deepEqual(lines(importViolations(file('services/cli/core.ts', text))), [7]);
    assert.deepEqual(lines(importViolations(file('detectors/core.ts', text))), [2, 5, 6, 7]);
    assert.deepEqual(lines(importViolations(file('services/contain/c.ts', "import '../control/state.ts';"))), []);
    assert.deepEqual(lines(importViolations(file('services/contain/c.ts', "import '../deliver/state.ts';"))), [1]);
    assert.deepEqual(lines(importViolations(file('elsewhere/c.ts', ''))), [1]);
  });

  test('calls', () => {
    const text = [
      'const a = Date.now();',
      "const b = 'Date.now()'; // Date.now()",
      'const c = new Date(), d = new Date(5), t = new Date(`x`);',
      ['const e = `$', '{Math.random()} Math.random()`;'].join(''),
      'const f = /console.log/.test(g) || performance.now();',
      'console.error(h / 2, Date.now / 3);',
      'process.exit(1);',
      '/* TODO: later */ const todo = "TODO";',
    ].join('\n');
    assert.deepEqual(lines(callViolations(file('services/detect/x.ts', text))).sort(), [1, 3, 4, 5, 6, 6, 7, 8]);
    assert.deepEqual(lines(callViolations(file('services/cli/x.ts', text))).sort(), [1, 3, 4, 5, 6, 8]);
    assert.deepEqual(lines(callViolations(file('services/platform/clock.ts', text))).sort(), [4, 6, 7, 8]);
  });

  test('ways out', () => {
    const text = [
      "import { createServer, type Server } from 'node:http';",
      "import { request as ask } from 'node:https';",
      "import { createTransport } from 'nodemailer';",
      "import { isIP } from 'node:net';",
      "const a = await import('undici');",
      "await fetch('https://example.org'); globalThis.fetch(b);",
      'fetcher.fetch(c); const fetch = safeFetch(d); // fetch(e)',
      'net.connect(1); new WebSocket(f);',
      "import type { Socket } from 'node:tls';",
      "import {\n  get,\n} from 'node:http';",
    ].join('\n');
    const found = lines(outboundViolations(file('services/deliver/x.ts', text)));
    assert.deepEqual(
      [...new Set(found)].sort((a, b) => a - b),
      [2, 3, 5, 6, 8, 10],
    );
    assert.deepEqual(lines(outboundViolations(file('services/platform/outbound/send.ts', text))), []);
    assert.deepEqual(lines(outboundViolations(file('test/x.ts', text))), [], 'only what is delivered');
  });

  test('code, comments and texts are told apart', () => {
    const code = (text: string): string => separate(text).code.replace(/\s+/g, ' ').replace(/"+/g, '"').trim();
    const template = ['a = `x $', '{b + `in $', '{c} out` + {d: 1}.d} y` + e'].join('');
    assert.equal(code('a = "x\\"y" + b; // c'), 'a = " + b;');
    assert.equal(code(template), 'a = "b + "c}" + {d: 1}.d}" + e');
    assert.equal(code('a = /[/"]\\//g.test(b) / c; d'), 'a = ".test(b) / c; d');
    assert.equal(code('a /* b\n */ c'), 'a c');
    assert.equal(separate('a\n/* b\nc */\n"d"').code, 'a\n    \n    \n"""');
    assert.equal(separate('x // note').comments.trim(), '// note');
  });

  test('lengths', () => {
    const body = (count: number): string => Array.from({ length: count }, (_, i) => `  const v${i} = '{';`).join('\n');
    const long = (head: string, end = '}'): string => `${head}\n${body(80)}\n${end}\n`;
    for (const [head, end] of [
      ['export function f(a: number): void {'],
      ['export const g = async (a: number): Promise<{ b: number }> => {', '};'],
      ['function h(\n  a: number,\n): Readonly<Record<string, number>> {'],
      ['const i = () => ({', '});'],
      ['const j = (x: number) =>', ''],
    ] as const) {
      assert.equal(lengthViolations(file('services/a.ts', long(head, end))).length, end === '' ? 0 : 1, head);
    }
    assert.deepEqual(lengthViolations(file('services/a.ts', long('for (const a of b) {'))), []);
    assert.deepEqual(lengthViolations(file('services/a.ts', long('if (\n  a &&\n  b\n) {'))), []);
    assert.deepEqual(lengthViolations(file('services/a.ts', long('export class A extends B(c) {'))), []);
    assert.deepEqual(functions('class A {\n  m(a: number): void {\n    b();\n  }\n}\n'), [{ line: 2, length: 3 }]);
    assert.deepEqual(lines(lengthViolations(file('test/a.ts', '\n'.repeat(351)))), [1]);
    assert.deepEqual(lengthViolations(file('test/a.ts', '\n'.repeat(350))), []);
  });

  test('hosts', () => {
    const found = (text: string): number => hostViolations(file('docs/x.md', text)).length;
    assert.equal(found(['see /wo', 'rk/main/x and /ro', 'ot/.npmrc'].join('')), 2);
    assert.equal(found(['"resol', 'ved": "http://127.0.0.1/x.tgz"'].join('')), 1);
    assert.equal(found(['get it from https://npm.regi', 'stry.example.org/x.tgz'].join('')), 1);
    assert.equal(found('https://example.org/working/main and a/root and a/workbench/maintenance'), 0);
  });
});

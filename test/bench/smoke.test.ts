import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { whyNoJars } from '../support/kafka/jars.ts';
import { HOPS } from './kafka/hops.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Figures that may honestly be zero or below in a run this small. */
const MAY_BE_ZERO = new Set([
  'load',
  'load_after',
  'rss_bytes',
  'heap_and_external_bytes',
  'findings',
  'alert_revisions',
  // The burst has a fleet of its own, without a history.
  'history_events',
]);

const missing = whyNoJars();
const NOT_RUN = missing === undefined ? false : `NOT RUN: no Kafka broker can be started, ${missing}`;

test('the smallest benchmark runs end to end and every figure is a positive number', async () => {
  const report = await benchmark(['--tiny', '--json']);
  const stages = Object.keys(report.figures as object).sort();
  assert.deepEqual(stages, ['decode', 'formats', 'latency', 'log', 'memory', 'road', 'score', 'store']);
  assertPositive(report, { figures_min: 100 });
});

test('the smallest benchmark on Kafka does too', { skip: NOT_RUN }, async () => {
  const report = await benchmark(['--kafka', '--tiny', '--json']);
  assert.deepEqual(Object.keys(report.hops as object), [...HOPS]);
  assertPositive(report, { figures_min: 120 });
});

async function benchmark(options: readonly string[]): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [MAIN, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0);
  return JSON.parse(output) as Record<string, unknown>;
}

function assertPositive(report: Record<string, unknown>, { figures_min }: { readonly figures_min: number }): void {
  let figures = 0;
  for (const { path, value } of numbersIn(report, '')) {
    figures++;
    assert.ok(Number.isFinite(value), `${path} is ${value}`);
    if (!MAY_BE_ZERO.has(path.split('.').at(-1) ?? '')) assert.ok(value > 0, `${path} is ${value}`);
  }
  assert.ok(figures > figures_min, `only ${figures} figures`);
}

/** Every number of the report with its path; what JSON turned into null was no finite number. */
function* numbersIn(value: unknown, path: string): Generator<{ path: string; value: number }> {
  if (typeof value === 'number') yield { path, value };
  else if (value === null) yield { path, value: Number.NaN };
  else if (typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) yield* numbersIn(inner, `${path}.${name}`);
  }
}

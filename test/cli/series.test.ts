import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { SubmitQuery } from '../../schemas/api/events.ts';
import { IngestSource } from '../../schemas/kafka-config.ts';
import { EXIT } from '../../services/cli/problem.ts';
import { readSeriesRow } from '../../services/cli/recorded/series/row.ts';
import { createDraw } from '../series/shapes.ts';
import { records, run, tempDir } from './support.ts';

const START_S = 1_704_067_200;
const text = (at_s: number): string => new Date(at_s * 1000).toISOString().slice(0, 19).replace('T', ' ');

/** A spike at row 900 of 1,000. */
function rows(stamp: (at_s: number) => string): string[] {
  const draw = createDraw(21);
  return Array.from({ length: 1000 }, (_, i) => {
    const value = (i === 900 ? 40 : 0) - 3 + draw.normal();
    return `${stamp(START_S + 300 * i)},${value.toFixed(4)}`;
  });
}

const ndjson = async (file: string): Promise<Record<string, unknown>[]> =>
  (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('backtest --format series', () => {
  test('one score a row and file, the same for every way to write times, plain or gzip', async (t) => {
    const directory = await tempDir(t);
    const place = (name: string): string => path.join(directory, name);
    const bare = rows(text);
    const files: [string, string | Buffer][] = [
      ['bare.csv', `timestamp,value\n${bare.join('\n')}\n`],
      ['rfc.csv', rows((at) => new Date(at * 1000).toISOString()).join('\r\n')],
      ['seconds.csv', `\ufeff"when","how much"\n${rows(String).join('\n')}\n\n`],
      ['ms.csv.gz', gzipSync(rows((at) => String(at * 1000)).join('\n'))],
    ];
    for (const [name, content] of files) await writeFile(place(name), content);
    const out = place('out');
    const names = files.map(([name]) => place(name));
    const ended = await run(['backtest', ...names, '--format', 'series', '--out', out, '--json']);
    assert.equal(ended.code, EXIT.done, ended.stderr);
    const lines = await ndjson(path.join(out, 'scores.ndjson'));
    assert.equal(lines.length, 4000);
    assert.deepEqual(Object.keys(lines[0]!), ['file', 'timestamp', 'score']);
    const [first, ...others] = names.map((name) => lines.filter(({ file }) => file === name));
    assert.deepEqual(
      first!.map(({ timestamp }) => timestamp),
      bare.map((row) => row.split(',')[0]),
    );
    for (const other of others) {
      assert.deepEqual(
        other.map(({ score }) => score),
        first!.map(({ score }) => score),
      );
    }
    assert.equal(others[1]![0]!.timestamp, String(START_S));
    const [summary] = records(ended) as [{ rows: number; bad_rows: number; by_file: Record<string, unknown>[] }];
    assert.deepEqual([summary.rows, summary.bad_rows], [4000, 0]);
    assert.equal((summary.by_file[0]!.highest as { timestamp: string }).timestamp, text(START_S + 300 * 900));
    assert.deepEqual(JSON.parse(await readFile(path.join(out, 'summary.json'), 'utf8')), summary);
    assert.equal(await readFile(path.join(out, 'alerts.ndjson'), 'utf8'), '');
  });

  test('bad rows are told with their lines, kept apart and do not end the run', async (t) => {
    const directory = await tempDir(t);
    const file = path.join(directory, 'bad.csv');
    const good = rows(text).slice(0, 40);
    const bad = [
      'yesterday,5',
      `${text(START_S)},high`,
      `${text(START_S)},1,2`,
      `${text(START_S)},1e999`,
      'x'.repeat(9000),
    ];
    await writeFile(file, [...good.slice(0, 10), ...bad, '', ...good.slice(10)].join('\n'));
    const cut = path.join(directory, 'cut.csv.gz');
    const packed = gzipSync(rows(text).join('\n'));
    await writeFile(cut, packed.subarray(0, packed.length - 200));
    const out = path.join(directory, 'out');
    const ended = await run(['backtest', file, cut, '--format', 'series', '--out', out]);
    assert.equal(ended.code, EXIT.done, ended.stderr);
    for (const line of [11, 12, 13, 14, 15]) assert.match(ended.stderr, new RegExp(`bad\\.csv: line ${line}: `));
    assert.match(ended.stderr, /cut\.csv\.gz: after line \d+: /);
    const letters = await ndjson(path.join(out, 'dead-letters.ndjson'));
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ['timestamp_invalid', 'value_invalid', 'columns_invalid', 'value_invalid', 'line_too_long', 'file_damaged'],
    );
    const scores = await ndjson(path.join(out, 'scores.ndjson'));
    assert.equal(scores.filter(({ file: name }) => name === file).length, 40);
    assert.ok(scores.length > 500);
  });

  test('standard input, no row at all, and options or commands it is not for', async (t) => {
    const directory = await tempDir(t);
    const out = path.join(directory, 'out');
    const args = ['backtest', '-', '--format', 'series', '--out', out, '--json'];
    const piped = await run(args, { stdin: rows(text).join('\n') });
    assert.equal(piped.code, EXIT.done, piped.stderr);
    assert.equal((await ndjson(path.join(out, 'scores.ndjson'))).at(-1)!.file, 'stdin');
    const codeOf = async (given: readonly string[], stdin = ''): Promise<unknown> => {
      const ended = await run(given, { stdin });
      const problem = records(ended).at(-1) as { error: { code: string } };
      return [ended.code, problem.error.code];
    };
    assert.deepEqual(await codeOf(args, 'timestamp,value\n'), [EXIT.failed, 'series_empty']);
    assert.deepEqual(await codeOf([...args, '--budget', '5']), [EXIT.usage, 'option_not_here']);
    assert.deepEqual(await codeOf(['replay', '-', '--format', 'series', '--json']), [EXIT.usage, 'format_not_here']);
  });
});

describe('the name of the format', () => {
  test('is refused for a source and for a request', () => {
    const source = IngestSource.safeParse({ topic: 'metrics', format: 'series' });
    assert.deepEqual(
      source.error?.issues.map(({ path: [field] }) => field),
      ['format'],
    );
    assert.ok(!SubmitQuery.safeParse({ format: 'series' }).success);
  });
});

describe('rows of a series', () => {
  const read = (line: string, beginning = false) => readSeriesRow(line, 7, { beginning });
  const at_ms = Date.parse('2024-02-29T23:59:58Z');

  test('all forms of times and numbers', () => {
    for (const [line, at, value] of [
      ['2024-02-29 23:59:58,1', at_ms, 1],
      ['2024-02-29T23:59:58,-0.5', at_ms, -0.5],
      ['2024-03-01T01:59:58+02:00,+1e3', at_ms, 1000],
      ['2024-02-29 23:59:58.250Z, .5', at_ms + 250, 0.5],
      [`${at_ms / 1000},7.`, at_ms, 7],
      [`${at_ms / 1000}.5,7`, at_ms + 500, 7],
      [` "${at_ms}" , "7" \r`, at_ms, 7],
      ['0,0', 0, 0],
    ] as const) {
      const row = read(line);
      assert.ok(row.kind === 'row', line);
      assert.deepEqual([row.at_ms, row.value], [at, value], line);
    }
  });

  test('what is no row, and why', () => {
    for (const [line, reason] of [
      ['2023-02-29 00:00:00,1', 'timestamp_invalid'],
      ['2024-02-29,1', 'timestamp_invalid'],
      ['-5,1', 'timestamp_invalid'],
      ['9e99,1', 'timestamp_invalid'],
      ['999999999999999,1', 'timestamp_invalid'],
      ['2024-02-29 23:59:58,', 'value_invalid'],
      ['2024-02-29 23:59:58,NaN', 'value_invalid'],
      ['2024-02-29 23:59:58,0x10', 'value_invalid'],
      ['2024-02-29 23:59:58', 'columns_invalid'],
      ['timestamp,value', 'timestamp_invalid'],
    ] as const) {
      const row = read(line);
      assert.ok(row.kind === 'bad', line);
      assert.equal(row.reason, reason, line);
      assert.match(row.message, /^line 7: /);
    }
    assert.equal(read('timestamp,value', true).kind, 'header');
    assert.equal(read('2024-02-29 23:59:58,n/a', true).kind, 'bad', 'a first row with a bad value is no header');
    assert.equal(read('  ').kind, 'blank');
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventInput, type HostileInput, hostileFiles, hostileInputs, lines } from '../support/hostile-input.ts';
import { temporaryDirectory } from '../support/service-process.ts';

/**
 * Recorded input that no file should hold, through `replay` and `backtest`: no file stops the others, both count the same,
 * every item is an event or a dead letter, and what cannot be read is told in words.
 */
const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));
/** Log, store and runtime take about 400 MB; one hostile line must not add to that what it holds. */
const RESIDENT_BYTES_MAX = 900e6;

type Ended = { status: number | null; stdout: string; stderr: string; resident: number };
type Sums = Record<string, unknown> & { received: number; dead_letter_reasons?: Record<string, number> };

describe('bad files', () => {
  const now_ms = Date.UTC(2026, 2, 9);
  const inputs: readonly HostileInput[] = [...hostileFiles(now_ms), ...hostileInputs(now_ms), scattered()];
  const accepted = inputs.reduce((sum, input) => sum + input.accepted, 0);
  const dead = sumOf(inputs.map((input) => input.dead));
  const dead_letters = Object.values(dead).reduce((a, b) => a + b, 0);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let files: string[];
  const at = (name: string): string => join(directory.path, name);

  before(async () => {
    directory = await temporaryDirectory();
    files = inputs.map((_, i) => at(`input-${i}`));
    await Promise.all(inputs.map(({ body }, i) => writeFile(files[i] ?? '', body)));
    await mkdir(at('directory'));
  });
  after(() => directory.remove());

  test('backtest takes what can be taken and keeps the rest with reasons', async () => {
    const ended = await countersign(['--json', 'backtest', ...files, '--out', at('out')]);
    assert.equal(ended.status, 0, ended.stderr);
    const summary = JSON.parse(ended.stdout) as Sums;
    assert.deepEqual([summary.events, summary.dead_letters, summary.duplicates], [accepted, dead_letters, 0]);
    assert.equal(summary.received, accepted + dead_letters);
    assert.deepEqual(summary.dead_letter_reasons, dead);
    const scores = await linesOf(at('out/scores.ndjson'));
    assert.equal(scores.length, accepted);
    for (const { score } of scores) assert.ok(Number.isFinite(score) && Number(score) >= 0);
    const letters = await linesOf(at('out/dead-letters.ndjson'));
    assert.deepEqual(sumOf(letters.map(({ reason }) => ({ [String(reason)]: 1 }))), dead);
    for (const { position, bytes } of letters) {
      assert.match(String(position), /input-\d+(:\d+|\[\d+\])$/);
      assert.ok(String(bytes).length <= 90_000);
    }
  });

  test('replay counts the same, and counts nothing twice when it is run again', async () => {
    for (const _ of ['first', 'again']) {
      const ended = await countersign(['--data', at('data'), '--json', '--log-level', 'silent', 'replay', ...files]);
      assert.equal(ended.status, 0, ended.stderr);
      const sums = JSON.parse(ended.stdout) as Sums;
      assert.deepEqual(
        [sums.received, sums.accepted, sums.dead_lettered, sums.absorbed, sums.events, sums.caught_up],
        [accepted + dead_letters, accepted, dead_letters, 0, accepted, true],
      );
    }
    const ended = await countersign(['--data', at('data'), '--json', 'doctor']);
    const checks = ended.stdout.split('\n').filter((line) => /"check":"sums_(received|applied)"/.test(line));
    assert.equal(checks.length, 2, ended.stdout);
    for (const check of checks) assert.match(check, /"status":"ok"/);
    assert.match(checks.join(), new RegExp(`${2 * (accepted + dead_letters)} received = ${2 * accepted} accepted`));
  });

  test('a line without an end is counted, not held', async () => {
    for (const args of [
      ['--json', 'backtest', '-', '--out', at('endless')],
      ['--data', at('endless-data'), '--json', 'replay', '-'],
    ]) {
      const ended = await countersign(args, { mebibytes: 256 });
      assert.equal(ended.status, 0, ended.stderr);
      assert.equal((JSON.parse(ended.stdout) as Sums).received, 1);
      assert.ok(ended.resident < RESIDENT_BYTES_MAX, `${ended.resident} bytes at the most`);
    }
  });

  test('what cannot be read is told in words, with the status for it', async () => {
    for (const command of [['replay'], ['backtest', '--out', at('none')]]) {
      for (const [file, words] of [
        [at('directory'), /^countersign: cannot read .*is a directory: name the files in it\n/],
        [at('missing'), /^countersign: cannot read .*ENOENT/],
      ] as const) {
        const ended = await countersign(['--data', at('untouched'), ...command, file]);
        assert.deepEqual([ended.status, ended.stdout], [2, '']);
        assert.match(ended.stderr, words);
        assert.doesNotMatch(ended.stderr, /\n\s+at /, 'no stack');
      }
    }
  });
});

test('backtest refuses a budget that is no number, and an output that is no directory', async () => {
  const directory = await temporaryDirectory();
  const events = join(directory.path, 'events');
  await writeFile(events, '');
  for (const budget of ['abc', '-1']) {
    const ended = await countersign(['backtest', events, '--out', join(directory.path, 'out'), `--budget=${budget}`]);
    assert.equal(ended.status, 2);
    assert.match(ended.stderr, /--budget.*Give a number above 0/);
  }
  const ended = await countersign(['backtest', events, '--out', events]);
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /^countersign: cannot write to .*; name a directory \(--out\)\n$/);
  await directory.remove();
});

/** Events whose times lie all over a century, in no order. */
function scattered(): HostileInput {
  const count = 100;
  const from = Date.UTC(2000, 0, 1);
  const step = Math.floor((Date.UTC(2100, 0, 1) - from) / count);
  const events = Array.from({ length: count }, (_, i) =>
    JSON.stringify(eventInput(from + ((i * 37) % count) * step, { identity: { id: `century-${i % 20}` } })),
  );
  return { name: 'a century', body: lines(events), accepted: count, dead: {} };
}

/** Runs the command line to its end. With `mebibytes`, that many of zero bytes come in on standard input. */
async function countersign(args: readonly string[], input?: { readonly mebibytes: number }): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
  });
  let resident = 0;
  if (input !== undefined) {
    const zeros = Buffer.alloc(1 << 20);
    for (let i = 0; i < input.mebibytes; i++) {
      if (!child.stdin.write(zeros)) await new Promise((resolve) => child.stdin.once('drain', resolve));
    }
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
    resident = Number(kib) * 1024;
  }
  child.stdin.end();
  return { status: await ended, ...texts, resident };
}

async function linesOf(path: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of counts) for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

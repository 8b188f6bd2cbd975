import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rechained, type Sample, sample, verify } from './support.ts';

/** A verifier in another language, written from docs/audit.md: what the document says must be enough. */
const VERIFIER = fileURLToPath(new URL('./verify.py', import.meta.url));
const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const skip = has('python3', '--version') && has('openssl', 'version') ? false : 'needs python3 and openssl';

describe('an independent verifier', { skip }, () => {
  let directory: string;
  let made: Sample;
  let files = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-audit-'));
    made = await sample();
    await writeFile(join(directory, 'kept.jsonl'), made.checkpoints.map((jws) => `${jws}\n`).join(''));
    await writeFile(join(directory, 'key.pem'), made.pem);
  });

  after(() => rm(directory, { recursive: true, force: true }));

  async function python(
    lines: readonly Buffer[],
    ...args: string[]
  ): Promise<{ ok: boolean; n?: number; last?: number }> {
    const path = join(directory, `export-${++files}.ndjson`);
    await writeFile(path, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    const { stdout, stderr } = spawnSync('python3', [VERIFIER, path, ...args], { encoding: 'utf8' });
    assert.equal(stderr, '');
    return JSON.parse(stdout) as { ok: boolean };
  }
  const kept = (): string[] => ['--checkpoints', join(directory, 'kept.jsonl'), '--key', join(directory, 'key.pem')];

  test('agrees with what was written, as a whole and in part', async () => {
    assert.deepEqual(await python(made.lines, ...kept()), { ok: true, last: made.lines.length });
    assert.deepEqual(await python(made.lines), { ok: true, last: made.lines.length });
    const part = await python(made.lines.slice(5), '--from', '6', ...kept());
    assert.deepEqual(part, { ok: true, last: made.lines.length });
  });

  test('names the same record as ours', async () => {
    const { lines } = made;
    const flipped = (index: number, at: number): Buffer[] => {
      const changed = Buffer.from(lines[index] ?? '');
      changed[at] = (changed[at] ?? 0) ^ 1;
      return lines.with(index, changed);
    };
    const middle = lines.length >> 1;
    const [one, two] = lines.slice(middle, middle + 2);
    assert.ok(one && two);
    const altered = JSON.stringify({ ...JSON.parse(one.toString('utf8')), when: 1 });
    const changes: readonly (readonly Buffer[])[] = [
      flipped(0, 30),
      flipped(middle, 40),
      flipped(lines.length - 1, 60),
      lines.toSpliced(middle, 1),
      lines.toSpliced(middle, 0, one),
      lines.toSpliced(middle, 2, two, one),
      lines.toSpliced(middle, 0, lines[2] ?? one),
      rechained(lines.with(middle, Buffer.from(altered)), middle),
      lines.slice(0, -6),
      lines.slice(0, -2),
    ];
    for (const [index, change] of changes.entries()) {
      const ours = await verify({ ...made, lines: change });
      const theirs = await python(change, ...kept());
      assert.equal(ours.ok, false, `change ${index}`);
      assert.deepEqual(theirs.ok, false, `change ${index}`);
      assert.equal(theirs.n, ours.problems[0]?.n, `change ${index}: ${ours.problems[0]?.message}`);
    }
  });
});

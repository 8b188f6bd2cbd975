import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type DataDir, dataDirAt, dataDirHolder, takeDataDir } from '../../services/platform/data-dir.ts';

const MODULE = fileURLToPath(new URL('../../services/platform/data-dir.ts', import.meta.url));
const mode = (file: string): number => fs.statSync(file).mode & 0o777;

/** Another process that takes the directory, says so, and stays. */
const HOLDER = `
  const { dataDirAt, takeDataDir } = await import(process.argv[1]);
  const taken = takeDataDir(dataDirAt(process.argv[2]));
  console.log(taken.ok ? 'taken' : taken.problem.code);
  setInterval(() => {}, 1000);
`;

describe('the data directory', () => {
  let base: string;
  let dir: DataDir;
  beforeEach(() => {
    base = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-data-'));
    dir = dataDirAt(path.join(base, 'data'));
  });
  afterEach(() => fs.rmSync(base, { recursive: true }));
  const take = () => {
    const taken = takeDataDir(dir);
    assert.ok(taken.ok, taken.ok ? '' : taken.problem.message);
    return taken.lock;
  };

  test('is made for its owner only, with what belongs into it', () => {
    const lock = take();
    assert.deepEqual([dir.root, dir.credentials, dir.tmp].map(mode), [0o700, 0o700, 0o700]);
    lock.release();
    fs.chmodSync(dir.root, 0o755);
    fs.writeFileSync(path.join(dir.tmp, 'left over'), '');
    take().release();
    assert.equal(mode(dir.root), 0o700);
    assert.deepEqual(fs.readdirSync(dir.tmp), []);
  });

  test('a directory of something else is refused and its rights are left alone', () => {
    fs.mkdirSync(dir.root, { mode: 0o755 });
    fs.writeFileSync(path.join(dir.root, 'thesis.tex'), '');
    const taken = takeDataDir(dir);
    assert.equal(taken.ok ? 'taken' : taken.problem.code, 'data_dir_foreign');
    assert.equal(mode(dir.root), 0o755);
    assert.deepEqual(fs.readdirSync(dir.root), ['thesis.tex']);
  });

  test('a directory with only a configuration file is a fresh data directory', () => {
    fs.mkdirSync(dir.root);
    fs.writeFileSync(path.join(dir.root, 'countersign.yaml'), '');
    fs.writeFileSync(path.join(dir.root, 'mapping.yaml'), '');
    take().release();
  });

  test('a file in its place is refused', () => {
    fs.writeFileSync(dir.root, '');
    const taken = takeDataDir(dir);
    assert.equal(taken.ok ? 'taken' : taken.problem.code, 'data_dir_unusable');
  });

  test('is held by one at a time, and free again after release', () => {
    assert.equal(dataDirHolder(dir), undefined);
    const lock = take();
    const second = takeDataDir(dir);
    assert.equal(second.ok ? 'taken' : second.problem.code, 'data_dir_in_use');
    assert.deepEqual(dataDirHolder(dir), { pid: process.pid });
    lock.release();
    assert.equal(dataDirHolder(dir), undefined);
    take().release();
  });

  test('names the process that holds it, and kill -9 frees it', async (t) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, MODULE, dir.root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [line] = await once(child.stdout, 'data');
    assert.equal(String(line).trim(), 'taken');
    const taken = takeDataDir(dir);
    assert.ok(!taken.ok);
    assert.match(taken.problem.message, new RegExp(`process ${child.pid}: stop it`));
    assert.deepEqual(dataDirHolder(dir), { pid: child.pid });
    child.kill('SIGKILL');
    await once(child, 'exit');
    take().release();
  });
});

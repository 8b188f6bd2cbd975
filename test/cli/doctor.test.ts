import assert from 'node:assert/strict';
import { chmod, open, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../../services/cli/problem.ts';
import { type Ended, FLEET, FLEET_EVENTS, records, run, tempDir } from './support.ts';

const statusOf = (ended: Ended, check: string): unknown => records(ended).find((one) => one.check === check)?.status;

test('where nothing is, doctor says so and makes nothing', async (t) => {
  const directory = await tempDir(t);
  const ended = await run(['--data', path.join(directory, 'none'), 'doctor', '--json']);
  assert.equal(ended.code, EXIT.done, ended.stderr);
  assert.equal(statusOf(ended, 'data_dir'), 'warn');
  assert.equal(statusOf(ended, 'log'), 'warn');
  assert.deepEqual(await readdir(directory), []);
});

test('a service that is stopped is looked at whole; damage and open rights fail with a remedy', async (t) => {
  const directory = await tempDir(t);
  const [recording, data] = [path.join(directory, 'fleet.ndjson.gz'), path.join(directory, 'data')];
  assert.equal((await run(['simulate', '--out', recording, ...FLEET])).code, EXIT.done);
  assert.equal((await run(['--data', data, 'replay', recording])).code, EXIT.done);
  const doctor = (...args: string[]): Promise<Ended> => run(['--data', data, 'doctor', ...args]);

  const sound = await doctor('--json');
  assert.equal(sound.code, EXIT.done, sound.stdout);
  for (const { check, status } of records(sound)) assert.equal(status, 'ok', String(check));
  const detail = (name: string): string => String(records(sound).find(({ check }) => check === name)?.detail);
  assert.match(detail('lock'), /free/);
  assert.match(detail('store'), /embedded/);
  assert.match(detail('sums_received'), new RegExp(`^${FLEET_EVENTS} received = ${FLEET_EVENTS} accepted`));
  assert.match(detail('sums_applied'), new RegExp(`${FLEET_EVENTS} scored \\+ 0 redelivered`));

  await chmod(data, 0o755);
  const lax = await doctor('--no-deep');
  assert.equal(lax.code, EXIT.failed);
  assert.match(lax.stdout, /data_dir +fail[\s\S]*chmod 700/);

  const log = await open(path.join(data, 'log.sqlite'), 'r+');
  await log.write(Buffer.alloc(4096, 0x5a), 0, 4096, 0);
  await log.close();
  const damaged = await doctor('--json');
  assert.equal(damaged.code, EXIT.failed);
  assert.equal(statusOf(damaged, 'log'), 'fail');
  assert.equal(typeof records(damaged).find(({ check }) => check === 'log')?.remedy, 'string');

  await writeFile(path.join(data, 'countersign.yaml'), 'listen:\n  prot: 1\n');
  const misread = await doctor();
  assert.equal(misread.code, EXIT.usage);
  assert.match(misread.stderr, /prot/);
});

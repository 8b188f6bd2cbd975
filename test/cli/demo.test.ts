import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../../services/cli/problem.ts';
import { records, run, tempDir } from './support.ts';

test('npm run demo -- --once --json: one summary line, status 0, and everything is where --keep says', async (t) => {
  const keep = path.join(await tempDir(t), 'kept');
  const ended = await run(['demo', '--once', '--json', '--keep', keep]);
  assert.equal(ended.code, EXIT.done, ended.stderr);
  const lines = records(ended);
  assert.equal(lines.length, 1);
  const { alerts, pending_containments, seconds, ...sums } = lines[0] as Record<string, number>;
  assert.deepEqual(sums, { events: 70_770, identities: 70, dead_letters: 0 });
  assert.ok(Number(alerts) > 0 && Number(pending_containments) >= Number(alerts), JSON.stringify(lines[0]));
  assert.ok(Number(seconds) > 0);
  assert.deepEqual((await readdir(keep)).toSorted(), [
    'admin.key',
    'admin.password',
    'data',
    'fleet.ndjson',
    'fleet.ndjson.labels.ndjson',
  ]);
  assert.equal((await stat(path.join(keep, 'admin.key'))).mode & 0o777, 0o600);

  const doctor = await run(['--data', path.join(keep, 'data'), 'doctor', '--json']);
  assert.equal(doctor.code, EXIT.done, doctor.stdout);
  const applied = records(doctor).find(({ check }) => check === 'sums_applied');
  assert.match(String(applied?.detail), /70770 scored \+ 0 redelivered/);
});

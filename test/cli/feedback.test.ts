import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EXIT } from '../../services/cli/problem.ts';
import { type Ended, FLEET, records, run, type Up, up } from './support.ts';

let service: Up;
let directory = '';

const cs = (args: readonly string[]): Promise<Ended> => run(args, { env: service.env });
const ok = async (...args: string[]): Promise<Ended> => {
  const ended = await cs(args);
  assert.equal(ended.code, EXIT.done, `${args.join(' ')}: ${ended.stderr}`);
  return ended;
};

before(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'countersign-cli-'));
  const recording = path.join(directory, 'fleet.ndjson');
  await run(['simulate', '--out', recording, '--json', ...FLEET]);
  service = await up(path.join(directory, 'data'));
  const replayed = await run(['--data', path.join(directory, 'data'), '--json', 'replay', recording]);
  assert.equal(replayed.code, EXIT.done, replayed.stderr);
});

after(async () => {
  await service.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

describe('telling detection something', () => {
  test('a verdict for the pattern leaves a directive, and undo ends it', async () => {
    const [alert] = records(await ok('alerts', '--json')) as { uid: string }[];
    const uid = String(alert?.uid).slice(0, 12);
    const said = await ok('verdict', uid, 'false_positive', '--scope', 'pattern', '--for', '7d', '--comment', 'CHG-7');
    assert.match(said.stdout, /In force: opens no alert/);
    assert.match((await ok('alert', uid)).stdout, /false_positive for the pattern by [\s\S]*in force +opens no alert/);
    assert.match((await ok('undo', uid, '--reason', 'rolled back')).stdout, /false_positive .* is withdrawn/);
    assert.match((await ok('alert', uid)).stdout, /withdrawn by .*rolled back[\s\S]*ended +opens no alert/);
    assert.equal((await cs(['undo', uid, '--reason', 'again'])).code, EXIT.refused);
  });

  test('what people told detection is listed with author, reason and end, and ended', async () => {
    const why = ['--reason', 'CHG-1042'];
    await ok(
      'suppress',
      '--identity',
      'agent-x',
      '--pattern',
      'burst_hour',
      '--subject',
      'tool=a=b',
      '--for',
      '7d',
      ...why,
    );
    await ok('budget', '--peer-group', 'payments', '--alerts', '100', ...why);
    await ok('budget', '--detector', 'access_hour', '--offset', '-4', '--for', '30d', ...why);
    await ok('declare', '--identity', 'agent-x', '--touches', 'model,tools', '--version', '2.4.0', ...why);
    const listed = (await ok('directive', 'list')).stdout;
    assert.match(listed, /opens no alert +agent-x: burst_hour tool a=b/);
    assert.match(listed, /100 alerts per 1,000 identity-days +peer group payments/);
    assert.match(listed, /-4 bits for access_hour +everybody/);
    assert.match(listed, /change of model, tools to version 2\.4\.0, learned after 20 sessions +agent-x/);
    const [first] = records(await ok('directive', 'list', '--identity', 'agent-x', '--json')) as { uid: string }[];
    assert.match((await ok('directive', 'end', String(first?.uid).slice(0, 10), ...why)).stdout, /^Ended:/);
    assert.equal((await cs(['suppress', '--identity', 'agent-x', ...why])).code, EXIT.usage, 'it has to end');
    assert.equal((await cs(['budget', '--detector', 'nobody', '--mute', ...why])).code, EXIT.refused);
  });
});

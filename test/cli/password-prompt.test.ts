import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../../services/cli/problem.ts';
import { type Service, startService } from '../api/support/service.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { environment } from './support.ts';

const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));
const TERMINAL = fileURLToPath(new URL('./terminal.py', import.meta.url));
const PYTHON = spawnSync('python3', ['--version']).status === 0;
const PASSWORD = 'six yellow ducks cross';
const WRONG = 'nine purple cows dance';
const PROMPT = 'Your password, unseen: ';

describe('a vote at a terminal', {
  concurrency: 1,
  skip: !PYTHON && 'NOT RUN: there is no python3',
  timeout: 120_000,
}, () => {
  let service: Service;
  let alerts = 0;
  before(async () => {
    service = await startService();
    const made = await service.as('root', { method: 'POST', url: '/v1/principals/local/approver/link' });
    const payload = { token: String(made.json().path).split('#')[1], password: PASSWORD };
    const opened = await service.app.inject({ method: 'POST', url: '/auth/link', payload });
    assert.equal(opened.statusCode, 200, opened.body);
  });
  after(() => service.close());

  const proposed = async () => {
    const uid = (++alerts).toString(16).padStart(32, '0');
    await service.raise(plainAlert({ uid, identity: { id: `agent-${alerts}`, kind: 'agent' } }));
    const [id = ''] = service.ports.control.state.byAlert.get(uid) ?? [];
    return { id, now: () => service.ports.control.state.containments.get(id) };
  };
  /** What the screen showed in the end, and the exit status. */
  const atTerminal = async (steps: readonly (readonly [string, string])[], ...args: readonly string[]) => {
    const command = [process.execPath, MAIN, ...args];
    const child = spawn('python3', [TERMINAL, JSON.stringify(steps), ...command], {
      env: environment({ COUNTERSIGN_URL: service.url, COUNTERSIGN_API_KEY: service.tokens.approver, NO_COLOR: '1' }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let screen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
    });
    const [code] = await once(child, 'close');
    assert.ok(!screen.includes(PASSWORD) && !screen.includes(WRONG), screen);
    return { screen, code };
  };

  for (const [command, question] of [
    ['approve', 'Approve? [y/N] '],
    ['deny', 'Deny? [y/N] '],
  ] as const) {
    test(`${command} shows nothing of the password, and takes it with what was corrected`, async () => {
      const { id, now } = await proposed();
      const steps = [
        [question, 'y\r'],
        [PROMPT, `${PASSWORD}xy\u007f\u007f\r`],
      ] as const;
      const { screen, code } = await atTerminal(steps, command, id);
      assert.equal(code, EXIT.done, screen);
      assert.ok(screen.includes(PROMPT) && screen.includes('is recorded'), screen);
      assert.deepEqual(
        now()?.votes.map((vote) => [vote.decision, vote.fresh?.method]),
        [[command, 'password']],
      );
    });
  }

  test('a wrong password, none, and a no give no vote', async () => {
    const { id, now } = await proposed();
    const agree = ['Approve? [y/N] ', 'y\r'] as const;
    const wrong = await atTerminal([agree, [PROMPT, `${WRONG}\r`]], 'approve', id);
    assert.equal(wrong.code, EXIT.refused, wrong.screen);
    const none = await atTerminal([agree, [PROMPT, '\u0003']], 'approve', id);
    assert.notEqual(none.code, EXIT.done, none.screen);
    const no = await atTerminal([['Approve? [y/N] ', 'n\r']], 'approve', id);
    assert.equal(no.code, EXIT.failed, no.screen);
    assert.deepEqual([now()?.state, now()?.votes], ['pending', []]);
  });
});

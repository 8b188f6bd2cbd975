import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { notifyTargets } from '../../services/cli/service/notify-role.ts';
import { type ConfigResult, loadConfig } from '../../services/platform/config.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-notify-'));
after(() => rmSync(directory, { recursive: true }));

const put = (name: string, text: string): void => writeFileSync(join(directory, name), text, { mode: 0o600 });
put('slack', 'https://hooks.slack.example/services/T0/B0/secret\n');
put('local', 'http://127.0.0.1:9/hook\n');
put('secret', `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`);
put('password', 'open sesame\n');

const mail = {
  host: 'smtp.example.com',
  from: 'countersign@example.com',
  recipients: [{ address: 'ada@example.com' }],
};
const slack = { name: 'soc', kind: 'slack', url_file: 'slack' };
const whole = { public_url: 'https://countersign.example.com/', mail, chat: [slack] };

function load({ public_url, ...notify }: Record<string, unknown>): ConfigResult {
  put('countersign.yaml', JSON.stringify({ public_url, notify }));
  return loadConfig({ cwd: directory, environment: {}, file: join(directory, 'countersign.yaml') });
}

function problems(notify: Record<string, unknown>): string[] {
  const loaded = load(notify);
  return loaded.ok ? [] : loaded.problems.map(({ code, field }) => `${code} ${field}`);
}

describe('notify in the configuration', () => {
  test('files count from where the file stands, in lists too, and secrets are not in the configuration', () => {
    const loaded = load({ ...whole, mail: { ...mail, username: 'countersign', password_file: 'password' } });
    assert.ok(loaded.ok);
    assert.equal(loaded.config.notify.chat[0]?.url_file, join(directory, 'slack'));
    assert.equal(loaded.secrets.notify_mail_password, 'open sesame');
    assert.equal(loaded.secrets.notify_chat[0]?.url, 'https://hooks.slack.example/services/T0/B0/secret');
    assert.doesNotMatch(JSON.stringify(loaded.config), /sesame|services\/T0/);
    const targets = notifyTargets(loaded);
    assert.deepEqual(
      targets.map(({ channel, to }) => `${channel} ${to}`),
      ['mail a***@example.com', 'slack soc'],
    );
    assert.equal(new Set(targets.map(({ position }) => position)).size, 2);
  });

  test('nothing configured is nobody told', () => {
    const loaded = load({});
    assert.ok(loaded.ok);
    assert.deepEqual(notifyTargets(loaded), []);
  });

  for (const [what, notify, expected] of [
    ['no address for links', { ...whole, public_url: undefined }, 'config_contradiction notify.mail'],
    [
      'links in the clear',
      { ...whole, public_url: 'http://countersign.example.com' },
      'config_contradiction public_url',
    ],
    ['links with a query', { ...whole, public_url: 'https://c.example/?a=b' }, 'config_contradiction public_url'],
    ['mail in the clear', { ...whole, mail: { ...mail, tls: 'none' } }, 'config_contradiction notify.mail.tls'],
    [
      'a user without a password',
      { ...whole, mail: { ...mail, username: 'c' } },
      'config_secret_missing notify.mail.username',
    ],
    [
      'an address twice',
      { ...whole, mail: { ...mail, recipients: [{ address: 'a@b.example' }, { address: 'A@b.example' }] } },
      'config_contradiction notify.mail.recipients[1].address',
    ],
    [
      'an address that would be a header of its own',
      { ...whole, mail: { ...mail, from: 'a@b.example\r\nBcc: c@d.example' } },
      'config_invalid_value notify.mail.from',
    ],
    ['a name twice', { ...whole, chat: [slack, slack] }, 'config_contradiction notify.chat[1].name'],
    [
      'data without a signature',
      { ...whole, chat: [{ ...slack, kind: 'webhook' }] },
      'config_secret_missing notify.chat[0]',
    ],
    [
      'a signature that nobody checks',
      { ...whole, chat: [{ ...slack, secret_file: 'secret' }] },
      'config_contradiction notify.chat[0].secret_file',
    ],
    [
      'a file that is not there',
      { ...whole, chat: [{ ...slack, url_file: 'none' }] },
      'config_secret_unreadable notify.chat[0].url_file',
    ],
  ] as const) {
    test(`${what} is refused`, () => assert.deepEqual(problems(notify), [expected]));
  }

  test('mail in the clear may go to this machine', () => {
    assert.deepEqual(problems({ ...whole, mail: { ...mail, host: 'localhost', tls: 'none' } }), []);
  });

  test('a chat at a private address has to be permitted', () => {
    put('private', 'https://10.0.0.7/hook');
    const chat = { ...slack, url_file: 'private' };
    const [refused, permitted] = [
      load({ ...whole, chat: [chat] }),
      load({ ...whole, chat: [{ ...chat, allow_private_networks: true }] }),
    ];
    assert.ok(refused.ok && permitted.ok);
    assert.throws(
      () => notifyTargets(refused),
      /notify\.chat\[0\]\.url_file: the address 10\.0\.0\.7 is not permitted/,
    );
    assert.equal(notifyTargets(permitted).length, 2);
  });
});

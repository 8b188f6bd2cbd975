import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { SMTPServerOptions } from 'smtp-server';
import type { SendAnswer } from '../../services/deliver/notify/lane.ts';
import { createMailer, mailTarget, type MailServer as Server } from '../../services/deliver/notify/mail.ts';
import { type Notice, noticeAbout } from '../../services/deliver/notify/notice.ts';
import { manualClock } from '../support/manual-clock.ts';
import { openSimulatedLog } from '../support/simulated-log.ts';
import { makeCertificate, openMailServer, refusing } from './mail-server.ts';
import { changed, containmentOf, disk, filterOf, NOW, tell, write } from './notify-support.ts';

const certificate = makeCertificate();
const PUBLIC_URL = 'https://countersign.example.com';
const USER = { username: 'countersign', password: 'open sesame' };

const withTls: SMTPServerOptions = { cert: certificate.cert, key: certificate.key };
const withUsers: SMTPServerOptions = {
  ...withTls,
  authOptional: false,
  onAuth({ username, password }, _session, callback) {
    if (username === USER.username && password === USER.password) return callback(null, { user: username });
    return callback(refusing(535, 'authentication credentials invalid'));
  },
};

async function stage(t: TestContext, options: SMTPServerOptions, over: Partial<Server> = {}) {
  const server = await openMailServer(options);
  t.after(() => server.close());
  const mailer = createMailer({
    host: 'localhost',
    port: server.port,
    tls: 'starttls',
    ca: certificate.ca,
    username: undefined,
    password: undefined,
    ...over,
  });
  const target = (address = 'ada@example.com') =>
    mailTarget({ mailer, from: 'countersign@example.com', address, filter: filterOf(), public_url: PUBLIC_URL });
  const send = (notice: Notice = noticeAbout('proposed', containmentOf(1), NOW)): Promise<SendAnswer> =>
    target().send(notice, new AbortController().signal);
  return { server, target, send };
}

const reasonOf = (answer: SendAnswer): string => (answer.kind === 'failed' ? answer.reason : answer.kind);

describe('mail to a real SMTP server', () => {
  test('goes out after STARTTLS and sign-in, to one recipient, with facts and one link', async (t) => {
    const { server, send } = await stage(t, withUsers, USER);
    assert.deepEqual(await send(), { kind: 'sent' });
    const [mail] = await server.arrived(1);
    assert.ok(mail);
    assert.deepEqual(
      [mail.from, mail.to, mail.user, mail.secure],
      ['countersign@example.com', ['ada@example.com'], USER.username, true],
    );
    const { parsed } = mail;
    assert.equal(parsed.subject, '[Countersign] Approval needed: restrict tool mail.send of agent-7 (high)');
    assert.equal(parsed.date?.getTime(), NOW);
    const id = containmentOf(1).id;
    const link = `${PUBLIC_URL}/containments/${id}`;
    assert.match(
      parsed.messageId ?? '',
      new RegExp(`^<proposed-${id}-[0-9a-f]{16}\\.[0-9a-f]{12}@countersign\\.example\\.com>$`),
    );
    assert.equal(parsed.inReplyTo, `<containment-${id}@countersign.example.com>`);
    assert.equal(parsed.headers.get('auto-submitted'), 'auto-generated');
    assert.match(mail.raw, /^List-ID: Countersign containments <containments\.countersign\.example\.com>/im);
    for (const fact of [
      'agent-7',
      'restrict tool',
      'mail.send',
      'high',
      '12 MB',
      '0 of 2',
      '2027-01-16 08:00 UTC',
      link,
    ]) {
      assert.ok(parsed.text?.includes(fact), fact);
      assert.ok(typeof parsed.html === 'string' && parsed.html.includes(fact), fact);
    }
    const links = [...(parsed.html || '').matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
    assert.deepEqual(links, [link], 'one link, to a page, and none that acts');
  });

  test('goes out over TLS from the start', async (t) => {
    const { server, send } = await stage(t, { ...withUsers, secure: true }, { ...USER, tls: 'implicit' });
    assert.deepEqual(await send(), { kind: 'sent' });
    assert.equal((await server.arrived(1))[0]?.secure, true);
  });

  test('is the same mail again when it is repeated', async (t) => {
    const { server, send } = await stage(t, withTls);
    await send();
    await send();
    const [first, second] = await server.arrived(2);
    assert.equal(first?.parsed.messageId, second?.parsed.messageId);
    assert.equal(first?.parsed.text, second?.parsed.text);
    assert.equal(first?.parsed.date?.getTime(), second?.parsed.date?.getTime());
  });

  test('says in its headers that an emergency is one', async (t) => {
    const { server, send } = await stage(t, withTls);
    await send(noticeAbout('break_glass', containmentOf(1, { terms: { break_glass: { why: 'data leaves' } } }), NOW));
    const [mail] = await server.arrived(1);
    assert.match(mail?.raw ?? '', /^Importance: high/im);
    assert.match(mail?.parsed.subject ?? '', /BREAK-GLASS/);
    assert.match(mail?.parsed.text ?? '', /data leaves/);
  });

  test('what an agent wrote becomes no header, no markup and no link', async (t) => {
    const { server, send } = await stage(t, withTls);
    const evil =
      'x\r\nBcc: eve@evil.example\r\n\r\n<img src=x onerror=alert(1)> https://evil.example/approve \u202egpj';
    const terms = {
      identity: { id: evil, kind: 'agent', name: evil },
      recommendation: { action: 'restrict_tool', target: evil, parameters: {}, reason: evil },
    } as const;
    await send(noticeAbout('proposed', containmentOf(1, { terms, alert: { title: evil, summary: evil } }), NOW));
    const [mail] = await server.arrived(1);
    assert.deepEqual(mail?.to, ['ada@example.com']);
    assert.equal(mail?.parsed.bcc, undefined);
    assert.equal(mail?.parsed.headers.has('bcc'), false);
    const html = mail?.parsed.html || '';
    assert.doesNotMatch(html, /<img|https:\/\/evil|\u202e/);
    assert.match(html, /&lt;img/);
    assert.doesNotMatch(mail?.parsed.text ?? '', /https:\/\/evil|\u202e/);
    assert.doesNotMatch(mail?.parsed.subject ?? '', /[\r\n\u202e]/);
  });
});

describe('mail that cannot be brought', () => {
  const cases: readonly [string, SMTPServerOptions, Partial<Server>, string][] = [
    ['a server without STARTTLS gets nothing', { hideSTARTTLS: true }, {}, 'tls'],
    ['a server that nobody vouches for gets nothing', withTls, { ca: undefined }, 'tls'],
    ['a wrong password', withUsers, { ...USER, password: 'guess' }, 'authentication'],
    [
      'an address that the server does not know',
      { ...withTls, onRcptTo: (_address, _session, callback) => callback(refusing(550, '5.1.1 no such user')) },
      {},
      'refused',
    ],
    [
      'greylisting',
      { ...withTls, onRcptTo: (_address, _session, callback) => callback(refusing(451, '4.7.1 try again later')) },
      {},
      'unavailable',
    ],
  ];
  for (const [what, options, over, reason] of cases) {
    test(`${what}: ${reason}`, async (t) => {
      const { server, send } = await stage(t, options, over);
      assert.equal(reasonOf(await send()), reason);
      assert.deepEqual(server.mails, []);
    });
  }

  test('nobody listens: unreachable', async (t) => {
    const { server, send } = await stage(t, withTls);
    await server.close();
    assert.equal(reasonOf(await send()), 'unreachable');
  });

  test('a server that says nothing is left when the process ends', async (t) => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const { port } = silent.address() as { port: number };
    const mailer = createMailer({ host: '127.0.0.1', port, tls: 'none', ca: undefined, ...USER });
    const target = mailTarget({
      mailer,
      from: 'a@b.example',
      address: 'c@d.example',
      filter: filterOf(),
      public_url: PUBLIC_URL,
    });
    const over = new AbortController();
    const connected = once(silent, 'connection');
    const answer = target.send(noticeAbout('proposed', containmentOf(1), NOW), over.signal);
    const [socket] = await connected;
    over.abort();
    assert.deepEqual(await answer, { kind: 'aborted' });
    socket.destroy();
  });
});

test('from the control log to the mailbox: each recipient has a mail of its own, and one bad address is its own', async (t) => {
  const { server, target } = await stage(t, {
    ...withTls,
    onRcptTo: ({ address }, _session, callback) =>
      address.startsWith('gone') ? callback(refusing(550, 'no such user')) : callback(),
  });
  const on = disk();
  const clock = manualClock(NOW);
  const log = openSimulatedLog({ disk: on, clock });
  const addresses = ['ada@example.com', 'gone@example.com', 'ben@example.com'];
  const telling = await tell({ disk: on, clock, targets: addresses.map(target) });
  // Lanes begin before there is news.
  while (on.positions.size < addresses.length) await new Promise((resolve) => setImmediate(resolve));
  await write(log, changed(containmentOf(1, { state: 'unknown' }), 'dispatching'));
  const mails = await server.arrived(2);
  assert.deepEqual(mails.flatMap(({ to }) => to).toSorted(), ['ada@example.com', 'ben@example.com']);
  assert.match(mails[0]?.parsed.subject ?? '', /Outcome unknown/);
  await telling.stop();
});

import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { checkTarget, type PostRequest, post } from '../../services/platform/http-post.ts';
import { openReceiver } from './receiver.ts';

const STRICT = { allow_private_networks: false };
const PRIVATE = { allow_private_networks: true };

describe('a target', () => {
  const cases: [string, boolean, boolean][] = [
    ['https://siem.example.com/hook', true, true],
    ['https://8.8.8.8/hook', true, true],
    ['https://[2001:4860:4860::8888]/hook', true, true],
    ['http://127.0.0.1:8080/hook', true, true],
    ['http://localhost:8080/hook', true, true],
    ['http://[::1]:8080/hook', true, true],
    ['http://siem.example.com/hook', false, true],
    ['http://8.8.8.8/hook', false, false],
    ['http://10.1.2.3/hook', false, true],
    ['https://10.1.2.3/hook', false, true],
    ['https://192.168.7.7/hook', false, true],
    ['https://172.31.255.1/hook', false, true],
    ['https://[fd00::1]/hook', false, true],
    ['https://[::ffff:10.1.2.3]/hook', false, true],
    ['https://169.254.169.254/latest', false, false],
    ['https://[::ffff:169.254.169.254]/latest', false, false],
    ['https://[fe80::1]/hook', false, false],
    ['https://0.0.0.0/hook', false, false],
    ['https://0x7f000001/hook', true, true],
    ['https://user:pass@siem.example.com/hook', false, false],
    ['ftp://siem.example.com/hook', false, false],
    ['siem.example.com/hook', false, false],
  ];
  for (const [text, strict, allowing] of cases) {
    it(`${text} is ${strict ? '' : 'not '}permitted, and ${allowing ? '' : 'not '}with private networks`, () => {
      for (const [policy, expected] of [
        [STRICT, strict],
        [PRIVATE, allowing],
      ] as const) {
        const checked = checkTarget(text, policy);
        assert.equal(typeof checked !== 'string', expected, String(checked));
      }
    });
  }
});

function request(url: string, changes: Partial<PostRequest> = {}): PostRequest {
  return {
    url: new URL(url),
    headers: { 'content-type': 'application/json' },
    body: '{"a":"ü"}',
    policy: STRICT,
    timeout_ms: 5_000,
    excerpt_bytes_max: 64,
    signal: new AbortController().signal,
    ...changes,
  };
}

describe('a post', () => {
  it('resolves names itself, and refuses what they resolve to', async (t) => {
    const receiver = await openReceiver();
    t.after(receiver.close);
    const named = receiver.url.replace('127.0.0.1', 'localhost');
    assert.equal((await post(request(named))).kind, 'answered');
    // The name a machine has for itself resolves to an address of its own, which no public name may.
    const own = receiver.url.replace('127.0.0.1', hostname());
    const refused = await post(request(own));
    assert.ok(
      refused.kind === 'failed' && ['forbidden', 'unreachable'].includes(refused.reason),
      JSON.stringify(refused),
    );
    assert.equal(receiver.received.length, 1);
  });

  it('sends the body as bytes and gives back status, Retry-After and the beginning of an error', async (t) => {
    const body = `no\r\n\u0007${'x'.repeat(1_000)}`;
    const receiver = await openReceiver(() => ({ status: 503, headers: { 'retry-after': '7' }, body }));
    t.after(receiver.close);
    const answer = await post(request(receiver.url));
    assert.deepEqual(answer, { kind: 'answered', status: 503, retry_after: '7', excerpt: `no ${'x'.repeat(59)}` });
    assert.equal(receiver.received[0]?.body, '{"a":"ü"}');
  });

  it('follows no redirect', async (t) => {
    const receiver = await openReceiver(() => ({ status: 307, headers: { location: '/elsewhere' } }));
    t.after(receiver.close);
    const answer = await post(request(receiver.url));
    assert.equal(answer.kind === 'answered' && answer.status, 307);
    assert.deepEqual(
      receiver.received.map(({ path }) => path),
      ['/hook'],
    );
  });

  it('ends by its time limit, by its caller, and when nobody listens', async (t) => {
    const receiver = await openReceiver(() => 'hang');
    t.after(receiver.close);
    assert.deepEqual(await post(request(receiver.url, { timeout_ms: 20 })), {
      kind: 'failed',
      reason: 'timeout',
      code: 'TIMEOUT',
    });
    const caller = new AbortController();
    const sent = post(request(receiver.url, { signal: caller.signal }));
    caller.abort();
    const aborted = await sent;
    assert.equal(aborted.kind === 'failed' && aborted.reason, 'aborted');
    const again = await post(request(receiver.url, { signal: caller.signal }));
    assert.equal(again.kind === 'failed' && again.reason, 'aborted');
    await receiver.close();
    const gone = await post(request(receiver.url));
    assert.deepEqual(gone, { kind: 'failed', reason: 'unreachable', code: 'ECONNREFUSED' });
  });
});

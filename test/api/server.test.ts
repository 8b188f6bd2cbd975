import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { onClientError } from '../../services/api/failure-handling.ts';
import { listen } from '../../services/api/server.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { selfSignedCertificate } from './support/certificate.ts';
import { type Service, startService } from './support/service.ts';

describe('listening', { concurrency: 1 }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  const own = () => ({ ...service.ports, telemetry: silentTelemetry() });

  test('only on this machine without TLS, unless it is allowed explicitly', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '127.0.0.1.example.org']) {
      const refused = await listen(own(), { host, port: 0 });
      assert.ok(refused.kind === 'refused' && refused.code === 'plaintext_beyond_loopback', host);
      assert.match(refused.message, /listen\.tls/);
    }
    const allowed = await listen(own(), { host: '0.0.0.0', port: 0, allow_plaintext_beyond_loopback: true });
    assert.ok(allowed.kind === 'listening');
    await allowed.close();
    const usual = await listen(own(), { port: 0 });
    assert.ok(usual.kind === 'listening');
    assert.equal((usual.app.server.address() as { address: string }).address, '127.0.0.1');
    assert.equal((await fetch(`${usual.url}/health`)).status, 200);
    await usual.close();
  });

  test('a port that is taken, and an address of another machine, are refusals and no crash', async () => {
    const taken = await listen(own(), { port: Number(new URL(service.url).port) });
    assert.ok(taken.kind === 'refused' && taken.code === 'address_in_use');
    const foreign = await listen(own(), { host: '192.0.2.1', port: 0, allow_plaintext_beyond_loopback: true });
    assert.ok(foreign.kind === 'refused' && foreign.code === 'address_unavailable');
  });

  test('over TLS it says that it will stay there', async () => {
    const tls = selfSignedCertificate();
    const listening = await listen(own(), { host: 'localhost', port: 0, tls });
    assert.ok(listening.kind === 'listening');
    assert.match(listening.url, /^https:/);
    const asked = get(`${listening.url}/health`, { ca: tls.cert, agent: false });
    const [response] = await once(asked, 'response');
    response.resume();
    assert.equal(response.statusCode, 200);
    assert.match(response.headers['strict-transport-security'], /^max-age=\d{8}; includeSubDomains$/);
    await listening.close();
  });

  test('what is not HTTP is answered in the one shape, and hung up on', async () => {
    for (const [bytes, status, code] of [
      ['\x16\x03\x01\x02\x00\x01\x00', 400, 'request_malformed'],
      ['GET / HTTP/9.9\r\n\r\n', 400, 'request_malformed'],
      [
        'GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
        400,
        'request_malformed',
      ],
      [`GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ] as const) {
      const answer = await exchange(service.url, bytes);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), answer);
      assert.ok(answer.includes(`"code":"${code}"`), answer);
      assert.match(answer, /\r\ncontent-security-policy: default-src 'none'; base-uri 'none'; object-src 'none'/);
      assert.match(answer, /\r\nx-content-type-options: nosniff\r\n/);
    }
  });

  test('TRACE is not supported, and tells nobody what was sent', async () => {
    for (const method of ['TRACE', 'TRACK']) {
      const head = `${method} /health HTTP/1.1\r\nhost: x\r\nx-secret: 31415926\r\nconnection: close\r\n\r\n`;
      const answer = await exchange(service.url, head);
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, method);
      assert.ok(!answer.includes('31415926'), answer);
    }
  });

  test('a request that does not arrive in time is told so', async () => {
    const { socket, sent } = await pairOfSockets();
    onClientError(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    assert.match(await sent, /^HTTP\/1.1 408 Request Timeout\r\n[\s\S]*"code":"request_timeout"/);
    onClientError(Object.assign(new Error(), { code: 'ECONNRESET' }), socket);
    assert.ok(socket.destroyed);
  });

  test('answers carry the headers that keep them out of caches, frames and scripts', async () => {
    for (const url of ['/health', '/v1/alerts', '/nothing']) {
      const { headers } = await fetch(`${service.url}${url}`);
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(
        headers.get('content-security-policy'),
        "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      assert.equal(headers.get('access-control-allow-origin'), null);
      assert.equal(headers.get('x-powered-by'), null);
      assert.match(headers.get('request-id') ?? '', /^[0-9a-f]{16}$/);
    }
  });

  test('a request that runs when the service stops is answered, and a new one is told to come back', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = (): void => undefined;
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const ports = own();
    const listening = await listen(
      {
        ...ports,
        async metrics() {
          begun();
          await held;
          return 'up 1\n';
        },
      },
      { port: 0 },
    );
    assert.ok(listening.kind === 'listening');
    const headers = { authorization: `Bearer ${service.tokens.viewer}` };
    const slow = fetch(`${listening.url}/metrics`, { headers });
    await running;
    // A connection that is open already, so that the second request gets through while the server stops accepting.
    const socket = connect(listening.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /health HTTP/1.1\r\nhost: x\r\n');
    const closing = listening.close();
    const answered = once(socket, 'data');
    while (listening.app.server.listening) await new Promise((resolve) => setImmediate(resolve));
    socket.write('\r\n');
    const [data] = await answered;
    assert.match(String(data), /^HTTP\/1.1 503 /);
    assert.match(String(data), /"code":"shutting_down"/);
    release();
    const answer = await slow;
    assert.equal(await answer.text(), 'up 1\n');
    assert.equal(answer.headers.get('connection'), 'close', 'an idle connection would keep the server from closing');
    await closing;
    socket.destroy();
  });

  test('an unexpected failure tells nothing but its code and the name of the request', async () => {
    const telemetry = silentTelemetry();
    const ports = { ...service.ports, telemetry, metrics: () => Promise.reject(new Error('secret of /etc/shadow')) };
    const listening = await listen(ports, { port: 0 });
    assert.ok(listening.kind === 'listening');
    const headers = { authorization: `Bearer ${service.tokens.viewer}` };
    const response = await fetch(`${listening.url}/metrics`, { headers });
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.ok(!text.includes('secret'));
    assert.match(text, /"code":"internal"/);
    assert.match(await telemetry.registry.metrics(), /countersign_requests_failed_total\{code="internal"\} 1/);
    await listening.close();
  });
});

/** Sends bytes and reads until the other side hangs up. */
async function exchange(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return Buffer.concat(parts).toString('utf8');
}

/** Our end of a connection, and what the other end gets until we hang up. */
async function pairOfSockets(): Promise<{ readonly socket: Socket; readonly sent: Promise<string> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const other = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  const parts: Buffer[] = [];
  other.on('data', (part: Buffer) => parts.push(part));
  return { socket, sent: once(other, 'close').then(() => Buffer.concat(parts).toString('utf8')) };
}

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, test } from 'node:test';
import { safeFetch } from '../../services/platform/outbound/fetch.ts';
import { type OutboundRequest, type Resolve, send } from '../../services/platform/outbound/send.ts';
import { selfSignedCertificate } from '../api/support/certificate.ts';

const STRICT = { allow_private_networks: false };
type Context = { after(end: () => void): void };

async function listen(t: Context, listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

const asked = (url: string, over: Partial<OutboundRequest> = {}): OutboundRequest => ({
  method: 'GET',
  url: new URL(url),
  headers: {},
  policy: STRICT,
  timeout_ms: 5_000,
  body_bytes_max: 1_000,
  signal: new AbortController().signal,
  ...over,
});

const resolving =
  (...answers: readonly (readonly string[])[]): Resolve =>
  (_, callback) => {
    const addresses = (answers.length > 1 ? (answers as string[][]).shift() : answers[0]) ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };

describe('a name', () => {
  test('that resolves to what its policy does not permit is not connected to', async (t) => {
    const port = await listen(t, () => assert.fail('nothing may arrive'));
    const rows: readonly (readonly string[])[] = [
      ['127.0.0.1'],
      ['::1'],
      ['10.0.0.1'],
      ['169.254.169.254'],
      ['::ffff:127.0.0.1'],
      ['64:ff9b::7f00:1'],
      ['2002:7f00:1::'],
      // One good address does not vouch for the other.
      ['93.184.215.14', '127.0.0.1'],
      [],
    ];
    for (const addresses of rows) {
      const answer = await send(asked(`https://rebound.example:${port}/`), resolving(addresses));
      const expected = { kind: 'failed', reason: 'forbidden', code: 'ADDRESS_FORBIDDEN', sent: false };
      assert.deepEqual(answer, expected, addresses.join());
    }
  });

  test('is resolved once, and what was checked is what is connected to', async (t) => {
    let calls = 0;
    const port = await listen(t, (_, response) => void response.end('here'));
    // The second answer of a name that rebinds: it would be refused, so asking twice would show.
    const answers = resolving(['127.0.0.1'], ['169.254.169.254']);
    const counted: Resolve = (host, callback) => {
      calls += 1;
      answers(host, callback);
    };
    const policy = { allow_private_networks: true };
    const answer = await send(asked(`http://inside.example:${port}/`, { policy }), counted);
    assert.equal(answer.kind === 'answered' && answer.body.toString(), 'here');
    assert.equal(calls, 1);
    const again = await send(asked(`http://inside.example:${port}/`, { policy }), counted);
    assert.equal(again.kind === 'failed' && again.reason, 'forbidden', 'a connection is not used again');
  });

  test('that is not there has sent nothing', async () => {
    const resolve: Resolve = (_, callback) => callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    const answer = await send(asked('https://nobody.example/'), resolve);
    assert.deepEqual(answer, { kind: 'failed', reason: 'unreachable', code: 'ENOTFOUND', sent: false });
  });
});

describe('an answer', () => {
  test('is bounded, and says when it was cut', async (t) => {
    const port = await listen(t, (request, response) => {
      if (request.url === '/broken') {
        response.writeHead(200, { 'content-length': 100 });
        response.write('half');
        return void response.socket?.end();
      }
      response.end('x'.repeat(request.url === '/long' ? 1_001 : 1_000));
    });
    const get = async (path: string) => {
      const answer = await send(asked(`http://127.0.0.1:${port}${path}`));
      return answer.kind === 'answered' ? { bytes: answer.body.length, cut: answer.cut } : answer;
    };
    assert.deepEqual(await get('/fits'), { bytes: 1_000, cut: false });
    assert.deepEqual(await get('/long'), { bytes: 1_000, cut: true });
    assert.deepEqual(await get('/broken'), { bytes: 4, cut: true });
  });

  test('that leads elsewhere is only an answer', async (t) => {
    const paths: (string | undefined)[] = [];
    const port = await listen(t, (request, response) => {
      paths.push(request.url);
      response.writeHead(307, { location: 'http://169.254.169.254/' }).end();
    });
    const answer = await send(asked(`http://127.0.0.1:${port}/one`, { method: 'POST', body: 'x' }));
    assert.equal(answer.kind === 'answered' && answer.status, 307);
    assert.deepEqual(paths, ['/one']);
  });

  test('that does not come tells whether anything was sent', async (t) => {
    const port = await listen(t, (request) => void request.socket.destroy());
    const reset = await send(asked(`http://127.0.0.1:${port}/`));
    assert.deepEqual(reset, { kind: 'failed', reason: 'unreachable', code: 'ECONNRESET', sent: true });

    const silent = await listen(t, () => {});
    const late = await send(asked(`http://127.0.0.1:${silent}/`, { timeout_ms: 30 }));
    assert.deepEqual(late, { kind: 'failed', reason: 'timeout', code: 'TIMEOUT', sent: true });

    const nobody = createTcpServer();
    await new Promise<void>((done) => nobody.listen(0, '127.0.0.1', done));
    const { port: free } = nobody.address() as AddressInfo;
    await new Promise((done) => nobody.close(done));
    const refused = await send(asked(`http://127.0.0.1:${free}/`));
    assert.deepEqual(refused, { kind: 'failed', reason: 'unreachable', code: 'ECONNREFUSED', sent: false });
  });

  test('of nobody whom an authority vouches for is not taken, and nothing was sent', async (t) => {
    const { cert, key } = selfSignedCertificate();
    let asks = 0;
    const server = createTlsServer({ cert, key }, (_, response) => {
      asks += 1;
      response.end('trusted');
    });
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
    const answer = await send(asked(url));
    assert.equal(answer.kind === 'failed' && !answer.sent && answer.reason, 'unreachable', JSON.stringify(answer));
    assert.equal(asks, 0);
    const trusted = await send(asked(url, { ca: cert }));
    assert.equal(trusted.kind === 'answered' && trusted.body.toString(), 'trusted', JSON.stringify(trusted));
  });
});

describe('a fetch', () => {
  const options = { policy: STRICT, timeout_ms: 5_000, body_bytes_max: 100 };

  test('sends method, headers and body, and gives an ordinary Response', async (t) => {
    const port = await listen(t, async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      response.writeHead(201, { 'content-type': 'application/json', 'x-asked': `${request.method}` });
      response.end(JSON.stringify({ body: Buffer.concat(parts).toString(), type: request.headers['content-type'] }));
    });
    const fetch = safeFetch(options);
    const form = new URLSearchParams({ a: 'ü' });
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: form });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-asked'), 'POST');
    assert.deepEqual(await response.json(), {
      body: 'a=%C3%BC',
      type: 'application/x-www-form-urlencoded;charset=UTF-8',
    });
  });

  test('gives redirects and empty answers as they are, and rejects all else', async (t) => {
    const port = await listen(t, (request, response) => {
      if (request.url === '/away') return void response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
      if (request.url === '/empty') return void response.writeHead(204).end();
      response.end('x'.repeat(101));
    });
    const fetch = safeFetch(options);
    assert.equal((await fetch(`http://127.0.0.1:${port}/away`)).status, 302);
    assert.equal((await fetch(`http://127.0.0.1:${port}/empty`)).status, 204);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/long`), TypeError);
    await assert.rejects(fetch('http://169.254.169.254/latest'), TypeError);
    await assert.rejects(fetch('http://siem.example.com/'), TypeError);
    const aborted = AbortSignal.abort();
    await assert.rejects(fetch(`http://127.0.0.1:${port}/empty`, { signal: aborted }));
  });
});

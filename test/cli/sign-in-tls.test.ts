import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createOidcProvider } from '../../services/api/auth/oidc.ts';
import { authPort } from '../../services/cli/service/sign-in.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { loadConfig } from '../../services/platform/config.ts';
import { dataDirAt } from '../../services/platform/data-dir.ts';
import { selfSignedCertificate } from '../api/support/certificate.ts';
import { createBrowser } from '../support/http-browser.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.ts';
import { type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';

const PASSWORD = 'six yellow ducks cross';
/** As a proxy in front would have it; the test takes the browser's last step itself. */
const REDIRECT_URL = 'https://countersign.example/auth/callback/corp';
const TIES = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) };

describe('signing in over TLS, with certificates that nobody else vouches for', {
  concurrency: 1,
  timeout: 120_000,
}, () => {
  const [tls, other] = [selfSignedCertificate(), selfSignedCertificate()];
  const trusted_before = getCACertificates('default');
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let provider: OpenIdProvider;
  const running: ServiceProcess[] = [];

  before(async () => {
    directory = await temporaryDirectory();
    provider = await startOpenIdProvider([REDIRECT_URL], { tls });
    provider.claims.set('ada', { groups: ['countersigners'] });
  });
  after(async () => {
    setDefaultCACertificates(trusted_before);
    await Promise.all(running.map((service) => service.kill('SIGKILL')));
    await provider?.close();
    await directory?.remove();
  });

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(directory.path, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  /** A process with TLS, and the provider as its files have it. */
  const begin = async (name: string, { secret }: { readonly secret: string }) => {
    const corp = {
      name: 'corp',
      issuer: provider.issuer,
      client_id: provider.client_id,
      client_secret_file: await file(`${name}.secret`, `${secret}\n`),
      ca_file: await file(`${name}.ca`, tls.cert),
      redirect_url: REDIRECT_URL,
    };
    const service = await startService(join(directory.path, name), {
      COUNTERSIGN_LISTEN_TLS_CERT_FILE: await file(`${name}.cert`, tls.cert),
      COUNTERSIGN_LISTEN_TLS_KEY_FILE: await file(`${name}.key`, tls.key),
      COUNTERSIGN_AUTH_OIDC: JSON.stringify([corp]),
    });
    running.push(service);
    const url = service.url.replace('127.0.0.1', 'localhost');
    const people = { named: [{ principal: { issuer: provider.issuer, subject: 'ada' }, roles: ['viewer'] }] };
    const set = await send(`${url}/v1/policy`, 'PUT', service.tokens.admin, {
      policy: { version: 'tls-1', people },
      reason: 'ada reads',
    });
    assert.equal(set.status, 200, await set.text());
    return { url, admin: service.tokens.admin };
  };
  const signInThere = async (url: string) => {
    const browser = createBrowser();
    const asked = await browser.open(`${url}/auth/oidc/corp`);
    const action = /action="([^"]+)"/.exec(asked.body)?.[1];
    assert.ok(action !== undefined, `${asked.url} asks nobody to sign in`);
    const form = { prompt: 'login', login: 'ada', password: 'any' };
    const stop = (to: URL): boolean => to.href.startsWith(REDIRECT_URL);
    const back = await browser.open(new URL(action, asked.url).href, { form, stop });
    const done = await browser.open(`${url}${back.url.pathname}${back.url.search}`, {
      stop: (to) => to.origin === url && !to.pathname.startsWith('/auth/'),
    });
    return { browser, done };
  };

  test('a provider is believed by the authorities of ca_file alone', async () => {
    const { issuer, client_id, client_secret } = provider;
    const settings = { name: 'corp', label: 'Corp', issuer, client_id, client_secret, scopes: ['openid'] };
    for (const [ca, reached] of [
      [tls.cert, true],
      [other.cert, false],
      [undefined, false],
    ] as const) {
      const corp = createOidcProvider({ ...settings, ca, redirect_url: REDIRECT_URL }, systemClock);
      const begun = await corp.begin(TIES, { fresh: false });
      assert.equal(begun.ok, reached, JSON.stringify(begun));
    }
    // From here on the test's own requests, which stand for a browser's, trust it.
    setDefaultCACertificates([...trusted_before, tls.cert]);
  });

  test('cookies are __Host- and Secure, of local people and of those of a provider, who come by its files', async () => {
    const { url, admin } = await begin('service', { secret: provider.client_secret });
    const made = await send(`${url}/v1/principals/local/admin/link`, 'POST', admin, {});
    const token = ((await made.json()) as { path: string }).path.split('#')[1];
    const opened = await send(`${url}/auth/link`, 'POST', undefined, { token, password: PASSWORD });
    assert.equal(opened.status, 200);
    const sent = await fetch(`${url}/auth/oidc/corp`, { redirect: 'manual' });
    for (const [answer, name] of [
      [opened, '__Host-countersign'],
      [sent, '__Host-countersign-oidc'],
    ] as const) {
      const [line = '', ...more] = answer.headers.getSetCookie();
      assert.deepEqual(more, []);
      const [pair = '', ...attributes] = line.split('; ');
      assert.equal(pair.split('=')[0], name);
      assert.deepEqual(attributes.toSorted(), ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
    }

    const { browser, done } = await signInThere(url);
    assert.equal(done.url.search, '');
    assert.equal(browser.cookie(url, 'countersign'), undefined);
    const me = await browser.open(`${url}/auth/session`);
    assert.equal(me.status, 200, me.body);
    const { principal, roles } = JSON.parse(me.body);
    assert.deepEqual([principal.issuer, principal.subject, roles], [provider.issuer, 'ada', ['viewer']]);
    // A neighbour's process on this machine could set the plain name; it counts for nothing here.
    const plain = `countersign=${browser.cookie(url, '__Host-countersign')}`;
    assert.equal((await fetch(`${url}/v1/whoami`, { headers: { cookie: plain } })).status, 401);
  });

  test('cookies are Secure behind a proxy that speaks TLS, too, and not on this machine without one', async () => {
    await file('cookie.key', 'k'.repeat(32));
    const secureAt = (public_url: string): boolean => {
      const overrides = { public_url, auth: { cookie_key_file: join(directory.path, 'cookie.key') } };
      const loaded = loadConfig({ cwd: directory.path, environment: {}, overrides });
      assert.ok(loaded.ok);
      return authPort({ ...loaded, dir: dataDirAt(directory.path) }).secure;
    };
    assert.deepEqual(['https://countersign.example', 'http://127.0.0.1:7788'].map(secureAt), [true, false]);
  });

  test('nobody comes in with another secret in client_secret_file', async () => {
    const { url } = await begin('wrong', { secret: 'not the secret of this client' });
    const { browser, done } = await signInThere(url);
    assert.match(done.url.search, /^\?problem=/);
    assert.equal(browser.cookie(url, '__Host-countersign'), undefined);
  });
});

function send(url: string, method: string, key: string | undefined, json: unknown): Promise<Response> {
  return fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(json),
  });
}

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { PolicyDocument } from '../../schemas/policy.ts';
import type { Role } from '../../schemas/principal.ts';
import { createOidcProvider, type OidcProvider } from '../../services/api/auth/oidc.ts';
import type { Ports } from '../../services/api/ports.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Browser, createBrowser, type Page } from '../support/http-browser.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.ts';
import { type Service, startService } from './support/service.ts';

const TIES = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) };

describe('people of an OpenID provider', { concurrency: 1 }, () => {
  let service: Service;
  let provider: OpenIdProvider;
  let browser: Browser;
  let ahead_ms = 0;
  const providers: OidcProvider[] = [];
  before(async () => {
    const clock = { ...systemClock, now: () => systemClock.now() + ahead_ms };
    const change = (ports: Ports): Ports => ({ ...ports, clock, auth: { ...ports.auth, providers } });
    service = await startService({ change });
    const redirect_url = `${service.url}/auth/callback/corp`;
    provider = await startOpenIdProvider([redirect_url]);
    const { issuer, client_id, client_secret } = provider;
    const named = { name: 'corp', label: 'Corp', scopes: ['openid'], ca: undefined };
    providers.push(createOidcProvider({ ...named, issuer, client_id, client_secret, redirect_url }, systemClock));
    const document = PolicyDocument.parse({
      version: 'test-1',
      people: {
        claims: [
          { claim: 'groups', value: 'soc', roles: ['analyst', 'viewer'] },
          { claim: 'groups', value: 'countersigners', roles: ['approver'] },
          { claim: 'email', value: 'boss@example.com', roles: ['admin'] },
        ],
        named: [{ principal: { issuer, subject: 'named' }, roles: ['viewer'] }],
      },
    });
    Object.assign(service.ports.control.state, { policy: { document } });
    provider.claims.set('alice', { groups: ['soc', 'countersigners'], name: 'Alice', email: 'alice@example.com' });
    provider.claims.set('bob', { groups: ['soc'] });
    provider.claims.set('mallory', { groups: ['sales'], email: 'boss@example.com' });
  });
  after(async () => {
    await provider.close();
    await service.close();
  });
  beforeEach(() => {
    browser = createBrowser();
    ahead_ms = 0;
  });

  const state = () => service.ports.control.state;
  const atPages = (url: URL): boolean => url.origin === service.url && !url.pathname.startsWith('/auth/');
  const atCallback = (url: URL): boolean => url.pathname.startsWith('/auth/callback/');

  /** Types a name into the provider's own page. */
  const signInThere = (page: Page, name: string, stop = atPages): Promise<Page> => {
    const action = /action="([^"]+)"/.exec(page.body)?.[1];
    assert.ok(action !== undefined, `${page.url} asks nobody to sign in`);
    return browser.open(new URL(action, page.url).href, {
      form: { prompt: 'login', login: name, password: 'any' },
      stop,
    });
  };
  const signIn = async (name: string, stop = atPages): Promise<Page> => {
    const page = await browser.open(`${service.url}/auth/oidc/corp?return_to=/containments`, { stop: atPages });
    return page.url.origin === provider.issuer ? signInThere(page, name, stop) : page;
  };
  const me = async (): Promise<{ principal: { issuer: string; subject: string }; roles: Role[]; csrf: string }> => {
    const page = await browser.open(`${service.url}/auth/session`);
    assert.equal(page.status, 200, page.body);
    return JSON.parse(page.body);
  };

  test('sign in by name and claims, with the roles that the policy gives them', async () => {
    const page = await signIn('alice');
    assert.equal(page.url.href, `${service.url}/containments`);
    const { principal, roles } = await me();
    assert.deepEqual(principal, { issuer: provider.issuer, subject: 'alice', human: true });
    assert.deepEqual(roles, ['viewer', 'analyst', 'approver']);
    browser = createBrowser();
    await signIn('named');
    assert.deepEqual((await me()).roles, ['viewer']);
  });

  test('have no part here without a role, and never one by an e-mail address', async () => {
    const page = await signIn('mallory');
    assert.equal(page.url.pathname + page.url.search, '/sign-in?problem=sign_in_no_role');
    assert.equal(browser.cookie(service.url, 'countersign'), undefined);
    assert.equal(
      [...state().principals.keys()].some((name) => name.includes('mallory')),
      false,
    );
  });

  test('lose a role in all sessions when the provider takes it away', async () => {
    await signIn('bob');
    const first = browser;
    assert.ok((await me()).roles.includes('analyst'));
    provider.claims.set('bob', { groups: ['countersigners'] });
    browser = createBrowser();
    await signIn('bob');
    assert.deepEqual((await me()).roles, ['approver']);
    browser = first;
    assert.deepEqual((await me()).roles, []);
    provider.claims.set('bob', { groups: ['soc'] });
  });

  test('come back once: the same answer a second time opens nothing', async () => {
    const back = await signIn('alice', atCallback);
    const carried = browser.cookie(service.url, 'countersign-oidc');
    const first = await browser.open(back.url.href, { stop: atPages });
    assert.equal(first.url.pathname, '/containments');
    const sessions = state().sessions.size;
    browser.setCookie(service.url, 'countersign-oidc', carried);
    const second = await browser.open(back.url.href, { stop: atPages });
    assert.equal(second.url.search, '?problem=round_trip_lost');
    assert.equal(state().sessions.size, sessions);
  });

  test('come back to the browser that they left from, and to no other', async () => {
    const back = await signIn('alice', atCallback);
    browser = createBrowser();
    const other = await browser.open(back.url.href, { stop: atPages });
    assert.equal(other.url.search, '?problem=round_trip_lost');
    assert.equal(browser.cookie(service.url, 'countersign'), undefined);
  });

  test('come back with what was asked: another state, another issuer or another error is no answer', async () => {
    for (const [name, value, problem] of [
      ['state', 'x'.repeat(43), 'round_trip_lost'],
      ['iss', 'https://evil.example', 'round_trip_lost'],
      ['code', 'made-up', 'round_trip_lost'],
    ] as const) {
      const back = await signIn('alice', atCallback);
      const url = new URL(back.url);
      url.searchParams.set(name, value);
      const page = await browser.open(url.href, { stop: atPages });
      assert.equal(page.url.search, `?problem=${problem}`, name);
      browser = createBrowser();
    }
    const left = await browser.open(`${service.url}/auth/oidc/corp`, { stop: (url) => url.origin === provider.issuer });
    const query = new URLSearchParams({
      error: 'access_denied',
      state: left.url.searchParams.get('state') ?? '',
      iss: provider.issuer,
    });
    const page = await browser.open(`${service.url}/auth/callback/corp?${query}`, { stop: atPages });
    assert.equal(page.url.search, '?problem=provider_refused');
  });

  test('are sent with state, nonce and a challenge, and an answer with another nonce or verifier is refused', async () => {
    const [corp] = providers;
    assert.ok(corp !== undefined);
    for (const wrong of [{ nonce: 'x'.repeat(43) }, { verifier: 'x'.repeat(43) }, { state: 'x'.repeat(43) }, {}]) {
      const begun = await corp.begin(TIES, { fresh: false });
      assert.ok(begun.ok);
      assert.equal(begun.url.searchParams.get('code_challenge_method'), 'S256');
      assert.equal(begun.url.searchParams.get('nonce'), TIES.nonce);
      browser = createBrowser();
      const back = await signInThere(await browser.open(begun.url.href), 'alice', atCallback);
      const finished = await corp.finish(back.url.search.slice(1), { ...TIES, ...wrong });
      assert.equal(finished.ok, Object.keys(wrong).length === 0, JSON.stringify(finished));
      if (!finished.ok) assert.equal(finished.reason, 'invalid');
    }
  });

  test('learn that the provider does not answer', async () => {
    const away = {
      name: 'away',
      label: 'Away',
      issuer: 'http://127.0.0.1:9',
      client_id: 'x',
      client_secret: undefined,
    };
    const settings = { ...away, redirect_url: `${service.url}/auth/callback/away`, scopes: ['openid'], ca: undefined };
    providers.push(createOidcProvider(settings, systemClock));
    const page = await browser.open(`${service.url}/auth/oidc/away`, { stop: atPages });
    assert.equal(page.url.search, '?problem=provider_unavailable');
    const none = await browser.open(`${service.url}/auth/oidc/none`, { stop: atPages });
    assert.equal(none.url.search, '?problem=provider_unknown');
  });

  describe('who vote', { concurrency: 1 }, () => {
    let vote: { containment: string; digest: string };
    before(async () => {
      await service.raise(plainAlert());
      const [found] = state().containments.values();
      assert.ok(found !== undefined);
      vote = { containment: found.id, digest: found.digest };
    });
    const atProvider = (url: URL): boolean => url.origin === provider.issuer && url.pathname === '/auth';
    const leave = async (): Promise<Page> => {
      const { csrf } = await me();
      return browser.open(`${service.url}/auth/step-up`, { form: { ...vote, csrf }, stop: atProvider });
    };

    test('authenticate anew at the provider, whatever session there is', async () => {
      await signIn('alice');
      const left = await leave();
      assert.equal(left.url.searchParams.get('max_age'), '0');
      assert.equal(left.url.searchParams.get('prompt'), 'login');
      const back = await signInThere(await browser.open(left.url.href), 'alice');
      assert.equal(back.url.href, `${service.url}/containments/${vote.containment}`);
      const found = [...state().stepUps.values()].find(({ principal }) => principal.subject === 'alice');
      assert.equal(found?.digest, vote.digest);
      assert.equal(found?.method, 'oidc');
      assert.ok(state().sessions.has(found?.credential ?? ''));
    });

    test('are not served by an authentication of before', async () => {
      await signIn('bob');
      ahead_ms = 60_000;
      const left = await leave();
      // A provider that does not honour what it is asked answers at once, from its own session.
      left.url.searchParams.delete('max_age');
      left.url.searchParams.delete('prompt');
      const back = await browser.open(left.url.href, { stop: atPages });
      assert.equal(back.url.search, '?problem=authentication_not_fresh');
      assert.equal(
        [...state().stepUps.values()].some(({ principal }) => principal.subject === 'bob'),
        false,
      );
    });

    test('are not served by the authentication of somebody else', async () => {
      await signIn('bob');
      browser.forget(provider.issuer);
      const left = await leave();
      const back = await signInThere(await browser.open(left.url.href), 'alice');
      assert.equal(back.url.search, '?problem=authentication_not_fresh');
      assert.equal((await me()).principal.subject, 'bob');
    });
  });
});

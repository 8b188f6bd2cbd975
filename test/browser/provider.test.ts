import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { PolicyDocument } from '../../schemas/policy.ts';
import { createOidcProvider, type OidcProvider } from '../../services/api/auth/oidc.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type Service, startService } from '../api/support/service.ts';
import { explainedAlert } from '../ocsf/alerts.ts';
import { launchBrowser, NO_BROWSER, pageFor, signInWith, vote } from '../support/browser.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.ts';

const UID = 'a'.repeat(32);

describe('people of a provider approve in a real browser', { concurrency: 1, skip: NO_BROWSER }, () => {
  let service: Service;
  let provider: OpenIdProvider;
  let browser: Browser;
  const providers: OidcProvider[] = [];

  before(async () => {
    service = await startService({ change: (ports) => ({ ...ports, auth: { ...ports.auth, providers } }) });
    const redirect_url = `${service.url}/auth/callback/corp`;
    provider = await startOpenIdProvider([redirect_url]);
    const { issuer, client_id, client_secret } = provider;
    const named = { name: 'corp', label: 'Example Login', scopes: ['openid'], ca: undefined };
    providers.push(createOidcProvider({ ...named, issuer, client_id, client_secret, redirect_url }, systemClock));
    const claims = [{ claim: 'groups', value: 'countersigners', roles: ['approver'] }];
    const document = PolicyDocument.parse({ version: 'two', defaults: { approvals: 2 }, people: { claims } });
    const [key] = [...service.ports.control.state.keys.values()].filter((one) => one.key.principal.subject === 'admin');
    const done = await service.ports.commands.ask({
      type: 'policy_set',
      policy: document,
      reason: 'two approve',
      id: 'policy-of-the-test',
      by: { issuer: 'local', subject: 'admin' },
      credential: key?.key.id,
      time: systemClock.now(),
    });
    assert.equal(done.kind, 'done', JSON.stringify(done));
    for (const name of ['ada', 'grace']) provider.claims.set(name, { groups: ['countersigners'] });
    await service.raise(explainedAlert({ uid: UID }));
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await provider?.close();
    await service?.close();
  });

  /** Types a name into the provider's own page. */
  const as = (name: string) => async (page: Page) => {
    await page.waitForURL(`${provider.issuer}/**`);
    await page.locator('input[name=login]').fill(name);
    await page.locator('input[name=password]').fill('any');
    await page.locator('button[type=submit]').click();
  };

  test('two of them, each proving anew who they are, carry it out', async () => {
    const [id = ''] = service.ports.control.state.byAlert.get(UID) ?? [];
    const now = () => service.ports.control.state.containments.get(id);
    for (const name of ['ada', 'grace']) {
      const page = await pageFor(browser, { url: service.url });
      const refused: string[] = [];
      page.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) refused.push(message.text());
      });
      await signInWith(page, 'Example Login', as(name));
      await vote(page, { containment: id, decision: 'approve', comment: name, prove: { atProvider: as(name) } });
      assert.ok((await page.getByText(`Approved by ${name}`).count()) > 0);
      assert.deepEqual(refused, [], 'the policy of the page lets the form reach the provider');
      await page.context().close();
      if (name === 'ada') assert.equal(now()?.state, 'pending');
    }
    assert.deepEqual(
      now()?.votes.map(({ by, fresh, comment }) => [by.issuer, by.subject, fresh?.method, comment]),
      [
        [provider.issuer, 'ada', 'oidc', 'ada'],
        [provider.issuer, 'grace', 'oidc', 'grace'],
      ],
    );
    assert.notEqual(now()?.state, 'pending');
  });

  test('who authenticates as somebody else votes for nobody', async () => {
    await service.raise(
      explainedAlert({ uid: 'b'.repeat(32), identity: { ...explainedAlert().identity, id: 'other' } }),
    );
    const [id = ''] = service.ports.control.state.byAlert.get('b'.repeat(32)) ?? [];
    const page = await pageFor(browser, { url: service.url });
    await signInWith(page, 'Example Login', as('ada'));
    await page.goto(`/containments/${id}`);
    await page.getByRole('button', { name: /^Sign in anew at / }).click();
    await as('grace')(page);
    await page.getByText('authentication_not_fresh').waitFor();
    assert.equal(service.ports.control.state.containments.get(id)?.votes.length, 0);
    await page.context().close();
  });
});

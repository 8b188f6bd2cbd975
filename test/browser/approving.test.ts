import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Alert } from '../../schemas/alert.ts';
import { hostileAlert, VERY_LONG } from '../api/pages/samples.ts';
import { linkFor, PASSWORD } from '../api/support/people.ts';
import { type Service, type Subject, startService } from '../api/support/service.ts';
import { explainedAlert } from '../ocsf/alerts.ts';
import { launchBrowser, NO_BROWSER, openLink, pageFor, signIn, vote, WIDTHS } from '../support/browser.ts';
import { flawsOf } from './legible.ts';

/** Of the console; advice of the browser on how to write pages is not among it. */
const TOLD: readonly string[] = ['error', 'warning'];

describe('approving in a real browser', { concurrency: 1, skip: NO_BROWSER }, () => {
  let service: Service;
  let browser: Browser;
  let alerts = 0;
  /** What browsers said of our pages: errors, refused loads, dialogs. Nothing is good. */
  const complaints: string[] = [];

  before(async () => {
    service = await startService();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await service?.close();
  });

  const open = async (options: { readonly width?: number; readonly dark?: boolean } = {}): Promise<Page> => {
    const page = await pageFor(browser, { url: service.url, ...options });
    page.on('console', (message) => {
      if (TOLD.includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(service.url)) complaints.push(`left: ${request.url()}`);
    });
    return page;
  };
  const quiet = (): void => assert.deepEqual(complaints.splice(0), []);
  const raise = async (alert: Alert): Promise<string> => {
    alerts++;
    const uid = alerts.toString(16).padStart(32, '0');
    await service.raise({ ...alert, uid });
    return service.ports.control.state.byAlert.get(uid)?.[0] ?? '';
  };
  const plain = (): Promise<string> =>
    raise(explainedAlert({ identity: { ...explainedAlert().identity, id: `agent-${alerts}` } }));
  const enter = async (page: Page, subject: Subject): Promise<void> =>
    openLink(page, { token: await linkFor(service, subject), password: PASSWORD });
  const legible = async (page: Page): Promise<void> => assert.deepEqual(await flawsOf(page), [], page.url());

  for (const width of WIDTHS) {
    test(`an approver opens a link, reads and approves, at ${width} pixels`, async () => {
      const id = await plain();
      const page = await open({ width });
      await page.goto(`/sign-in/link#${await linkFor(service, 'approver')}`);
      assert.equal(new URL(page.url()).hash, '', 'the token leaves the address bar');
      assert.equal(await page.getByLabel('Code of your link').isVisible(), false);
      await legible(page);
      await page.getByLabel('New password').fill(PASSWORD);
      await page.getByLabel('The same again').fill(`${PASSWORD} not`);
      await page.getByRole('button').click();
      assert.equal(new URL(page.url()).pathname, '/sign-in/link', 'two different passwords are not sent');
      await page.getByLabel('The same again').fill(PASSWORD);
      await page.getByRole('button').click();
      await page.waitForURL('**/containments');
      await legible(page);
      await page
        .getByRole('link', { name: /mail\.send/ })
        .first()
        .click();
      await page.goto(`/containments/${id}`);
      await legible(page);
      await vote(page, { containment: id, decision: 'approve', comment: 'seen', prove: { password: PASSWORD } });
      await legible(page);
      const votes = service.ports.control.state.containments.get(id)?.votes;
      assert.deepEqual(
        votes?.map(({ by, decision, comment }) => [by.subject, decision, comment]),
        [['approver', 'approve', 'seen']],
      );
      assert.ok((await page.getByText('Approved by approver').count()) > 0);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL('**/signed-out');
      await legible(page);
      await page.goto(`/containments/${id}`);
      assert.equal(new URL(page.url()).pathname, '/sign-in');
      await legible(page);
      await page.context().close();
      quiet();
    });
  }

  test('a wrong password proves nothing, and the page says so', async () => {
    const id = await plain();
    const page = await open();
    await signIn(page, { name: 'approver', password: PASSWORD });
    await page.goto(`/containments/${id}`);
    await page.getByLabel('Your password').fill('not the password at all');
    await page.getByRole('button', { name: 'Prove that it is me' }).click();
    await page.waitForURL('**problem=sign_in_refused');
    assert.ok(await page.getByRole('alert').isVisible());
    assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);
    await vote(page, { containment: id, decision: 'deny', prove: { password: PASSWORD } });
    assert.equal(service.ports.control.state.containments.get(id)?.state, 'denied');
    await page.context().close();
    quiet();
  });

  test('nothing that an agent writes runs, leaves or stands out, in light and in dark', async () => {
    const ids = [await raise(hostileAlert()), await raise(hostileAlert(VERY_LONG.slice(0, 900)))];
    for (const dark of [false, true]) {
      for (const width of WIDTHS) {
        const page = await open({ width, dark });
        await signIn(page, { name: 'approver', password: PASSWORD });
        for (const path of ['/containments', ...ids.map((id) => `/containments/${id}`)]) {
          await page.goto(path);
          await legible(page);
        }
        await page.context().close();
      }
    }
    quiet();
  });

  test('everything is reached by keyboard, the decision first', async () => {
    const id = await plain();
    const page = await open();
    await signIn(page, { name: 'approver', password: PASSWORD });
    await page.goto(`/containments/${id}`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the decision');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.id'), 'step-up-password');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/containments/${id}`);
    await page.getByLabel('Comment').focus();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Approve');
    assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid');
    await page.keyboard.press('Enter');
    await page.getByText('Approved by approver').first().waitFor();
    await page.context().close();
    quiet();
  });

  test('an analyst asks for a containment of an alert, and cannot approve it', async () => {
    await plain();
    const uid = alerts.toString(16).padStart(32, '0');
    const page = await open({ width: WIDTHS[0] });
    await enter(page, 'root');
    await page.goto(`/containments/new?alert=${uid}`);
    await legible(page);
    await page.getByLabel('Action').selectOption('revoke_credential');
    await page.getByLabel('Target').fill('key-7c1d');
    await page.getByLabel('Why', { exact: true }).fill('The key was stolen.');
    await page.getByRole('button', { name: 'Ask for it' }).click();
    await page.waitForURL(/\/containments\/[0-9a-f]{32}$/);
    assert.ok(await page.getByText('You asked for this').isVisible());
    await page.getByText('Change what is asked').click();
    await page.getByText('Cancel it', { exact: true }).click();
    await legible(page);
    await page.getByRole('button', { name: 'Cancel this containment' }).click();
    await page.getByText('it was withdrawn').waitFor();
    await page.context().close();
    quiet();
  });

  test('a form of another site changes nothing', async () => {
    const id = await plain();
    const page = await open();
    await signIn(page, { name: 'approver', password: PASSWORD });
    const { digest = '' } = service.ports.control.state.containments.get(id) ?? {};
    const form = `<form method="post" action="${service.url}/containments/${id}/deny">
      <input name="digest" value="${digest}"><input name="once" value="${'0'.repeat(32)}"><button>win</button></form>`;
    // Another port of the same machine is the same site to a browser: the cookie comes along, and only we can refuse.
    const elsewhere = createServer((_, response) => response.setHeader('content-type', 'text/html').end(form));
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    await page.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`);
    await page.getByRole('button').click();
    await page.getByText('csrf_refused').waitFor();
    elsewhere.closeAllConnections();
    elsewhere.close();
    assert.equal(service.ports.control.state.containments.get(id)?.votes.length, 0);
    await page.context().close();
    complaints.length = 0;
  });
});

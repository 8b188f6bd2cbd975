import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** A real browser for tests of pages. Where there is none, such tests are skipped, and say so. */

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
] as const;

const chosen = process.env.COUNTERSIGN_TEST_CHROMIUM;
const executablePath = chosen ?? USUAL_PLACES.find((path) => existsSync(path));

/** For `describe`'s option `skip`: false where there is a browser. */
export const NO_BROWSER: string | false =
  executablePath === undefined && 'needs Chromium: install it, or name it in COUNTERSIGN_TEST_CHROMIUM';

/** A phone held upright, and a small desktop. */
export const WIDTHS = [360, 1280] as const;

/** Starts Chromium without a window. Whoever starts it closes it. */
export async function launchBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(String(NO_BROWSER));
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb'];
  return chromium.launch({ executablePath, headless: true, args });
}

export type Person = { readonly name: string; readonly password: string };

export type PageOptions = { readonly url: string; readonly width?: number; readonly dark?: boolean };

/** A page of a browser of one's own: nothing is shared with other people. Certificates of tests are accepted. */
export async function pageFor(browser: Browser, options: PageOptions): Promise<Page> {
  const { url, width = WIDTHS[1], dark = false } = options;
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height: 900 },
    ignoreHTTPSErrors: true,
    colorScheme: dark ? 'dark' : 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(20_000);
  return context.newPage();
}

/** Opens a one-time link, chooses the password, and is signed in. `token` is what stands behind the `#`. */
export async function openLink(
  page: Page,
  { token, password }: { readonly token: string; readonly password: string },
): Promise<void> {
  await page.goto(`/sign-in/link#${token}`);
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('The same again').fill(password);
  await page.getByRole('button', { name: 'Set the password and sign in' }).click();
  await page.waitForURL('**/containments');
}

/** Signs a local person in, on whatever page of ours leads to the sign-in. */
export async function signIn(page: Page, { name, password }: Person): Promise<void> {
  await page.goto('/containments');
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/containments');
}

/** Goes to a provider from our sign-in; what happens there is the caller's. */
export async function signInWith(page: Page, label: string, atProvider: (page: Page) => Promise<void>): Promise<void> {
  await page.goto('/containments');
  await page.getByRole('link', { name: `Sign in with ${label}` }).click();
  await atProvider(page);
  await page.waitForURL('**/containments');
}

export type BrowserVote = {
  readonly containment: string;
  readonly decision: 'approve' | 'deny';
  readonly comment?: string;
  /** How the person proves anew that it is them: a local password, or whatever their provider asks for. */
  readonly prove: { readonly password: string } | { readonly atProvider: (page: Page) => Promise<void> };
};

/** Votes as a person does: opens the page, proves anew who they are, decides. Resolves with the page as it is afterwards. */
export async function vote(page: Page, { containment, decision, comment, prove }: BrowserVote): Promise<void> {
  const path = `/containments/${containment}`;
  await page.goto(path);
  if ('password' in prove) {
    await page.getByLabel('Your password').fill(prove.password);
    await page.getByRole('button', { name: 'Prove that it is me' }).click();
  } else {
    await page.getByRole('button', { name: /^Sign in anew at / }).click();
    await prove.atProvider(page);
  }
  await page.waitForURL(`**${path}`);
  if (comment !== undefined) await page.getByLabel('Comment').fill(comment);
  const name = decision === 'approve' ? 'Approve' : 'Deny';
  await page.getByRole('button', { name, exact: true }).click();
  await page.waitForFunction((at) => location.pathname === at, path);
  await page.waitForLoadState('load');
}

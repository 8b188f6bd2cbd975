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

/** A page of a browser of one's own: nothing is shared with other people. Certificates of tests are accepted. */
export async function pageFor(
  browser: Browser,
  options: { readonly url: string; readonly width?: number },
): Promise<Page> {
  const { url, width = WIDTHS[1] } = options;
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height: 900 },
    ignoreHTTPSErrors: true,
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(20_000);
  return context.newPage();
}

import assert from 'node:assert/strict';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { LOCAL_ISSUER } from '../../../schemas/principal.ts';
import { mintLink } from '../../../services/control/tokens.ts';
import type { Service, Subject } from './service.ts';

/** Local people of a test's service, with a browser's cookie or on their way to one. */

export const PASSWORD = 'seven green umbrellas walk';

/** A one-time link of a person, as an administrator makes it: what stands behind the `#`. */
export async function linkFor({ ports }: Service, subject: Subject): Promise<string> {
  const { clock, randomBytes, commands, control } = ports;
  const { link, token } = mintLink({ issuer: LOCAL_ISSUER, subject }, { randomBytes, now: clock.now() });
  const key = [...control.state.keys.values()].find((one) => one.key.principal.subject === 'admin');
  const done = await commands.ask({
    type: 'link_create',
    link,
    id: `link-${link.id}`,
    by: { issuer: LOCAL_ISSUER, subject: 'admin' },
    credential: key?.key.id,
    time: clock.now(),
  });
  assert.equal(done.kind, 'done', JSON.stringify(done));
  return token;
}

/** Somebody signed in, as their browser acts for them. */
export type SignedIn = {
  readonly csrf: string;
  get(url: string): Promise<LightMyRequestResponse>;
  /** Sends a form as a page of ours does; `headers` may say otherwise. */
  post(
    url: string,
    form: Readonly<Record<string, string>>,
    headers?: InjectOptions['headers'],
  ): Promise<LightMyRequestResponse>;
};

export async function signedIn(service: Service, subject: Subject): Promise<SignedIn> {
  const { app } = service;
  const payload = { token: await linkFor(service, subject), password: PASSWORD };
  const answer = await app.inject({ method: 'POST', url: '/auth/link', payload });
  assert.equal(answer.statusCode, 200, answer.body);
  const cookie = answer.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const { csrf } = answer.json<{ csrf: string }>();
  const browser = { cookie, accept: 'text/html,application/xhtml+xml' };
  return {
    csrf,
    get: (url) => app.inject({ url, headers: browser }),
    post: (url, form, headers = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: {
          ...browser,
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
          ...headers,
        },
        payload: new URLSearchParams({ csrf, ...form }).toString(),
      }),
  };
}

/** What a form of a page would send, by its action: hidden fields with their values. */
export function formOf(page: string, action: string): Record<string, string> {
  const form = [...page.matchAll(/<form [\s\S]*?<\/form>/g)]
    .map(([found]) => found)
    .find((one) => one.includes(`"${action}"`));
  assert.ok(form !== undefined, `the page has no form for ${action}`);
  const fields = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]));
}

import assert from 'node:assert/strict';

/** What there is of a browser without its screen: cookies by origin, forms, and redirects that are followed one by one. */
export type Browser = {
  /** Follows redirects until `stop` says so, or until there is a page. */
  open(url: string, options?: Following & { readonly form?: Record<string, string> }): Promise<Page>;
  /** Value of a cookie at an origin. */
  cookie(origin: string, name: string): string | undefined;
  setCookie(origin: string, name: string, value: string | undefined): void;
  /** Drops all cookies of an origin. */
  forget(origin: string): void;
};
type Following = { readonly stop?: (url: URL) => boolean };
export type Page = {
  /** Where it led, or where it would lead next when it was stopped. */
  readonly url: URL;
  readonly status: number;
  readonly body: string;
  /** All addresses on the way, the first one too. */
  readonly way: readonly string[];
};

const HOPS_MAX = 12;

export function createBrowser(): Browser {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (origin: string): Map<string, string> => {
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    return jar;
  };
  const ask = async (url: URL, form: Record<string, string> | undefined): Promise<Response> => {
    const jar = jarOf(url.origin);
    const headers: Record<string, string> = {
      cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(form !== undefined && { origin: url.origin }),
    };
    const response = await fetch(url, {
      redirect: 'manual',
      headers,
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) keep(jar, line);
    return response;
  };
  return {
    async open(start, { form, stop = () => false } = {}) {
      let url = new URL(start);
      let sent = form;
      const way: string[] = [];
      for (let hop = 0; hop < HOPS_MAX; hop++) {
        way.push(url.href);
        const response = await ask(url, sent);
        const location = response.headers.get('location');
        if (location === null) return { url, status: response.status, body: await response.text(), way };
        await response.body?.cancel();
        assert.ok([302, 303].includes(response.status), `${response.status} is no redirect of ours`);
        url = new URL(location, url);
        sent = undefined;
        if (stop(url)) return { url, status: response.status, body: '', way };
      }
      throw new Error(`more than ${HOPS_MAX} redirects: ${way.join(' ')}`);
    },
    cookie: (origin, name) => jars.get(origin)?.get(name),
    forget: (origin) => jars.delete(origin),
    setCookie(origin, name, value) {
      if (value === undefined) jarOf(origin).delete(name);
      else jarOf(origin).set(name, value);
    },
  };
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';');
  const at = pair.indexOf('=');
  const name = pair.slice(0, at).trim();
  const value = pair.slice(at + 1).trim();
  const gone = attributes.some((one) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(one));
  if (gone || value === '') jar.delete(name);
  else jar.set(name, value);
}

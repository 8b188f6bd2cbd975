import { type Resolve, send } from './send.ts';
import type { TargetPolicy } from './target.ts';

export type SafeFetchOptions = {
  readonly policy: TargetPolicy;
  readonly timeout_ms: number;
  /** A longer answer is an error. */
  readonly body_bytes_max: number;
  readonly ca?: string;
  /** Absent: the system's. */
  readonly resolve?: Resolve;
};

/** Answers that carry no body (RFC 9110, section 6.4.1): a Response refuses to be made with one. */
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const METHODS = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD'] as const;

/**
 * `fetch` over the guarded client, for libraries that ask for one (`customFetch` of openid-client). A redirect is an answer
 * like any other and never followed. Rejects with a TypeError, as fetch does, when there is no answer or too much of it.
 */
export function safeFetch(options: SafeFetchOptions): typeof fetch {
  const { policy, timeout_ms, body_bytes_max, ca, resolve } = options;
  return async (input, init) => {
    const request = new Request(input, init);
    const method = METHODS.find((known) => known === request.method);
    if (method === undefined) throw new TypeError(`${request.method} cannot be sent`);
    const sent = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    const answer = await send(
      {
        method,
        url: new URL(request.url),
        headers: Object.fromEntries(request.headers),
        ...(sent !== undefined && { body: sent }),
        policy,
        timeout_ms,
        body_bytes_max,
        signal: request.signal,
        ...(ca !== undefined && { ca }),
      },
      resolve,
    );
    if (answer.kind === 'failed') throw new TypeError(`fetch failed: ${answer.reason} (${answer.code})`);
    const { status, headers, body, cut } = answer;
    if (cut) throw new TypeError('fetch failed: the answer is too long or breaks off');
    if (status < 200 || status > 599) throw new TypeError(`fetch failed: status ${status}`);
    return new Response(NO_BODY.has(status) ? null : new Uint8Array(body), { status, headers });
  };
}

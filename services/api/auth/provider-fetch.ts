import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CustomFetch } from 'openid-client';
import { LIMITS } from '../../../schemas/limits.ts';

/** Statuses whose answers have no body (Fetch, section 2.2.3). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** Asks a provider: with its own certificate authority, no redirect followed, every answer bounded in bytes and time. */
export function providerFetch({ ca }: { readonly ca: string | undefined }): CustomFetch {
  return (url, { body, headers, method, signal }) =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
      const limits = AbortSignal.timeout(LIMITS.oidc_timeout_ms);
      const options = { method, headers, signal: signal === undefined ? limits : AbortSignal.any([signal, limits]) };
      const request = send(target, { ...options, ...(ca === undefined ? {} : { ca }) }, (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > LIMITS.oidc_answer_bytes_max) request.destroy(new Error(`${target.host} answered too much`));
          else parts.push(part);
        });
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 502;
          const held = WITHOUT_BODY.has(status) ? null : Buffer.concat(parts);
          resolve(new Response(held, { status, headers: flat(response.headers) }));
        });
      });
      request.on('error', reject);
      request.end(textOf(body));
    });
}

function flat(headers: Readonly<Record<string, string | readonly string[] | undefined>>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')] as [string, string]],
  );
}

/** What the library sends are forms. */
function textOf(body: Parameters<CustomFetch>[1]['body']): string | undefined {
  if (body === null || body === undefined) return undefined;
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new Error('a provider is only ever sent forms');
}

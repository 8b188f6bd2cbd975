import { type LookupAddress, lookup } from 'node:dns';
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { isLoopback } from './config.ts';

/**
 * One POST to a receiver that somebody has configured: no redirect is followed, every byte of the answer is bounded,
 * and the address is checked when the name is resolved, so a name cannot point to what its policy does not permit
 * (OWASP Server-Side Request Forgery Prevention).
 */

export type TargetPolicy = {
  /** Permits receivers at private addresses, there also in the clear. Loopback by name is always permitted. */
  readonly allow_private_networks: boolean;
};

export type PostRequest = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly policy: TargetPolicy;
  /** From the call to the end of the answer's headers and as much of its body as is kept. */
  readonly timeout_ms: number;
  /** Bytes of the body that are read when the status is not 2xx. */
  readonly excerpt_bytes_max: number;
  readonly signal: AbortSignal;
};

export type PostAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retry_after: string | undefined;
      /** Beginning of the body when the status is not 2xx, control characters replaced. Hostile text all the same. */
      readonly excerpt: string;
    }
  /** `code` is the error's own (`ECONNREFUSED`, `CERT_HAS_EXPIRED`); for people, not for decisions. */
  | {
      readonly kind: 'failed';
      readonly reason: 'timeout' | 'unreachable' | 'forbidden' | 'aborted';
      readonly code: string;
    };

type AddressKind = 'public' | 'private' | 'loopback' | 'never';

const NEVER = blockList([
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]);
const PRIVATE = blockList([
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['fc00::', 7, 'ipv6'],
]);
const LOOPBACK = blockList([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
]);

/** The URL, or a sentence that says what is wrong with it and what to do. Names are looked at again when resolved. */
export function checkTarget(text: string, policy: TargetPolicy): URL | string {
  const url = URL.parse(text);
  if (url === null) return 'the URL cannot be read; write https://host/path';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${url.protocol} cannot be sent to; use https`;
  if (url.username !== '' || url.password !== '')
    return 'the URL carries credentials; take them out, messages are signed';
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !policy.allow_private_networks) {
    return 'http is refused beyond this machine; use https, or permit private networks';
  }
  const address = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) === 0 || permitted(url, address, policy)) return url;
  return `the address ${address} is not permitted; use a public https address, or permit private networks`;
}

/** Sends once. Never rejects; the answer says what happened. Throws only for a header that HTTP cannot carry. */
export async function post(message: PostRequest): Promise<PostAnswer> {
  const timeout = AbortSignal.timeout(message.timeout_ms);
  const signal = AbortSignal.any([message.signal, timeout]);
  if (message.signal.aborted) return { kind: 'failed', reason: 'aborted', code: 'ABORT_ERR' };
  const sent = open(message, signal);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.end(message.body);
    });
    const status = response.statusCode ?? 0;
    const good = status >= 200 && status < 300;
    const excerpt = good ? '' : await beginningOf(response, message.excerpt_bytes_max);
    return { kind: 'answered', status, retry_after: response.headers['retry-after'], excerpt };
  } catch (error) {
    return failureOf(error, { stopped: message.signal.aborted, late: timeout.aborted });
  } finally {
    // An answer's status decides; what may follow is not waited for, and errors of what is cut off concern nobody.
    sent.on('error', () => {});
    sent.destroy();
  }
}

function open(message: PostRequest, signal: AbortSignal): ClientRequest {
  const { url, policy } = message;
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...message.headers, 'content-length': Buffer.byteLength(message.body) },
    agent: false,
    signal,
    lookup: guardedLookup(url, policy),
  };
  return url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
}

class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
  readonly code = 'ADDRESS_FORBIDDEN';
}

/** Resolves a name and refuses it when any of its addresses is not permitted. */
function guardedLookup(url: URL, policy: TargetPolicy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, '');
      const forbidden = addresses.find(({ address }) => !permitted(url, address, policy));
      const [first] = addresses;
      if (forbidden !== undefined || first === undefined) {
        return callback(new ForbiddenAddress(`${hostname} resolves to ${forbidden?.address ?? 'nothing'}`), '');
      }
      if (options.all === true) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };
}

function permitted(url: URL, address: string, policy: TargetPolicy): boolean {
  switch (kindOf(address)) {
    case 'never':
      return false;
    case 'loopback':
      return policy.allow_private_networks || isLoopback(url.hostname);
    case 'private':
      return policy.allow_private_networks;
    case 'public':
      return url.protocol === 'https:';
  }
}

function kindOf(address: string): AddressKind {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (NEVER.check(address, family)) return 'never';
  if (LOOPBACK.check(address, family)) return 'loopback';
  return PRIVATE.check(address, family) ? 'private' : 'public';
}

function blockList(subnets: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix, family] of subnets) list.addSubnet(net, prefix, family);
  return list;
}

async function beginningOf(response: IncomingMessage, bytes_max: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length >= bytes_max) break;
    }
  } catch {
    // Cut off or out of time: what came is shown, the status is known.
  }
  const text = Buffer.concat(parts).subarray(0, bytes_max).toString('utf8');
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
}

function failureOf(error: unknown, of: { readonly stopped: boolean; readonly late: boolean }): PostAnswer {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
  if (of.stopped) return { kind: 'failed', reason: 'aborted', code };
  if (of.late) return { kind: 'failed', reason: 'timeout', code: 'TIMEOUT' };
  return { kind: 'failed', reason: error instanceof ForbiddenAddress ? 'forbidden' : 'unreachable', code };
}

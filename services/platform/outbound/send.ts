import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { checkTarget, isPermitted, type TargetPolicy } from './target.ts';

/**
 * The one way in which anything leaves Countersign over HTTP: no redirect is followed, every byte of the answer is bounded,
 * time is bounded, and the address is checked when the name is resolved and is the one that is connected to, so a name can
 * not point to what its policy does not permit, nor to something else the second time (OWASP Server-Side Request Forgery
 * Prevention).
 */
export type OutboundRequest = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly policy: TargetPolicy;
  /** From the call to the end of the answer's headers and as much of its body as is kept. */
  readonly timeout_ms: number;
  /** Bytes of the answer's body that are read. More than that is cut, and said. */
  readonly body_bytes_max: number;
  readonly signal: AbortSignal;
  /** False: the body of a 2xx answer is neither waited for nor read, as its status says it all. Default: it is read. */
  readonly reads_success?: boolean;
  /** Authorities in PEM that vouch for the receiver, in place of those that Node.js knows. */
  readonly ca?: string;
};

export type OutboundAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Names in lower case. Hostile text, as all that follows. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
      /** There was more of it, or it broke off. */
      readonly cut: boolean;
    }
  /** `code` is the error's own (`ECONNREFUSED`, `CERT_HAS_EXPIRED`); for people, not for decisions. */
  | {
      readonly kind: 'failed';
      readonly reason: 'timeout' | 'unreachable' | 'forbidden' | 'aborted';
      readonly code: string;
      /** False when no byte of the request can have reached the receiver. */
      readonly sent: boolean;
    };

/** `node:dns`'s lookup, or what a test puts in its place. */
export type Resolve = (
  host: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const resolveBySystem: Resolve = (host, callback) => systemLookup(host, { all: true }, callback);

/** Sends once. Never rejects; the answer says what happened. Throws only for a header that HTTP cannot carry. */
export async function send(message: OutboundRequest, resolve: Resolve = resolveBySystem): Promise<OutboundAnswer> {
  if (message.signal.aborted) return { kind: 'failed', reason: 'aborted', code: 'ABORT_ERR', sent: false };
  const target = checkTarget(message.url.href, message.policy);
  if (typeof target === 'string') return { kind: 'failed', reason: 'forbidden', code: 'TARGET_FORBIDDEN', sent: false };
  const timeout = AbortSignal.timeout(message.timeout_ms);
  const request = open(message, AbortSignal.any([message.signal, timeout]), resolve);
  const connected = connectionOf(request);
  try {
    const response = await new Promise<IncomingMessage>((done, failed) => {
      request.once('response', done);
      request.once('error', failed);
      request.end(message.body);
    });
    return await readAnswer(response, message);
  } catch (error) {
    const how = { stopped: message.signal.aborted, late: timeout.aborted, sent: connected() };
    return failureOf(error, how);
  } finally {
    // An answer's status decides; what may follow is not waited for, and errors of what is cut off concern nobody.
    request.on('error', () => {});
    request.destroy();
  }
}

function open(message: OutboundRequest, signal: AbortSignal, resolve: Resolve): ClientRequest {
  const { url, policy, body, ca } = message;
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const options: RequestOptions & { ca?: string } = {
    method: message.method,
    headers: { ...message.headers, ...length },
    // A connection of its own: none that was made under another policy is used again.
    agent: false,
    signal,
    lookup: guardedLookup(url, policy, resolve),
    ...(ca !== undefined && { ca }),
  };
  return url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
}

/** Tells whether the connection came about, TLS included: before that no byte of a request leaves. */
function connectionOf(request: ClientRequest): () => boolean {
  let connected = false;
  const note = (): void => {
    connected = true;
  };
  const ready = request.protocol === 'https:' ? 'secureConnect' : 'connect';
  request.once('socket', (socket) => socket.once(ready, note));
  return () => connected;
}

async function readAnswer(response: IncomingMessage, message: OutboundRequest): Promise<OutboundAnswer> {
  const status = response.statusCode ?? 0;
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : `${value}`,
    ]),
  );
  const skipped = message.reads_success === false && status >= 200 && status < 300;
  if (skipped) return { kind: 'answered', status, headers, body: Buffer.alloc(0), cut: true };
  return { kind: 'answered', status, headers, ...(await beginningOf(response, message.body_bytes_max)) };
}

/** As much of a body as is kept. One that breaks off or is late does not change the status, which is known. */
async function beginningOf(response: IncomingMessage, bytes_max: number): Promise<{ body: Buffer; cut: boolean }> {
  const parts: Buffer[] = [];
  let length = 0;
  let cut = false;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length > bytes_max) break;
    }
    cut = length > bytes_max;
  } catch {
    cut = true;
  }
  return { body: Buffer.concat(parts).subarray(0, bytes_max), cut };
}

class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
  readonly code = 'ADDRESS_FORBIDDEN';
}

/** Resolves a name and refuses it when any of its addresses is not permitted. */
function guardedLookup(url: URL, policy: TargetPolicy, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const forbidden = addresses.find(({ address }) => !isPermitted(url, address, policy));
      const [first] = addresses;
      if (forbidden !== undefined || first === undefined) {
        return callback(new ForbiddenAddress(`${hostname} resolves to ${forbidden?.address ?? 'nothing'}`), '');
      }
      if (options.all === true) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };
}

type How = { readonly stopped: boolean; readonly late: boolean; readonly sent: boolean };

function failureOf(error: unknown, { stopped, late, sent }: How): OutboundAnswer {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
  if (stopped) return { kind: 'failed', reason: 'aborted', code, sent };
  if (late) return { kind: 'failed', reason: 'timeout', code: 'TIMEOUT', sent };
  return { kind: 'failed', reason: error instanceof ForbiddenAddress ? 'forbidden' : 'unreachable', code, sent };
}

/** A body as text that can be shown: bounded, control characters replaced. Hostile text all the same. */
export function shownText(body: Buffer, chars_max: number): string {
  const text = body
    .toString('utf8')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
  return text.slice(0, chars_max).toWellFormed();
}

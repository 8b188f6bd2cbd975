import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import { decodeWebhookSecret, signWebhook } from '../../platform/standard-webhooks.ts';
import type { ExecutionRequest, ExecutionResult, Executor } from '../executor.ts';

export type WebhookExecutorOptions = {
  readonly url: string;
  /** `whsec_` and base64 of 24 to 64 bytes. */
  readonly secret: string;
  readonly clock: Clock;
  /**
   * The receiver acts once per `webhook-id` and answers a repeat with what became of the first, as Standard Webhooks asks.
   * If it does not, an unclear answer is never followed by another attempt. Default: it does.
   */
  readonly deduplicates?: boolean;
  /** Permits `http:` to other than loopback addresses, where the signature alone protects the message. */
  readonly plaintext?: boolean;
};

type WebhookExecutorProblem = { readonly field: 'url' | 'secret'; readonly message: string };

export type WebhookExecutor =
  | { readonly kind: 'ready'; readonly executor: Executor }
  | { readonly kind: 'refused'; readonly problem: WebhookExecutorProblem };

/** Client errors that say "not now" rather than "no" (RFC 9110, RFC 8470, RFC 6585). */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Sends containments to a tool gateway as signed webhooks. */
export function createWebhookExecutor(options: WebhookExecutorOptions): WebhookExecutor {
  const { clock, deduplicates = true } = options;
  const key = decodeWebhookSecret(options.secret);
  if (key === undefined) return refused('secret', 'a signing secret is whsec_ and base64 of 24 to 64 bytes');
  const target = checkedUrl(options.url, options.plaintext === true);
  if (typeof target === 'string') return refused('url', target);

  const execute: Executor['execute'] = async (request, attempt, signal) => {
    const payload = payloadOf(request);
    const now_ms = clock.now();
    // The last thing before sending: whatever delayed this attempt, nothing leaves after the deadline.
    if (now_ms >= request.deadline) return tooLate(attempt);
    const headers = signWebhook({ id: request.idempotency_key, now_ms, payload, keys: [key] });
    return send(
      target,
      { ...headers, 'content-type': 'application/json', 'user-agent': 'countersign' },
      payload,
      signal,
    );
  };
  return {
    kind: 'ready',
    executor: {
      name: 'webhook',
      idempotent: deduplicates,
      canProbe: deduplicates,
      carriesOut: () => true,
      dryRun: (request) => `POST ${target.origin}${target.pathname} ${payloadOf(request)}`,
      execute,
    },
  };
}

function refused(field: WebhookExecutorProblem['field'], message: string): WebhookExecutor {
  return { kind: 'refused', problem: { field, message } };
}

/** The URL, or a sentence that says what is wrong with it. */
function checkedUrl(text: string, plaintext: boolean): URL | string {
  const url = URL.parse(text);
  if (url === null) return 'not a URL; write https://host/path';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${url.protocol} is not possible; use https`;
  if (url.username !== '' || url.password !== '') return 'credentials do not belong into the URL; messages are signed';
  if (url.protocol === 'http:' && !plaintext && !LOOPBACK.test(url.hostname)) {
    return 'http is refused beyond this machine; use https, or permit plaintext';
  }
  return url;
}

/** The same bytes in every attempt, in the shape that Standard Webhooks recommends. */
function payloadOf(request: ExecutionRequest): string {
  const { started, deadline, ...data } = request;
  return JSON.stringify({
    type: 'containment.execute',
    timestamp: new Date(started).toISOString(),
    data: { ...data, deadline: new Date(deadline).toISOString() },
  });
}

function tooLate(attempt: number): ExecutionResult {
  if (attempt === 1) return { kind: 'failed', detail: 'the deadline passed before anything was sent' };
  return { kind: 'unclear', detail: 'the deadline passed after an attempt without a clear answer' };
}

async function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<ExecutionResult> {
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    if (response.ok) {
      // Its status is the answer; a body that trickles must not turn done into unclear.
      await response.body?.cancel();
      return { kind: 'done', detail: `HTTP ${response.status}` };
    }
    const detail = `HTTP ${response.status} ${await excerpt(response)}`.trimEnd();
    if (response.status >= 500 || NOT_NOW.has(response.status)) return { kind: 'unclear', detail };
    return { kind: 'failed', detail };
  } catch (error) {
    return { kind: 'unclear', detail: `no answer: ${failureOf(error)}` };
  }
}

/** The beginning of a response. What follows is not read, and a body that breaks off does not change the status. */
async function excerpt(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of response.body ?? []) {
      parts.push(part);
      length += part.length;
      if (length >= LIMITS.executor_response_bytes_max) break;
    }
  } catch {
    // The status line has decided; the rest is for the reader only.
  }
  const text = Buffer.concat(parts).subarray(0, LIMITS.executor_response_bytes_max).toString('utf8');
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, LIMITS.executor_detail_chars_max / 2);
}

/** A stable word for what went wrong on the wire. */
function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const cause: unknown = error.cause;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error.name;
}

import { setTimeout as after } from 'node:timers/promises';
import type { z } from 'zod';
import { ErrorBody } from '../../schemas/api/shared.ts';
import { readEvents, type ServerSentEvent } from './event-source.ts';
import { EXIT, Problem } from './problem.ts';

/** The longest a request may take: a command waits ten seconds for the responder. */
const TIMEOUT_MS = 30_000;
const ATTEMPTS_MAX = 3;
const RETRY_AFTER_S_MAX = 10;

export type Query = Readonly<Record<string, string | number | undefined>>;
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** The API of a running service. Every refusal and every failure to reach it is thrown as a Problem. */
export type Client = {
  readonly url: string;
  get<S extends z.ZodType>(path: string, answer: S, query?: Query): Promise<z.output<S>>;
  send<S extends z.ZodType>(
    method: Exclude<Method, 'GET'>,
    path: string,
    answer: S,
    body?: unknown,
  ): Promise<z.output<S>>;
  /** Server-sent events until the signal aborts or the service ends them. */
  stream(path: string, query: Query, signal: AbortSignal, last_id?: string): AsyncGenerator<ServerSentEvent>;
};

export type ClientOptions = { readonly url: string; readonly key: string | undefined };

/** Path with each part escaped: ids are of other people's choosing. */
export function at(...parts: readonly string[]): string {
  return `/v1/${parts.map(encodeURIComponent).join('/')}`;
}

export function createClient({ url, key }: ClientOptions): Client {
  const ask = async (method: Method, path: string, init: RequestInit & { query?: Query }): Promise<Response> => {
    const { query = {}, ...rest } = init;
    const target = new URL(`${url}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    const identity = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const headers = { accept: 'application/json', ...rest.headers, ...identity };
    for (let attempt = 1; ; attempt++) {
      const response = await reach(url, () => fetch(target, { ...rest, method, headers, redirect: 'manual' }));
      const wait_s = Number(response.headers.get('retry-after') ?? Number.NaN);
      const passing = response.status === 503 && method === 'GET' && attempt < ATTEMPTS_MAX;
      if (!passing || !(wait_s <= RETRY_AFTER_S_MAX)) return response;
      await response.body?.cancel();
      await after(wait_s * 1000);
    }
  };

  const answerTo = async <S extends z.ZodType>(response: Response, shape: S): Promise<z.output<S>> => {
    const body = await reach(url, () => response.text());
    if (!response.ok) throw refusalOf(url, response.status, body);
    const parsed = shape.safeParse(json(body));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw notOurs(url, `field ${issue?.path.join('.') || '(all)'}: ${issue?.message}`);
  };

  return {
    url,
    async get(path, answer, query = {}) {
      return answerTo(await ask('GET', path, { query, signal: AbortSignal.timeout(TIMEOUT_MS) }), answer);
    },
    async send(method, path, answer, body) {
      const content = body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_BODY };
      return answerTo(await ask(method, path, { ...content, signal: AbortSignal.timeout(TIMEOUT_MS) }), answer);
    },
    async *stream(path, query, signal, last_id) {
      const headers = {
        accept: 'text/event-stream',
        ...(last_id === undefined ? {} : { 'last-event-id': last_id }),
      };
      const response = await ask('GET', path, { query, signal, headers });
      if (!response.ok) throw refusalOf(url, response.status, await response.text());
      if (response.body === null) throw notOurs(url, 'an empty stream');
      yield* readEvents(response.body);
    },
  };
}

const JSON_BODY = { 'content-type': 'application/json' };

/** Whatever happens below HTTP means that the service cannot be reached. */
async function reach<T>(url: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    throw new Problem(
      'service_unreachable',
      `no answer from ${url} (${failureOf(error)})\n` +
        'Is the service running? `countersign up` starts it; --url or COUNTERSIGN_URL names another one.',
      EXIT.unreachable,
    );
  }
}

/** True for what passes by itself, so that a stream is worth opening again. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof Problem && error.exit === EXIT.unreachable;
}

function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error.name === 'TimeoutError' ? `nothing within ${TIMEOUT_MS / 1000} s` : error.message;
}

/** The API's own words and code. The service's trouble ends with 3, a refusal with 4. */
function refusalOf(url: string, status: number, body: string): Problem {
  const parsed = ErrorBody.safeParse(json(body));
  if (!parsed.success) return notOurs(url, `HTTP ${status}`);
  const { code, message, field, remedy } = parsed.data.error;
  const where = field === undefined ? '' : ` (${field})`;
  const what = remedy === undefined ? '' : `\n${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`;
  const exit = status === 503 ? EXIT.unreachable : status >= 500 ? EXIT.failed : EXIT.refused;
  return new Problem(code, `${message}${where} [${code}]${what}`, exit);
}

function notOurs(url: string, what: string): Problem {
  const message = `${url} answers, but not as this version of Countersign does: ${what}\nCheck --url and COUNTERSIGN_URL.`;
  return new Problem('answer_not_understood', message, EXIT.unreachable);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

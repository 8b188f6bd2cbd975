import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { TokenSourceConfig } from '../../../schemas/executor-config.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Frozen } from '../../platform/config.ts';
import { signWebhook } from '../../platform/standard-webhooks.ts';
import type { ExecutionRequest } from '../executor.ts';
import { type Asking, jsonObject } from './kit.ts';

/**
 * From a credential's id to its tokens. Telemetry knows ids only, so whoever issues or keeps tokens has to tell them. They
 * are held in memory for one attempt, and are in no record, no log line and no message.
 */
export type Token = { readonly token: string; readonly token_type_hint?: string | undefined };

/** `unknown`: the source has no such credential. `broken`: it cannot be asked, or its answer not understood. */
export type FoundTokens =
  | { readonly kind: 'found'; readonly tokens: readonly Token[] }
  | { readonly kind: 'unknown' | 'broken'; readonly detail: string };

export type TokenSource = (request: ExecutionRequest, signal: AbortSignal) => Promise<FoundTokens>;

/** A token is printable ASCII (RFC 6749, appendix A.12). */
const TokenEntry = z.object({
  token: z
    .string()
    .min(1)
    .max(16_384)
    .regex(/^[\x20-\x7e]+$/),
  token_type_hint: z
    .string()
    .regex(/^[a-z_]{1,64}$/)
    .optional(),
});
const TokenEntries = z.union([TokenEntry, z.array(TokenEntry).min(1).max(LIMITS.executor_tokens_max)]);

type Http = { readonly ask: Asking; readonly key: Buffer; readonly clock: Clock };

export function openTokenSource(source: Frozen<TokenSourceConfig>, http: Http | undefined): TokenSource {
  if (source.type === 'file') return (request) => fromFile(source.path, request.target);
  if (http === undefined) throw new Error('a token source that is asked over HTTP was opened without a client');
  return (request, signal) => fromService(source.url, http, request, signal);
}

const FILE_BYTES_MAX = 16 * 1024 * 1024;

async function fromFile(path: string, credential: string): Promise<FoundTokens> {
  let value: unknown;
  try {
    if ((await stat(path)).size > FILE_BYTES_MAX)
      return { kind: 'broken', detail: 'the token file is longer than 16 MiB' };
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    // The message of a parse error quotes the file.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no JSON';
    return { kind: 'broken', detail: `the token file cannot be read (${code})` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'broken', detail: 'the token file holds no JSON object' };
  }
  if (!Object.hasOwn(value, credential)) return UNKNOWN;
  return tokensIn((value as Readonly<Record<string, unknown>>)[credential], 'the token file');
}

const UNKNOWN: FoundTokens = { kind: 'unknown', detail: 'the token source knows no such credential' };

async function fromService(
  url: string,
  { ask, key, clock }: Http,
  request: ExecutionRequest,
  signal: AbortSignal,
): Promise<FoundTokens> {
  const { target: credential, tenant, identity, containment, idempotency_key } = request;
  const payload = JSON.stringify({ type: 'token.lookup', data: { credential, tenant, identity, containment } });
  const signed = signWebhook({ id: `${idempotency_key}_lookup`, now_ms: clock.now(), payload, keys: [key] });
  const headers = { ...signed, 'content-type': 'application/json', accept: 'application/json' };
  const answer = await ask({ method: 'POST', url, headers, body: payload }, signal);
  // Nothing of an answer is quoted: it may hold a token.
  if (answer.kind === 'failed') return { kind: 'broken', detail: `the token source does not answer: ${answer.code}` };
  if (answer.status === 404) return UNKNOWN;
  if (answer.status !== 200) return { kind: 'broken', detail: `the token source answers HTTP ${answer.status}` };
  const body = jsonObject(answer);
  if (body === undefined) return { kind: 'broken', detail: 'the token source answers with no JSON object' };
  return tokensIn(Object.hasOwn(body, 'tokens') ? body.tokens : body, 'the token source');
}

function tokensIn(value: unknown, where: string): FoundTokens {
  const parsed = TokenEntries.safeParse(value);
  if (!parsed.success)
    return { kind: 'broken', detail: `${where} holds no token for it in the shape that is asked for` };
  const tokens = Array.isArray(parsed.data) ? parsed.data : [parsed.data];
  return { kind: 'found', tokens: tokens.toSorted((a, b) => rank(a) - rank(b)) };
}

/** Refresh tokens first: with them the grant goes, and what it would still issue. */
const rank = ({ token_type_hint }: Token): number => (token_type_hint === 'refresh_token' ? 0 : 1);

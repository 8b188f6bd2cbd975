import { LIMITS } from '../../../schemas/limits.ts';
import type { Completion } from '../../../schemas/span.ts';
import { isObject, type JsonObject } from '../decode.ts';
import { cleanName } from '../text.ts';
import { read } from './fields.ts';

type Outcome = Completion['outcome'];

/**
 * Codes with which servers and gateways refuse: HTTP's 401 and 403 (RFC 9110). The range that JSON-RPC leaves to
 * implementations (section 5.1) means something else in each: -32001 is a time-out in one SDK and a refusal in another.
 */
const DENIED: ReadonlySet<unknown> = new Set([401, 403]);

/** What became of the call by its response, undefined when there is none. */
export function answeredOutcome(response: JsonObject | undefined): Outcome | undefined {
  if (response === undefined) return undefined;
  if (isObject(response.error)) return refusedOutcome(response.error);
  if (response.error !== undefined && response.error !== null) return { status: 'error' };
  return { status: isObject(response.result) && response.result.isError === true ? 'error' : 'ok' };
}

function refusedOutcome({ code, message }: JsonObject): Outcome {
  return {
    status: DENIED.has(code) ? 'denied' : 'error',
    ...(typeof code === 'number' ? { code: String(code) } : {}),
    ...(typeof message === 'string' && message !== '' ? { reason: bounded(message) } : {}),
  };
}

/** What the gateway itself says became of the call, undefined when it does not say. */
export function statedOutcome(document: JsonObject): Outcome | undefined {
  const http = numberOf(read(document, 'http_status'));
  const code = numberOf(read(document, 'error_code')) ?? (http !== undefined && http >= 400 ? http : undefined);
  const word = read(document, 'outcome');
  const status = code === undefined ? WORDS.get(word) : DENIED.has(code) ? 'denied' : 'error';
  if (status === undefined) return http === undefined ? undefined : { status: 'ok' };
  const reason = status === 'ok' ? undefined : read(document, 'reason');
  return {
    status,
    ...(code === undefined ? {} : { code: String(code) }),
    ...(typeof reason === 'string' ? { reason: bounded(reason) } : {}),
  };
}

/** What a completion holds is not looked at again. */
const bounded = (reason: string): string =>
  cleanName(reason, LIMITS.text_chars_max, { plain: false, flags: undefined });

const WORDS: ReadonlyMap<unknown, Outcome['status']> = new Map<unknown, Outcome['status']>([
  [true, 'ok'],
  [false, 'error'],
  ['ok', 'ok'],
  ['success', 'ok'],
  ['allowed', 'ok'],
  ['error', 'error'],
  ['failure', 'error'],
  ['application_error', 'error'],
  ['denied', 'denied'],
  ['blocked', 'denied'],
]);

/** A size or a code, also where the source writes numbers as text. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number !== 0 ? number : undefined;
}

/** A size that somebody counted; 0 counts too. */
export function sizeOf(value: unknown): number | undefined {
  const size = value === 0 || value === '0' ? 0 : numberOf(value);
  return size !== undefined && size >= 0 && size <= LIMITS.volume_max ? size : undefined;
}

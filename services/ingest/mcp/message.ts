import { LIMITS } from '../../../schemas/limits.ts';
import { exceedsDepth, isObject, type JsonObject } from '../decode.ts';
import { read } from './fields.ts';
import { isKnown } from './methods.ts';

/**
 * What one record says of one exchange (JSON-RPC 2.0, sections 4 and 5): a request, its response, or both. `flat` are
 * records that name the method and the target without the message.
 */
export type Exchange = {
  readonly request: JsonObject | undefined;
  readonly response: JsonObject | undefined;
  readonly flat: boolean;
};

/**
 * The exchanges of a record: one, as many as there are elements where the gateway logged a batch (undefined for what is no
 * message), none when the record is not of this format.
 */
export function exchangesOf(document: JsonObject): readonly (Exchange | undefined)[] {
  const pair = pairOf(document.request, document.response) ?? pairOf(...dataOf(document));
  if (pair !== undefined) return [pair];
  const message = parsed(document.message);
  if (Array.isArray(message)) {
    const batch = message.map(exchangeOf);
    return batch.some((one) => one !== undefined) ? batch : [];
  }
  const exchange = exchangeOf(message) ?? exchangeOf(document);
  if (exchange !== undefined) return [exchange];
  const method = read(document, 'method');
  return typeof method === 'string' && isKnown(method) ? [{ request: document, response: undefined, flat: true }] : [];
}

function dataOf({ data }: JsonObject): readonly [unknown, unknown] {
  return isObject(data) ? [data.request, data.response] : [undefined, undefined];
}

/** Undefined unless at least one of them is a message; what is no message beside one is as good as absent. */
function pairOf(request: unknown, response: unknown): Exchange | undefined {
  const asked = parsed(request);
  const answered = parsed(response);
  const known = {
    request: isRequest(asked) ? asked : undefined,
    response: isResponse(answered) ? answered : undefined,
    flat: false,
  };
  return known.request === undefined && known.response === undefined ? undefined : known;
}

function exchangeOf(message: unknown): Exchange | undefined {
  if (isRequest(message)) return { request: message, response: undefined, flat: false };
  return isResponse(message) ? { request: undefined, response: message, flat: false } : undefined;
}

/** With `jsonrpc`, or where a gateway leaves that out, with a method of MCP and parameters. */
function isRequest(value: unknown): value is JsonObject {
  if (!isObject(value) || typeof value.method !== 'string') return false;
  return value.jsonrpc === '2.0' || (isKnown(value.method) && isObject(value.params));
}

function isResponse(value: unknown): value is JsonObject {
  return isObject(value) && value.jsonrpc === '2.0' && (value.result !== undefined || value.error !== undefined);
}

/** Loggers often write the message as text. Text that is no JSON object is none. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (!value.startsWith('{') || exceedsDepth(value, LIMITS.item_depth_max)) return undefined;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

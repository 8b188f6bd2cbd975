import { LIMITS } from '../../../schemas/limits.ts';
import type { JsonObject } from '../decode.ts';
import type { Normalised, Normaliser, Part } from '../normaliser.ts';
import { type BytesAt, bytesAt } from '../otlp/json-places.ts';
import { excerpt, type Refusal } from '../refusal.ts';
import type { IngestSettings } from '../settings.ts';
import { readTime } from '../time.ts';
import { eventOf } from './event.ts';
import { ENVELOPE, read } from './fields.ts';
import { callOf, rpcIdOf } from './link.ts';
import { resultBytes } from './measure.ts';
import { type Exchange, exchangesOf } from './message.ts';
import { isBystander, isCall } from './methods.ts';
import { answeredOutcome, sizeOf } from './outcome.ts';
import { type Reading, readingOf } from './reading.ts';

/** MCP audit records: a JSON-RPC message, and around it what the gateway knows of it (docs/sources/mcp.md). */
export function mcpNormaliser(settings: IngestSettings): Normaliser {
  const reading = readingOf(settings);
  return {
    name: 'mcp',
    format: 'mcp',
    mismatch: (document) => (exchangesOf(document).length > 0 || isSessionNews(document) ? undefined : NO_MESSAGE),
    normalise(document, bytes) {
      const exchanges = exchangesOf(document);
      if (exchanges.length === 0) return [isSessionNews(document) ? { kind: 'absorbed' } : NOT_OF_MCP];
      if (exchanges.length > LIMITS.bundle_items_max) return [TOO_MANY];
      if (!Array.isArray(document.message)) return [normaliseExchange(exchanges[0], document, 0, reading)];
      const found = bytesAt(bytes, BATCH);
      return exchanges.map((exchange, index) => {
        return { ...normaliseExchange(exchange, document, index, reading), part: partOf(found, index) };
      });
    },
  };
}

/** Where a batch stands in a record. */
const BATCH = [new Set(['message'])] as const;
const NO_BYTES = Buffer.alloc(0);

/** The bytes are only looked for when a dead letter asks for them. */
function partOf(found: BytesAt, index: number): Part {
  return {
    place: `message ${index}`,
    get bytes() {
      return found(['message', index]) ?? NO_BYTES;
    },
  };
}

const TOO_MANY: Refusal = {
  kind: 'refused',
  reason: 'too_many_items',
  field: 'message',
  message: `message: the batch holds more than ${LIMITS.bundle_items_max} messages; let the gateway log fewer in a record`,
};

const NO_MESSAGE = 'no JSON-RPC message, and no method of MCP';

const NOT_OF_MCP: Refusal = {
  kind: 'refused',
  reason: 'format_unknown',
  field: 'message',
  message:
    'message: the record holds no JSON-RPC 2.0 message and names no method of MCP; let the gateway log the message, or add a mapping for its own format',
};

/** Teleport tells of sessions under names of this kind, without a message: nothing was done in them. */
const isSessionNews = ({ event }: JsonObject): boolean => typeof event === 'string' && event.startsWith('mcp.session.');

function normaliseExchange(
  exchange: Exchange | undefined,
  document: JsonObject,
  index: number,
  reading: Reading,
): Normalised {
  if (exchange === undefined) return NOT_OF_MCP;
  const { request, response } = exchange;
  if (request === undefined) return completionOf(response as JsonObject, document, reading);
  const method = exchange.flat ? read(document, 'method') : request.method;
  if (typeof method === 'string' && isCall(method))
    return eventOf({ ...exchange, request, method, index }, document, reading);
  if (typeof method === 'string' && isBystander(method)) return { kind: 'absorbed' };
  return unknownMethod(method);
}

function unknownMethod(method: unknown): Refusal {
  const message = `method: ${excerpt(method)} is no method of MCP that is known; leave such messages out at the gateway, or report the method`;
  return { kind: 'refused', reason: 'format_unknown', field: 'method', message };
}

/** A response by itself tells its request how the call went, and how much came out of it. */
function completionOf(response: JsonObject, document: JsonObject, reading: Reading): Normalised {
  const id = rpcIdOf(response);
  // A client answers only what a server asks of it, and a null id answers nothing that could be told.
  if (id === undefined || read(document, 'direction') === 'client_to_server') return { kind: 'absorbed' };
  const time = timeOf(document);
  if (typeof time !== 'number') return time;
  const link = callOf(document, id, 'response', reading);
  if (link === undefined) return UNTRACEABLE;
  const bytes_out = resultBytes(response.result) ?? sizeOf(read(document, 'response_bytes'));
  const outcome = answeredOutcome(response) ?? { status: 'unknown' };
  return {
    kind: 'absorbed',
    tells: { link, time, completion: { outcome, volume: bytes_out === undefined ? {} : { bytes_out } } },
  };
}

const UNTRACEABLE: Refusal = {
  kind: 'refused',
  reason: 'schema_mismatch',
  field: 'session',
  message:
    'session: the record is a response, and nothing says whose request it answers; let the gateway log session, connection or client.id with requests and responses',
};

function timeOf(document: JsonObject): number | Refusal {
  const value = read(document, 'time');
  if (typeof value === 'number' || typeof value === 'string') return readTime(value, 'time');
  const message = `time: missing; let the gateway log it as ${ENVELOPE.time.from[0]} in RFC 3339 or epoch milliseconds`;
  return { kind: 'refused', reason: 'time_invalid', field: 'time', message };
}

import { exceedsDepth, isObject } from '../decode.ts';

const NO_CLAIMS: ReadonlyMap<string, string> = new Map();
/** Longer texts are no claims, and claims have no structure that is worth reading deeper. */
const CLAIMS_CHARS_MAX = 16_384;
const DEPTH_MAX = 8;

/**
 * The claims in a JWT (RFC 7519, section 3; with or without `Bearer` before it) or in a JSON object: names with texts or
 * whole numbers. Only decoded: whoever wrote the attribute vouches for it. Nothing where the text is neither.
 */
export function readClaims(text: string | undefined): ReadonlyMap<string, string> {
  if (text === undefined || text.length > CLAIMS_CHARS_MAX) return NO_CLAIMS;
  const json = text.trimStart().startsWith('{') ? text : payloadOf(text.replace(/^\s*bearer\s+/i, ''));
  if (json === undefined || exceedsDepth(json, DEPTH_MAX)) return NO_CLAIMS;
  let claims: unknown;
  try {
    claims = JSON.parse(json) as unknown;
  } catch {
    return NO_CLAIMS;
  }
  if (!isObject(claims)) return NO_CLAIMS;
  return new Map(Object.entries(claims).flatMap(([name, value]) => (isName(value) ? [[name, String(value)]] : [])));
}

function isName(value: unknown): value is string | number {
  return typeof value === 'string' ? value !== '' : Number.isSafeInteger(value);
}

/** The second of the three parts of a compact JWS (RFC 7515, section 7.1). */
function payloadOf(token: string): string | undefined {
  const [, payload, signature, ...more] = token.trim().split('.', 4);
  if (payload === undefined || signature === undefined || more.length > 0) return undefined;
  return Buffer.from(payload, 'base64url').toString('utf8');
}

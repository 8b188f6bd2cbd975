import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signatures of Standard Webhooks 1.0.0 (symmetric, `v1`): HMAC-SHA256 over `id.timestamp.payload`, base64, with a
 * secret that is written `whsec_` and base64.
 */
const PREFIX = 'whsec_';
/** Bounds of the specification, section "Signature scheme". */
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const TOLERANCE_S = 300;

export type WebhookHeaders = {
  readonly 'webhook-id': string;
  /** Seconds since the epoch, decimal. */
  readonly 'webhook-timestamp': string;
  /** `v1,<base64>`, one for each secret, separated by spaces. */
  readonly 'webhook-signature': string;
};

/** The key that a secret stands for; undefined when it is not a secret of this scheme. */
export function decodeWebhookSecret(secret: string): Buffer | undefined {
  if (!secret.startsWith(PREFIX)) return undefined;
  const text = secret.slice(PREFIX.length);
  const key = Buffer.from(text, 'base64');
  const intact = BASE64.test(text) && key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
  return intact && key.length >= SECRET_BYTES_MIN && key.length <= SECRET_BYTES_MAX ? key : undefined;
}

/** Writes 24 to 64 random bytes as a secret. */
export function encodeWebhookSecret(bytes: Buffer): string {
  return `${PREFIX}${bytes.toString('base64')}`;
}

/**
 * Headers for one attempt. The id stays the same in every attempt, the timestamp is that of the attempt. Keys come from
 * `decodeWebhookSecret`: several while a secret is being rotated.
 */
export function signWebhook(message: {
  readonly id: string;
  readonly now_ms: number;
  readonly payload: string | Buffer;
  readonly keys: readonly Buffer[];
}): WebhookHeaders {
  const timestamp = String(Math.floor(message.now_ms / 1000));
  const signatures = message.keys.map((key) => `v1,${signature(key, message.id, timestamp, message.payload)}`);
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

/** True when one signature is by one of the keys and the timestamp lies within five minutes of now. */
export function verifyWebhook(
  headers: WebhookHeaders,
  message: { readonly now_ms: number; readonly payload: string | Buffer; readonly keys: readonly Buffer[] },
): boolean {
  const timestamp = headers['webhook-timestamp'];
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Math.floor(message.now_ms / 1000) - Number(timestamp)) > TOLERANCE_S) return false;
  const expected = message.keys.map((key) =>
    Buffer.from(`v1,${signature(key, headers['webhook-id'], timestamp, message.payload)}`),
  );
  return headers['webhook-signature']
    .split(' ')
    .map((given) => Buffer.from(given))
    .some((given) => expected.some((right) => given.length === right.length && timingSafeEqual(given, right)));
}

function signature(key: Buffer, id: string, timestamp: string, payload: string | Buffer): string {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(payload).digest('base64');
}

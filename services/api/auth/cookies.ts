import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { CookieSerializeOptions } from '@fastify/cookie';
import { LIMITS } from '../../../schemas/limits.ts';

/**
 * The cookies of people. Over TLS their names begin with `__Host-`: a browser then takes them from this host alone, over TLS
 * and for all paths, so no neighbour under the same domain can plant one (RFC 6265bis, section 4.1.3.2).
 */
export type CookieNames = { readonly session: string; readonly round_trip: string };

export function cookieNames({ secure }: { readonly secure: boolean }): CookieNames {
  const prefix = secure ? '__Host-' : '';
  return { session: `${prefix}countersign`, round_trip: `${prefix}countersign-oidc` };
}

/** Lax, not Strict: whoever follows the link of a notification, or comes back from a provider, is still signed in. */
export function cookieOptions({ secure }: { readonly secure: boolean }): CookieSerializeOptions {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure };
}

/** A key of its own for each use, from the one that all API processes share (HKDF, RFC 5869). */
export function keyFor(use: 'stamp' | 'round_trip', cookie_key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', cookie_key, Buffer.alloc(0), `countersign ${use}`, 32));
}

const STAMPED = /^(css_[0-9a-f]{32}_[A-Za-z0-9_-]{32})\.([0-9a-z]{1,12})\.([A-Za-z0-9_-]{22})$/;

export type Stamped = { readonly token: string; readonly seen: number };

/** Session tokens with the time of their last use, which only we can write: how idleness is known without a record of it. */
export type Stamps = {
  write(token: string, now: number): string;
  /** Undefined when it is not ours. */
  read(value: string): Stamped | undefined;
  /** The token in something that has the form of a cookie, ours or not. */
  tokenIn(value: string): string | undefined;
};

export function createStamps(cookie_key: Buffer): Stamps {
  const key = keyFor('stamp', cookie_key);
  const macOf = (text: string): Buffer => createHmac('sha256', key).update(text).digest().subarray(0, 16);
  return {
    write(token, now) {
      const text = `${token}.${now.toString(36)}`;
      return `${text}.${macOf(text).toString('base64url')}`;
    },
    read(value) {
      const [, token = '', at = '', mac = ''] = STAMPED.exec(value) ?? [];
      if (token === '' || !timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(`${token}.${at}`))) return undefined;
      return { token, seen: Number.parseInt(at, 36) };
    },
    tokenIn: (value) => STAMPED.exec(value)?.[1],
  };
}

/** Whether a stamp is old enough to be worth a new one: not every answer needs a cookie. */
export function isStale({ seen }: Stamped, now: number): boolean {
  return now - seen >= LIMITS.sign_in_stamp_ms;
}

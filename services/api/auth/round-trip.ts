import { EncryptJWT, jwtDecrypt } from 'jose';
import { z } from 'zod';
import { ContainmentId, TermsDigest } from '../../../schemas/digests.ts';
import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import { CredentialId } from '../../../schemas/principal.ts';
import type { Clock } from '../../platform/clock.ts';
import { keyFor } from './cookies.ts';

/** What a browser carries to a provider and back, and cannot read: what was asked, and what the answer must fit. */
const RoundTrip = z.object({
  provider: z.string(),
  state: z.string().min(32),
  nonce: z.string().min(32),
  verifier: z.string().min(43),
  /** When the browser was sent off, epoch milliseconds: a fresh authentication is not older. */
  asked: z.int(),
  return_to: z.string(),
  /** Absent: to sign in. */
  step_up: z.object({ containment: ContainmentId, digest: TermsDigest, session: CredentialId }).optional(),
});
export type RoundTrip = z.infer<typeof RoundTrip>;

export type RoundTrips = {
  seal(trip: RoundTrip): Promise<string>;
  /** Undefined when it is not ours, was changed, or took too long. */
  open(sealed: string): Promise<RoundTrip | undefined>;
};

/** Sealed with AES-256-GCM as a compact JWE (RFC 7516): nothing has to be stored until the browser is back. */
export function createRoundTrips(cookie_key: Buffer, clock: Clock): RoundTrips {
  const key = keyFor('round_trip', cookie_key);
  const seconds = (ms: number): number => Math.floor(ms / UNITS.SECOND_MS);
  return {
    seal(trip) {
      return new EncryptJWT({ trip })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(seconds(clock.now() + LIMITS.oidc_round_trip_ms))
        .encrypt(key);
    },
    async open(sealed) {
      try {
        const { payload } = await jwtDecrypt(sealed, key, {
          currentDate: new Date(clock.now()),
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        return RoundTrip.safeParse(payload.trip).data;
      } catch {
        return undefined;
      }
    },
  };
}

const RETURN_CHARS_MAX = 2_048;

/** A path of ours to go back to, or the front page: never another host, however the path is written. */
export function ownPath(given: string | undefined): string {
  if (given === undefined || given.length > RETURN_CHARS_MAX || !/^\/(?![/\\])[\x21-\x7e]*$/.test(given)) return '/';
  const base = 'https://countersign.invalid';
  const url = URL.parse(given, base);
  if (url === null || url.origin !== base) return '/';
  // `/.//host` and `/a/..//host` are paths of ours, and become `//host` on the way: another host, for a browser.
  return url.pathname.startsWith('//') ? '/' : `${url.pathname}${url.search}`;
}

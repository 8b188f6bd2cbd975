import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** A private key and the algorithm that it signs with (RFC 7518, RFC 8037). */
export type SigningKey = { readonly key: KeyObject; readonly alg: 'ES256' | 'EdDSA' | 'RS256' };

const RSA_BITS_MIN = 2048;

/** The key in a PEM text, or a sentence that says what is wrong with it. Never shows any of it. */
export function readSigningKey(pem: string): SigningKey | string {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return 'holds no private key in PEM that can be read without a password; write one with openssl genpkey';
  }
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return { key, alg: 'EdDSA' };
    case 'ec':
      if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return { key, alg: 'ES256' };
      return 'is a key on another curve than P-256, which alone is used; make one on P-256';
    case 'rsa':
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN) return { key, alg: 'RS256' };
      return `is an RSA key of fewer than ${RSA_BITS_MIN} bits; make a longer one`;
    default:
      return 'is a key of a type that signs no tokens here; use P-256, Ed25519 or RSA';
  }
}

/** The public half as a receiver loads it (RFC 7517). */
export function publicJwk({ key, alg }: SigningKey, kid: string): JsonWebKey {
  return { ...createPublicKey(key).export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { compactVerify, decodeProtectedHeader } from 'jose';
import type { z } from 'zod';
import {
  type AuditKey,
  CHECKPOINT_TYPE,
  CheckpointClaims,
  ENDORSEMENT_TYPE,
  EndorsementClaims,
} from '../../schemas/audit.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { SYSTEM } from '../../schemas/principal.ts';

/**
 * Signed checkpoints of the control log: Ed25519 (RFC 8032), as JWS in compact serialisation (RFC 7515, RFC 8037). Who
 * keeps one outside can tell that records before it were changed, or that the log was cut off.
 */

/** `EdDSA` and not `Ed25519` (RFC 9864): every library there is reads it. */
const ALGORITHM = 'EdDSA';

export type Signer = {
  readonly key: AuditKey;
  sign(type: typeof CHECKPOINT_TYPE | typeof ENDORSEMENT_TYPE, claims: object): string;
};

/** A new Ed25519 private key, PKCS #8 in PEM. */
export function newSigningKey(): string {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
}

/** A signer with a private key in PEM; undefined when it is no Ed25519 private key. */
export function signerOf(pem: string): Signer | undefined {
  const secret = keyIn(() => createPrivateKey(pem));
  if (secret === undefined) return undefined;
  const key = auditKeyOf(createPublicKey(secret));
  return {
    key,
    sign(typ, claims) {
      const text = [{ alg: ALGORITHM, kid: key.kid, typ }, claims]
        .map((part) => base64url(JSON.stringify(part)))
        .join('.');
      return `${text}.${sign(null, Buffer.from(text), secret).toString('base64url')}`;
    },
  };
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');

/** The public key in a PEM; undefined when there is no Ed25519 key in it. A private key gives its public half. */
export function publicKeyIn(pem: string): AuditKey | undefined {
  const key = keyIn(() => createPublicKey(pem));
  return key === undefined ? undefined : auditKeyOf(key);
}

/** SubjectPublicKeyInfo in PEM (RFC 8410), as OpenSSL reads it. */
export function publicPem({ x }: AuditKey): string {
  return String(publicKeyOf(x).export({ type: 'spki', format: 'pem' }));
}

function publicKeyOf(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

function auditKeyOf(key: KeyObject): AuditKey {
  const x = String(key.export({ format: 'jwk' }).x);
  return { kid: thumbprint(x), x };
}

/** RFC 7638: the required members of the JWK, in the order of their names. */
function thumbprint(x: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');
}

function keyIn(read: () => KeyObject): KeyObject | undefined {
  try {
    const key = read();
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

export type Verified<Claims> =
  | { readonly ok: true; readonly claims: Claims; readonly kid: string }
  | { readonly ok: false; readonly reason: 'malformed' | 'key_unknown' | 'signature'; readonly kid?: string };

type Keys = ReadonlyMap<string, AuditKey>;

export function verifyCheckpoint(jws: string, keys: Keys): Promise<Verified<CheckpointClaims>> {
  return verifyCompact(jws, keys, CHECKPOINT_TYPE, CheckpointClaims);
}

export function verifyEndorsement(jws: string, keys: Keys): Promise<Verified<z.infer<typeof EndorsementClaims>>> {
  return verifyCompact(jws, keys, ENDORSEMENT_TYPE, EndorsementClaims);
}

/** True when a key's id is the thumbprint of its own key. */
export function isSound({ kid, x }: AuditKey): boolean {
  return thumbprint(x) === kid;
}

async function verifyCompact<Claims>(
  jws: string,
  keys: Keys,
  type: string,
  shape: z.ZodType<Claims>,
): Promise<Verified<Claims>> {
  const header = headerOf(jws);
  if (header?.alg !== ALGORITHM || header.typ !== type || header.kid === undefined) {
    return { ok: false, reason: 'malformed' };
  }
  const { kid } = header;
  const key = keys.get(kid);
  if (key === undefined) return { ok: false, reason: 'key_unknown', kid };
  const payload = await compactVerify(jws, publicKeyOf(key.x), { algorithms: [ALGORITHM] }).then(
    (verified) => verified.payload,
    () => undefined,
  );
  if (payload === undefined) return { ok: false, reason: 'signature', kid };
  const claims = shape.safeParse(jsonOf(payload));
  return claims.success ? { ok: true, claims: claims.data, kid } : { ok: false, reason: 'malformed', kid };
}

/** What a checkpoint says, without a look at its signature; undefined when it is none. */
export function claimsOf(jws: string): CheckpointClaims | undefined {
  const payload = jws.split('.')[1] ?? '';
  return CheckpointClaims.safeParse(jsonOf(Buffer.from(payload, 'base64url'))).data;
}

function headerOf(jws: string): { readonly alg?: string; readonly kid?: string; readonly typ?: string } | undefined {
  try {
    return decodeProtectedHeader(jws);
  } catch {
    return undefined;
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The record of a checkpoint. Every byte of it follows from what is signed, so that a verifier can make it again and
 * compare: the last record of a log is then bound as well, though no record after it names its hash.
 */
export function checkpointRecord({ n, time }: CheckpointClaims, jws: string): ControlRecord {
  return {
    v: 1,
    who: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
    when: time,
    what: `checkpoint of ${n} records`,
    kind: 'checkpoint_signed',
    n,
    checkpoint: jws,
  };
}

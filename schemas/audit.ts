import { z } from 'zod';

/**
 * The hash chain of the control log and its signed checkpoints (promise P7). docs/audit.md is the format's own text: an
 * outsider writes a verifier from it, so a change here is a change there.
 */

/** SHA-256, lowercase hex. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** The how-manieth record of the log this is, from 1, and the hash that binds it to all before it. */
export const ChainLink = z.object({ n: z.int().min(1), prev: Sha256 });
export type ChainLink = z.infer<typeof ChainLink>;

/** How many records there are, and what the next one must name as `prev`. */
export const ChainHead = z.object({ n: z.int().min(0), hash: Sha256 });
export type ChainHead = z.infer<typeof ChainHead>;

/** JWK thumbprint (RFC 7638, SHA-256) of an Ed25519 public key. */
export const AuditKeyId = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
/** An Ed25519 public key: `x` of its JWK (RFC 8037). */
export const AuditKey = z.object({ kid: AuditKeyId, x: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
export type AuditKey = z.infer<typeof AuditKey>;

/** JWS in compact serialisation (RFC 7515). */
export const CompactJws = z
  .string()
  .max(4096)
  .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);

/** `typ` of what is signed, so that one is never taken for the other. */
export const CHECKPOINT_TYPE = 'countersign-checkpoint+jws';
export const ENDORSEMENT_TYPE = 'countersign-audit-key+jws';

/** What a checkpoint says: at `time` the log `log` held `n` records, and the last of them has this hash. */
export const CheckpointClaims = z.strictObject({
  v: z.literal(1),
  log: z.string().min(1).max(256),
  n: z.int().min(1),
  hash: Sha256,
  /** Epoch milliseconds, clock of the responder. */
  time: z.int(),
});
export type CheckpointClaims = z.infer<typeof CheckpointClaims>;

/** What the key before says of the key after it. */
export const EndorsementClaims = z.strictObject({ v: z.literal(1), kid: AuditKeyId, x: AuditKey.shape.x });

/** The effective configuration of the responder's process, without a value: a hash of each field's JSON. */
export const ConfigurationDigest = z.object({ digest: Sha256, fields: z.record(z.string(), z.string()) });
export type ConfigurationDigest = z.infer<typeof ConfigurationDigest>;

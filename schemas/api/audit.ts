import { z } from 'zod';
import { AuditKey, ChainHead, CheckpointClaims, CompactJws, Sha256 } from '../audit.ts';
import { ControlRecord } from '../control.ts';
import { PrincipalRef } from '../principal.ts';
import { CursorText } from './shared.ts';

export const AUDIT_KINDS = ControlRecord.options.map(({ shape }) => shape.kind.value);
export const AuditKind = z.enum(AUDIT_KINDS);

/** One record of the control log, without its secrets. */
export const AuditEntry = z.object({
  /** Its number; absent in records of before there was a hash chain. */
  n: z.int().optional(),
  kind: AuditKind,
  who: PrincipalRef,
  /** Epoch milliseconds, clock of the responder. */
  when: z.int(),
  what: z.string(),
  /** The command that asked for it. */
  command: z.string().optional(),
  /** SHA-256 of its line in an export. */
  hash: Sha256,
  record: z.record(z.string(), z.unknown()),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** Oldest first. `next_cursor` goes on there also when there is no more yet. */
export const AuditPage = z.object({ items: z.array(AuditEntry), next_cursor: CursorText, more: z.boolean() });
/** Lines of an export, each without its line feed. */
export const AuditExportPage = z.object({ items: z.array(z.string()), next_cursor: CursorText, more: z.boolean() });

export const AuditKeyView = AuditKey.extend({
  /** SubjectPublicKeyInfo. */
  pem: z.string(),
  since: z.int(),
  /** What the key before it signed about it. */
  endorsement: CompactJws.optional(),
});
export const AuditKeys = z.object({
  /** Name of the log in its checkpoints. */
  log: CheckpointClaims.shape.log,
  head: ChainHead,
  checkpoint: z.object({ n: z.int(), time: z.int(), jws: CompactJws }).optional(),
  /** Oldest first; the last one signs now. */
  keys: z.array(AuditKeyView),
});

import type { AuditKey } from '../../schemas/audit.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';

export type AuditKeyEntry = {
  readonly key: AuditKey;
  /** When it was put on record, epoch milliseconds. */
  readonly since: number;
  /** By the key before it. */
  readonly endorsement: string | undefined;
};

type AuditRecord = Extract<ControlRecord, { kind: 'audit_key_set' | 'checkpoint_signed' | 'configuration_changed' }>;

/** What the control log says about itself. */
export type AuditState = {
  /** Keys that checkpoints were signed with, oldest first; the last is the one that signs now. */
  keys: readonly AuditKeyEntry[];
  /** The last checkpoint and the number of the record that it is about. */
  checkpoint: { readonly n: number; readonly jws: string; readonly when: number } | undefined;
  configuration: Extract<AuditRecord, { kind: 'configuration_changed' }>['configuration'] | undefined;
};

export function emptyAuditState(): AuditState {
  return { keys: [], checkpoint: undefined, configuration: undefined };
}

export function applyAudit(audit: AuditState, record: AuditRecord): void {
  switch (record.kind) {
    case 'audit_key_set':
      audit.keys = [...audit.keys, { key: record.key, since: record.when, endorsement: record.endorsement }].slice(
        -LIMITS.audit_keys_max,
      );
      return;
    case 'checkpoint_signed':
      audit.checkpoint = { n: record.n, jws: record.checkpoint, when: record.when };
      return;
    case 'configuration_changed':
      audit.configuration = record.configuration;
      return;
  }
}

import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { CHECKPOINT_TYPE, type ChainHead, type ConfigurationDigest, ENDORSEMENT_TYPE } from '../../schemas/audit.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import type { AuditState } from './audit-state.ts';
import { checkpointRecord, type Signer } from './checkpoints.ts';

/** What the responder needs to vouch for the log that it writes. */
export type Auditing = {
  readonly signer: Signer;
  /** Vouches for the signer when it follows on this one. */
  readonly previous?: Signer | undefined;
  /** A checkpoint after so many records, and after so many milliseconds when there is anything new. */
  readonly records: number;
  readonly every_ms: number;
  readonly configuration: ConfigurationDigest;
};

const by_system = { v: 1, who: { issuer: SYSTEM.issuer, subject: SYSTEM.subject } } as const;

/** What a responder says first: the key that it signs with and the configuration that it runs on, where they are new. */
export function openingRecords(
  audit: AuditState,
  { signer, previous, configuration }: Auditing,
  now: number,
): ControlRecord[] {
  const records: ControlRecord[] = [];
  const known = audit.keys.at(-1)?.key.kid;
  const { key } = signer;
  if (known !== key.kid) {
    const vouches = previous !== undefined && previous.key.kid === known;
    const endorsement = vouches ? previous.sign(ENDORSEMENT_TYPE, { v: 1, ...key }) : undefined;
    const how = vouches ? `, vouched for by ${known}` : '';
    const what = `audit key ${key.kid} signs from here on${how}`;
    records.push({
      ...{ ...by_system, when: now, what, kind: 'audit_key_set', key },
      ...(endorsement !== undefined && { endorsement }),
    });
  }
  const before = audit.configuration;
  if (before?.digest === configuration.digest) return records;
  const names = new Set([...Object.keys(before?.fields ?? {}), ...Object.keys(configuration.fields)]);
  const changed = [...names].filter((name) => before?.fields[name] !== configuration.fields[name]).sort();
  const what = before === undefined ? 'configuration recorded' : `configuration changed: ${changed.length} fields`;
  records.push({ ...by_system, when: now, what, kind: 'configuration_changed', configuration, changed });
  return records;
}

/** When a checkpoint of the log up to `head` is due, epoch milliseconds; undefined while there is nothing new to sign. */
export function checkpointDue(
  { checkpoint }: AuditState,
  head: ChainHead,
  { records, every_ms }: Auditing,
  now: number,
): number | undefined {
  // The record of the checkpoint itself is no news.
  const unsigned = head.n - (checkpoint === undefined ? 0 : checkpoint.n + 1);
  if (unsigned <= 0) return undefined;
  // A clock that was set back must not put it off.
  if (checkpoint === undefined || unsigned >= records || checkpoint.when > now) return now;
  return checkpoint.when + every_ms;
}

/** Signs the log up to `head`. The record must be written as the next one. */
export function signCheckpoint(
  { signer }: Auditing,
  { n, hash }: ChainHead,
  { log, now }: { readonly log: string; readonly now: number },
): ControlRecord {
  const claims = { v: 1, log, n, hash, time: now } as const;
  return checkpointRecord(claims, signer.sign(CHECKPOINT_TYPE, claims));
}

/** So short a hash tells that a field changed, and is no help to guess a longer value. */
const FIELD_HASH_CHARS = 16;

/**
 * A configuration without its values: the SHA-256 of its canonical JSON (RFC 8785), and the beginning of that of every
 * field. The configuration holds no secrets, but URLs in it may.
 */
export function configurationDigest(config: object): ConfigurationDigest {
  const fields = Object.fromEntries(
    leavesOf(config, []).map(([name, value]) => [name, hashOf(value).slice(0, FIELD_HASH_CHARS)]),
  );
  return { digest: hashOf(config), fields };
}

function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');
}

function leavesOf(value: unknown, path: readonly string[]): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path.join('.'), value]];
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

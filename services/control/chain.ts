import { createHash, type Hash } from 'node:crypto';
import type { ChainHead, ChainLink } from '../../schemas/audit.ts';

/**
 * The hash chain of the control log: every record names its number and the SHA-256 of the record before it. Records of
 * before there was a chain stand at the beginning, and the first chained record binds all of them (docs/audit.md).
 */
export type Chain = {
  /** Records followed so far. */
  n: number;
  chained: boolean;
  /** SHA-256 of the last record, hex. */
  last: string;
  /** Over the hashes of all records before the first chained one. */
  readonly prefix: Hash;
};

export const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

export function beginChain(): Chain {
  return { n: 0, chained: false, last: '', prefix: createHash('sha256') };
}

/** A chain that goes on after a head; what was before it is not looked at. */
export function chainFrom({ n, hash }: ChainHead): Chain {
  return { n, chained: true, last: hash, prefix: createHash('sha256') };
}

/** What the next record must name. */
export function headOf({ n, chained, last, prefix }: Chain): ChainHead {
  return { n, hash: chained ? last : prefix.copy().digest('hex') };
}

/** The link of the record after a head. */
export function linkAfter({ n, hash }: ChainHead): ChainLink {
  return { n: n + 1, prev: hash };
}

/** Why a record does not follow on the one before it. `n` is the number that it should have. */
export type BrokenLink = {
  readonly n: number;
  readonly reason: 'unchained' | 'number' | 'prev' | 'prefix';
  readonly expected: string;
  readonly found: string;
};

/** Goes one record on; the chain stays where it was when the record does not follow. `hash` is that of its bytes. */
export function follow(chain: Chain, hash: Buffer, link: ChainLink | undefined): BrokenLink | undefined {
  const { n: before, hash: expected } = headOf(chain);
  const n = before + 1;
  if (link === undefined) {
    if (chain.chained) return { n, reason: 'unchained', expected: `record ${n} of the chain`, found: 'no chain' };
    chain.prefix.update(hash);
  } else {
    if (link.n !== n) return { n, reason: 'number', expected: String(n), found: String(link.n) };
    const reason = chain.chained || before === 0 ? 'prev' : 'prefix';
    if (link.prev !== expected) return { n, reason, expected: link.prev, found: expected };
    chain.chained = true;
  }
  chain.n = n;
  chain.last = hash.toString('hex');
  return undefined;
}

/** Each is explained in docs/errors.md. */
export const CONTROL_LOG_CODES = ['control_log_broken', 'control_log_truncated'] as const;

/** The control log is not what was written: a record was changed, taken out, put in, or put elsewhere. */
export class ControlLogBroken extends Error {
  override readonly name = 'ControlLogBroken';
  readonly code = 'control_log_broken';
}

export class ControlLogTruncated extends Error {
  override readonly name = 'ControlLogTruncated';
  readonly code = 'control_log_truncated';
}

/** In words, for errors and reports. */
export function brokenText({ n, reason, expected, found }: BrokenLink): string {
  switch (reason) {
    case 'unchained':
      return `record ${n} is in no chain, and those before it are`;
    case 'number':
      return `where record ${n} should stand, there is record ${found}`;
    case 'prev':
      return n === 1
        ? `record 1 names ${expected} before it, and there is nothing before it`
        : `record ${n} names ${expected} as the hash of the record before it, and record ${n - 1} has ${found}`;
    case 'prefix':
      return `record ${n} names ${expected} for the ${n - 1} records before it, and together they have ${found}`;
  }
}

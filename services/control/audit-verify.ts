import { z } from 'zod';
import { type AuditKey, ChainLink, type CheckpointClaims, Sha256 } from '../../schemas/audit.ts';
import { ControlRecord } from '../../schemas/control.ts';
import { createKeyring, type KeyReport, type Keyring } from './audit-keyring.ts';
import { beginChain, brokenText, type Chain, chainFrom, follow, headOf, sha256 } from './chain.ts';
import { checkpointRecord, claimsOf } from './checkpoints.ts';

/**
 * Verifies an export of the control log, with nothing but the file, the checkpoints that were kept elsewhere and the
 * public keys that somebody trusts. It stops at the first record that does not follow on the one before it.
 */

export const AUDIT_PROBLEMS = [
  'export_empty',
  'record_unreadable',
  'chain_broken',
  'checkpoint_malformed',
  'checkpoint_signature',
  'checkpoint_mismatch',
  'checkpoint_altered',
  'tail_missing',
  'log_differs',
  'key_unknown',
  'key_untrusted',
  'key_unsound',
  'nothing_signed',
] as const;

export type AuditProblem = {
  readonly code: (typeof AUDIT_PROBLEMS)[number];
  /** Number of the record that it is about; undefined for what is about none. */
  readonly n: number | undefined;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
};

export type AuditEvidence = {
  /** The lines of the export, without their line feeds. */
  readonly lines: AsyncIterable<Buffer> | Iterable<Buffer>;
  /** Number of the record with which the export says to begin. */
  readonly from: number;
  /** Checkpoints that were kept outside, as compact JWS. */
  readonly checkpoints: readonly string[];
  /** Keys that are trusted for their own sake. None: any key that the log names is believed. */
  readonly keys: readonly AuditKey[];
};

export type AuditReport = {
  readonly ok: boolean;
  readonly first: number;
  /** The last record that follows; one less than `first` when there is none. */
  readonly last: number;
  readonly hash: string;
  /** Records at the beginning that are of before there was a chain; bound as one by the first record of it. */
  readonly unchained: number;
  /** Checkpoints that agree, in the export and outside. */
  readonly inside: number;
  readonly outside: number;
  /** Outside ones that are about records before the export begins, and inside ones of keys that it does not name. */
  readonly skipped: number;
  /** The last record that a signature covers: what comes after it is chained, and could still be replaced as a whole. */
  readonly covered: number;
  readonly keys: readonly KeyReport[];
  readonly problems: readonly AuditProblem[];
};

const Withheld = z.object({ withheld: z.object({ n: z.int(), sha256: Sha256 }) });
const Linked = z.object({ kind: z.string(), chain: ChainLink.optional() });

type Walk = {
  readonly from: number;
  readonly chain: Chain;
  readonly keyring: Keyring;
  readonly problems: AuditProblem[];
  /** Hashes of the records that outside checkpoints are about. */
  readonly wanted: Map<number, string>;
  log: string | undefined;
  unchained: number;
  inside: number;
  skipped: number;
  covered: number;
};

export async function verifyExport({ lines, from, checkpoints, keys }: AuditEvidence): Promise<AuditReport> {
  const claimed = checkpoints.flatMap((jws) => claimsOf(jws)?.n ?? []);
  let walk: Walk | undefined;
  const begin = (chain: Chain): Walk => ({
    ...{ from, chain, keyring: createKeyring(keys), problems: [], log: undefined },
    ...{ wanted: new Map(claimed.map((n) => [n, ''])), unchained: 0, inside: 0, skipped: 0, covered: from - 1 },
  });
  for await (const line of lines) {
    walk ??= begin(chainBefore(line, from));
    if (!(await step(walk, line))) break;
  }
  walk ??= begin(beginChain());
  if (walk.chain.n < from && walk.problems.length === 0) {
    walk.problems.push({ code: 'export_empty', n: undefined, message: 'there is no record in the export' });
  }
  const whole = walk.problems.length === 0;
  let outside = 0;
  for (const [index, jws] of checkpoints.entries()) {
    if (await agrees(walk, jws, { index, whole })) outside += 1;
  }
  if (walk.problems.length === 0 && keys.length > 0 && walk.inside + outside === 0) {
    const message =
      'no checkpoint is signed by a key that was given: nothing says that these records are the right ones';
    walk.problems.push({ code: 'nothing_signed', n: undefined, message });
  }
  const { n: last, hash } = headOf(walk.chain);
  const { unchained, inside, skipped, covered, keyring, problems } = walk;
  const counts = { unchained, inside, outside, skipped, covered };
  return { ok: problems.length === 0, first: from, last, hash, ...counts, keys: keyring.report(), problems };
}

/** A part of the log begins with what its first record says of the one before it: only checkpoints can tell more. */
function chainBefore(line: Buffer, from: number): Chain {
  if (from === 1) return beginChain();
  const link = Linked.safeParse(jsonOf(line)).data?.chain;
  return chainFrom({ n: from - 1, hash: link?.prev ?? '' });
}

/** Goes one record on. False when that cannot be done. */
async function step(walk: Walk, line: Buffer): Promise<boolean> {
  const { chain, problems, wanted } = walk;
  const before = headOf(chain);
  const n = before.n + 1;
  const json = jsonOf(line);
  const withheld = chain.chained ? undefined : Withheld.safeParse(json).data?.withheld;
  const linked = withheld === undefined ? Linked.safeParse(json) : undefined;
  if (linked?.success === false) {
    const message = `record ${n} is not a record: it was altered, or the export is cut in the middle of it`;
    problems.push({ code: 'record_unreadable', n, message });
    return false;
  }
  const hash = withheld === undefined ? sha256(line) : Buffer.from(withheld.sha256, 'hex');
  const broken = follow(chain, hash, linked?.data.chain);
  if (broken !== undefined) {
    const { expected, found } = broken;
    problems.push({ code: 'chain_broken', n, message: brokenText(broken), expected, found });
    return false;
  }
  if (!chain.chained) walk.unchained = n;
  if (wanted.has(n)) wanted.set(n, chain.last);
  const record = linked?.data.kind === 'checkpoint_signed' || linked?.data.kind === 'audit_key_set';
  if (record) await inspect(walk, { n, line, json, before: before.hash });
  return true;
}

type Seen = { readonly n: number; readonly line: Buffer; readonly json: unknown; readonly before: string };

/** Looks at what the log says about its own keys and checkpoints. */
async function inspect(walk: Walk, { n, line, json, before }: Seen): Promise<void> {
  const { problems, keyring } = walk;
  const parsed = ControlRecord.safeParse(json).data;
  if (parsed?.kind === 'audit_key_set') {
    const problem = await keyring.introduce(parsed.key, parsed.endorsement);
    if (problem !== undefined) problems.push({ ...problem, n });
    return;
  }
  if (parsed?.kind !== 'checkpoint_signed') {
    problems.push({
      code: 'checkpoint_malformed',
      n,
      message: `record ${n} is no checkpoint, and says that it is one`,
    });
    return;
  }
  const read = await keyring.read(parsed.checkpoint);
  if (!read.ok) {
    // Where the log is not there from its beginning, the record that names the key need not be.
    if (read.problem.code === 'key_unknown' && walk.from > 1) walk.skipped += 1;
    else problems.push({ ...read.problem, n, message: `checkpoint in record ${n}: ${read.problem.message}` });
    return;
  }
  const { claims } = read;
  if (!sameLog(walk, claims.log, n)) return;
  if (claims.n !== n - 1 || claims.hash !== before) {
    const message = `the checkpoint in record ${n} is about another record than the one before it`;
    problems.push({ code: 'checkpoint_mismatch', n, message, expected: claims.hash, found: before });
    return;
  }
  const right = JSON.stringify({ ...checkpointRecord(claims, parsed.checkpoint), chain: { n, prev: before } });
  if (line.toString('utf8') !== right) {
    const message = `record ${n} is not as the checkpoint in it makes it`;
    problems.push({ code: 'checkpoint_altered', n, message, expected: right, found: line.toString('utf8') });
    return;
  }
  walk.inside += 1;
  walk.covered = n;
}

/** Holds a checkpoint that was kept outside against the records. */
async function agrees(walk: Walk, jws: string, { index, whole }: { readonly index: number; readonly whole: boolean }) {
  const { problems, keyring, chain, wanted, from } = walk;
  const where = `outside checkpoint ${index + 1}`;
  const read = await keyring.read(jws);
  if (!read.ok) {
    const { problem } = read;
    const claimed = claimsOf(jws);
    // The record that names the key may be missing itself, stand behind where the chain broke, or before what was exported.
    if (problem.code === 'key_unknown' && whole && claimed !== undefined && claimed.n > chain.n) {
      problems.push(missing(walk, where, claimed));
    } else if (problem.code === 'key_unknown' && (!whole || from > 1)) walk.skipped += 1;
    else problems.push({ ...problem, n: claimed?.n, message: `${where}: ${problem.message}` });
    return false;
  }
  const { n, hash, log } = read.claims;
  if (!sameLog(walk, log, n)) return false;
  if (n < from) {
    walk.skipped += 1;
    return false;
  }
  const found = wanted.get(n) ?? '';
  if (n > chain.n) {
    if (whole) problems.push(missing(walk, where, read.claims));
    return false;
  }
  if (found !== hash) {
    const message = `record ${n} has the hash ${found}, and ${where} signed ${hash}: it or a record before it was replaced`;
    problems.push({ code: 'checkpoint_mismatch', n, message, expected: hash, found });
    return false;
  }
  walk.covered = Math.max(walk.covered, n);
  return true;
}

function missing({ chain }: Walk, where: string, { n, time }: CheckpointClaims): AuditProblem {
  const at = new Date(time).toISOString();
  const message = `records ${chain.n + 1} to ${n} are missing at the end: ${where} says that at ${at} there were ${n}`;
  return { code: 'tail_missing', n: chain.n + 1, message, expected: String(n), found: String(chain.n) };
}

/** All checkpoints of one log name it by one name. */
function sameLog(walk: Walk, log: string, n: number): boolean {
  walk.log ??= log;
  if (walk.log === log) return true;
  const message = `a checkpoint of ${n} records is of another log`;
  walk.problems.push({ code: 'log_differs', n, message, expected: walk.log, found: log });
  return false;
}

function jsonOf(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}

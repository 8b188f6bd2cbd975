import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type ChainLink, Sha256 } from '../../schemas/audit.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { ControlLogBroken } from './chain.ts';

/**
 * Control records as bytes. The first line is the record, and what the chain is made of; secrets are not in it. In the
 * place of each stands the SHA-256 of 32 random bytes and the secret's JSON, and a second line holds both, for the
 * processes of the service. So the first line can be shown to anybody, and it still says which secret was meant
 * (docs/decisions/audit.md).
 */

/**
 * Where secrets stand, by kind of record: what opens a door, and hashes and verifiers that an offline guess could be
 * tried on. Kinds by name, so that one which others add is never written in the clear for want of a line here: a test
 * holds this table against the schema.
 */
export const SEALED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  subscription_set: [['subscription', 'secrets']],
  key_created: [['key', 'hash']],
  session_started: [['session', 'hash']],
  link_created: [['link', 'hash']],
  password_set: [['verifier']],
};

type Json = Record<string, unknown>;
const Seal = z.strictObject({ sealed: Sha256 });
const Opened = z.record(Sha256, z.strictObject({ salt: z.string(), value: z.string() }));
type Opened = z.infer<typeof Opened>;

const LINE_FEED = 0x0a;
const SALT_BYTES = 32;

/** A record as it goes to the log, and the bytes of it that the chain binds. */
export function encodeRecord(
  record: ControlRecord,
  link: ChainLink,
  salt: (size: number) => Buffer = randomBytes,
): { readonly value: Buffer; readonly line: Buffer } {
  const opened: Opened = {};
  let body: Json = record;
  for (const path of SEALED[record.kind] ?? []) {
    body = replaced(body, path, (secret) => {
      const value = JSON.stringify(secret);
      const grain = salt(SALT_BYTES);
      const sealed = commitment(grain, value);
      opened[sealed] = { salt: grain.toString('base64'), value };
      return { sealed };
    });
  }
  const line = Buffer.from(JSON.stringify({ ...body, chain: link }));
  if (Object.keys(opened).length === 0) return { value: line, line };
  return { value: Buffer.concat([line, Buffer.from(`\n${JSON.stringify(opened)}`)]), line };
}

/**
 * The first line of a record, and the record with its secrets. Throws ControlLogBroken for what is no JSON, and where a
 * secret is not the one that the first line means.
 */
export function decodeRecord(value: Buffer): { readonly line: Buffer; readonly json: unknown } {
  const line = lineOf(value);
  const body = parsed(line);
  const kind = isObject(body) && typeof body.kind === 'string' ? body.kind : '';
  const paths = SEALED[kind];
  if (paths === undefined || !isObject(body)) return { line, json: body };
  const opened = line.length === value.length ? {} : Opened.safeParse(parsed(value.subarray(line.length + 1))).data;
  let json = body;
  for (const path of paths) json = replaced(json, path, (found) => unsealed(found, opened ?? {}, kind));
  return { line, json };
}

/** The part of a stored record that the chain binds: all of it, up to the first line feed. */
export function lineOf(value: Buffer): Buffer {
  const end = value.indexOf(LINE_FEED);
  return end === -1 ? value : value.subarray(0, end);
}

/** The same record with `mark` in the place of every secret; records of before secrets were sealed hold them in the clear. */
export function withoutSecrets(record: Json & { readonly kind: string }, mark: unknown): Json {
  let body: Json = record;
  for (const path of SEALED[record.kind] ?? []) {
    body = replaced(body, path, (found) => (Seal.safeParse(found).success ? found : mark));
  }
  return body;
}

/** True when the record, as its first line says it, holds a secret in the clear. */
export function tellsSecrets(record: Json & { readonly kind: string }): boolean {
  return (SEALED[record.kind] ?? []).some((path) => {
    let found: unknown = record;
    for (const name of path) found = isObject(found) ? found[name] : undefined;
    return found !== undefined && !Seal.safeParse(found).success;
  });
}

function unsealed(found: unknown, opened: Opened, kind: string): unknown {
  const seal = Seal.safeParse(found);
  // Of before secrets were sealed.
  if (!seal.success) return found;
  const held = opened[seal.data.sealed];
  if (held !== undefined && commitment(Buffer.from(held.salt, 'base64'), held.value) === seal.data.sealed) {
    return JSON.parse(held.value);
  }
  const what = held === undefined ? 'is missing' : 'is not the one that was sealed';
  throw new ControlLogBroken(`a secret of a record ${kind} ${what}; restore the control log from a backup`);
}

function commitment(salt: Buffer, value: string): string {
  return createHash('sha256').update(salt).update(value).digest('hex');
}

/** A copy with another value at a path; the same object where there is nothing. */
function replaced(body: Json, [name, ...rest]: readonly string[], by: (found: unknown) => unknown): Json {
  if (name === undefined || !Object.hasOwn(body, name) || body[name] === undefined) return body;
  const found = body[name];
  if (rest.length === 0) return { ...body, [name]: by(found) };
  return isObject(found) ? { ...body, [name]: replaced(found, rest, by) } : body;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ControlLogBroken('a record of the control log is not JSON; restore it from a backup', { cause });
  }
}

import { scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import type { PasswordVerifier } from '../../../schemas/session.ts';
import type { RandomBytes } from '../../control/keys.ts';
import { charactersOfItsOwn, wordsOf } from './common-passwords.ts';

const derive = promisify(scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number },
) => Promise<Buffer>;

/** 32 MiB and about a tenth of a second (OWASP Password Storage Cheat Sheet: N=2^15, r=8, p=3). */
const COST = { n: 2 ** 15, r: 8, p: 3 } as const;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** What stands for a password: the same text, however a keyboard composed it (RFC 8265, section 4.2: NFC). */
const normal = (password: string): string => password.normalize('NFC');

/** Why a password will not do, in words; undefined when it will. Which characters it has is nobody's business. */
export function passwordObjection(password: string, name: string): string | undefined {
  const characters = [...normal(password)];
  const { password_chars_min: least, password_chars_max: most } = LIMITS;
  if (characters.length < least) return `it has ${characters.length} characters; at least ${least} are needed`;
  if (characters.length > most) return `it has ${characters.length} characters; at most ${most} are possible`;
  if (new Set(characters).size < DISTINCT_MIN) return `it repeats fewer than ${DISTINCT_MIN} characters`;
  return charactersOfItsOwn(normal(password), wordsOf(name)) < REST_MIN
    ? 'it is made of the name of its holder, or of what everybody tries: common words, runs of keys, years, repeats'
    : undefined;
}

const DISTINCT_MIN = 5;
const REST_MIN = 6;

export async function makeVerifier(password: string, randomBytes: RandomBytes): Promise<PasswordVerifier> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(normal(password), salt, KEY_BYTES, options(COST));
  return { algorithm: 'scrypt', ...COST, salt: salt.toString('base64'), key: key.toString('base64') };
}

/**
 * Whether this is the password. Without a verifier it takes as long and is false: how long an answer takes does not tell
 * which names there are.
 */
export async function isPassword(password: string, verifier: PasswordVerifier | undefined): Promise<boolean> {
  const { salt, key, ...cost } = verifier ?? NOBODY;
  const expected = Buffer.from(key, 'base64');
  const derived = await derive(normal(password), Buffer.from(salt, 'base64'), expected.length, options(cost));
  return timingSafeEqual(derived, expected) && verifier !== undefined;
}

const NOBODY: PasswordVerifier = {
  algorithm: 'scrypt',
  ...COST,
  salt: Buffer.alloc(SALT_BYTES).toString('base64'),
  key: Buffer.alloc(KEY_BYTES).toString('base64'),
};

function options({ n, r, p }: Pick<PasswordVerifier, 'n' | 'r' | 'p'>) {
  return { N: n, r, p, maxmem: 128 * n * r * 2 + UNITS.KIB * p * r };
}

/** Lets so many checks run at a time and so many wait: each takes memory, and strangers can ask for them. */
export type Turns = {
  /** Undefined when too many wait. */
  run<T>(work: () => Promise<T>): Promise<T | undefined>;
};

export function createTurns(): Turns {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(work) {
      if (running >= LIMITS.password_checks_max) {
        if (waiting.length >= LIMITS.password_checks_waiting_max) return undefined;
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else running++;
      try {
        return await work();
      } finally {
        // Whoever waits takes over the place, so that nobody slips in between.
        const next = waiting.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}

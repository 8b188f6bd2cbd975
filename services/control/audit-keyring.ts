import type { AuditKey, CheckpointClaims } from '../../schemas/audit.ts';
import type { AuditProblem } from './audit-verify.ts';
import { isSound, verifyCheckpoint, verifyEndorsement } from './checkpoints.ts';

/**
 * Why a key is believed: somebody named it, a believed key vouches for it, or, where nobody named any, because the log
 * names it. A key that the log names and nobody vouches for is `named`.
 */
export type KeyReport = { readonly kid: string; readonly trust: 'given' | 'endorsed' | 'named' };

type KeyProblem = Pick<AuditProblem, 'code' | 'message'>;

/** The keys that a verification knows, and what it makes of them. */
export type Keyring = {
  /** A key that the log names, with what the key before it says of it. */
  introduce(key: AuditKey, endorsement: string | undefined): Promise<KeyProblem | undefined>;
  read(
    jws: string,
  ): Promise<
    { readonly ok: true; readonly claims: CheckpointClaims } | { readonly ok: false; readonly problem: KeyProblem }
  >;
  report(): KeyReport[];
};

export function createKeyring(given: readonly AuditKey[]): Keyring {
  const keys = new Map(given.map((key) => [key.kid, key]));
  const trust = new Map<string, KeyReport['trust']>(given.map(({ kid }) => [kid, 'given']));
  return {
    async introduce(key, endorsement) {
      const { kid } = key;
      if (!isSound(key)) return { code: 'key_unsound', message: `the key ${kid} is not the one of this id` };
      if (endorsement !== undefined) {
        const read = await verifyEndorsement(endorsement, keys);
        if (!read.ok || read.claims.kid !== kid || read.claims.x !== key.x) {
          return { code: 'key_unsound', message: `what vouches for the key ${kid} was not signed by a key before it` };
        }
        if (trust.get(read.kid) !== 'named' && !trust.has(kid)) trust.set(kid, 'endorsed');
      }
      keys.set(kid, key);
      if (!trust.has(kid)) trust.set(kid, 'named');
      return undefined;
    },
    async read(jws) {
      const read = await verifyCheckpoint(jws, keys);
      if (read.ok) {
        if (given.length === 0 || trust.get(read.kid) !== 'named') return { ok: true, claims: read.claims };
        const message = `it is signed by ${read.kid}, which no key that was given vouches for`;
        return { ok: false, problem: { code: 'key_untrusted', message } };
      }
      return { ok: false, problem: PROBLEMS[read.reason](read.kid ?? '') };
    },
    report: () => [...trust].map(([kid, how]) => ({ kid, trust: how })),
  };
}

const PROBLEMS = {
  malformed: () => ({ code: 'checkpoint_malformed', message: 'it is no checkpoint' }),
  key_unknown: (kid: string) => ({ code: 'key_unknown', message: `its key ${kid} is not known` }),
  signature: (kid: string) => ({ code: 'checkpoint_signature', message: `the key ${kid} did not sign it` }),
} as const satisfies Record<string, (kid: string) => KeyProblem>;

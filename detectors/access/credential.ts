import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { ACCESS } from '../features.ts';
import { peersName, plural, quoted } from '../sentences.ts';
import {
  accessBits,
  knownToOthers,
  learnAccess,
  newProbability,
  ofSessions,
  ownAccesses,
  seenSessions,
} from './habit.ts';

const KINDS = [ACCESS.credential, ACCESS.kind] as const;
/** Addresses, networks and workloads lie in the same table. */
const TABLE_KINDS = 5;
const found: { bits: number; kind: (typeof KINDS)[number] } = { bits: 0, kind: ACCESS.credential };

function look(c: Context): number {
  found.bits = 0;
  // Two looks cost one bit.
  for (const kind of KINDS) {
    const bits = accessBits(c, kind, TABLE_KINDS) - 1;
    if (bits > found.bits) {
      found.bits = bits;
      found.kind = kind;
    }
  }
  return found.bits;
}

/**
 * With which credential an identity acts: one it never had, one that others of its group have (MITRE ATLAS AML.T0091.000,
 * use of alternate authentication material), or one of a kind it does not use. Where credentials are renewed
 * every day or for every session, the identity's own rate of new ones says so; where a group shares one, it is nobody's.
 * Statistics, source, state and limits: habit.ts.
 */
export const accessCredential: Detector = {
  name: 'access_credential',
  family: 'access_context',
  weighed: 'context',
  voice: 1,
  score: look,
  learnSession: (lesson) => learnAccess(lesson, ACCESS.credential, ACCESS.kind),
  explain(c) {
    look(c);
    const { kind } = found;
    const credential = c.f.event?.credential;
    const isKind = kind === ACCESS.kind;
    const value = (isKind ? credential?.kind : credential?.id) ?? '';
    const own = ownAccesses(c, kind);
    const seen = seenSessions(c, kind);
    const foreign = !isKind && own === 0 && knownToOthers(c, kind);
    const subject = isKind ? 'credential_kind' : 'credential';
    const what = isKind ? 'a credential of the kind' : 'the credential';
    const habit =
      own === 0
        ? `never used ${ofSessions(seen)}${foreign ? `, and which others of ${peersName(c)} use` : ''}`
        : `used in only ${plural(own, 'session', 'sessions')}`;
    return {
      pattern: foreign ? 'foreign_credential' : `${own === 0 ? 'first_seen' : 'rare'}_${subject}`,
      subject: { kind: subject, value },
      observed: { name: `sessions with this ${isKind ? 'kind of credential' : 'credential'} before`, value: own },
      expected: { name: 'probability of a new one', value: newProbability(c, kind), unit: 'probability' },
      basis: seen > 0 ? 'identity' : c.basis,
      sentence: `The identity acts with ${what} ${quoted(value)}, which it ${habit}.`,
    };
  },
};

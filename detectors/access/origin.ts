import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { ACCESS } from '../features.ts';
import { prefixName } from '../math/address.ts';
import { log2 } from '../math/logarithm.ts';
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

const KINDS = [ACCESS.address, ACCESS.network, ACCESS.workload] as const;
type OriginKind = (typeof KINDS)[number];
const WORDS = {
  [ACCESS.address]: { what: 'address block', subject: 'address' },
  [ACCESS.network]: { what: 'network', subject: 'network' },
  [ACCESS.workload]: { what: 'workload', subject: 'workload' },
} as const;

/** log2 of the looks: none to three kinds that the event may name. */
const LOOKS_BITS = [0, 0, 1, log2(3)] as const;
/** Credentials and their kinds lie in the same table. */
const CREDENTIAL_KINDS = 2;
const found: { bits: number; kind: OriginKind } = { bits: 0, kind: ACCESS.address };

function look(c: Context): number {
  found.bits = 0;
  let kinds = 0;
  for (const kind of KINDS) if (c.f.access[kind] !== 0) kinds++;
  if (kinds === 0) return 0;
  for (const kind of KINDS) {
    const bits = accessBits(c, kind, kinds + CREDENTIAL_KINDS) - (LOOKS_BITS[kinds] as number);
    if (bits > found.bits) {
      found.bits = bits;
      found.kind = kind;
    }
  }
  return found.bits;
}

/**
 * Where an identity acts from: address block (IPv4 /24, IPv6 /48), network and workload. A credential that is used from
 * elsewhere is how its theft shows (MITRE ATLAS AML.T0012, Valid Accounts). Statistics, source, state and limits: habit.ts.
 */
export const accessOrigin: Detector = {
  name: 'access_origin',
  family: 'access_context',
  weighed: 'place',
  voice: 1,
  score: look,
  learnSession: (lesson) => learnAccess(lesson, ACCESS.address, ACCESS.workload),

  explain(c) {
    look(c);
    const { what, subject } = WORDS[found.kind];
    const value = namedValue(c, found.kind);
    const own = ownAccesses(c, found.kind);
    const seen = seenSessions(c, found.kind);
    return {
      pattern: `${own === 0 ? 'first_seen' : 'rare'}_${subject}`,
      subject: { kind: subject, value },
      observed: { name: `sessions from this ${what} before`, value: own },
      expected: { name: `probability of a new ${what}`, value: newProbability(c, found.kind), unit: 'probability' },
      basis: seen > 0 ? 'identity' : c.basis,
      sentence:
        own === 0
          ? `The identity acts from the ${what} ${quoted(value)}, from which it never acted ${ofSessions(seen)}${ofOthers(c, found.kind)}.`
          : `The identity acts from the ${what} ${quoted(value)}, from which it acted in only ${plural(own, 'session', 'sessions')}.`,
    };
  },

  baselines: (state) =>
    KINDS.filter((kind) => seenSessions(state, kind) > 0).map((kind) => ({
      name: `sessions with a known ${WORDS[kind].what}`,
      value: seenSessions(state, kind),
      unit: 'sessions',
    })),
};

function namedValue(c: Context, kind: OriginKind): string {
  const source = c.f.event?.source;
  if (kind === ACCESS.network) return source?.network ?? '';
  return kind === ACCESS.workload ? (source?.workload ?? '') : prefixName(source?.ip ?? '');
}

function ofOthers(c: Context, kind: OriginKind): string {
  if (c.peers === undefined) return '';
  return knownToOthers(c, kind) ? `; ${peersName(c)} does` : `; nor did ${peersName(c)}`;
}

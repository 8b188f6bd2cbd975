import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { ACCESS } from '../features.ts';
import { prefixName } from '../math/address.ts';
import { log2 } from '../math/logarithm.ts';
import { name, peersName, plural } from '../sentences.ts';
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
/** log2 of the looks: one, two or three kinds that the event may name. */
const LOOKS_BITS = [0, 0, 1, log2(3)] as const;
const found: { bits: number; kind: (typeof KINDS)[number] } = { bits: 0, kind: ACCESS.address };

function look(c: Context): number {
  const { access } = c.f;
  const kinds = Number(access[0] !== 0) + Number(access[1] !== 0) + Number(access[2] !== 0);
  found.bits = 0;
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
/** Credential and its kind lie in the same table. */
const CREDENTIAL_KINDS = 2;

/**
 * Where an identity acts from: address prefix (IPv4 /24, IPv6 /48), network and workload. A credential that is used
 * from elsewhere is how theft shows (MITRE ATLAS AML.T0012, Valid Accounts). Statistics, source, state and limits: habit.ts.
 */
export const accessOrigin: Detector = {
  name: 'access_origin',
  family: 'access_context',
  weighed: 'context',
  voice: 1,
  score: look,
  learnSession: (lesson) => learnAccess(lesson, ACCESS.address, ACCESS.workload),
  explain(c) {
    look(c);
    const { kind } = found;
    const { what, subject } = WORDS[kind];
    const value = namedValue(c, kind);
    const own = ownAccesses(c, kind);
    const others = own > 0 || c.peers === undefined ? '' : knownToOthers(c, kind) ? known(c) : unknown(c);
    const seen = seenSessions(c, kind);
    return {
      pattern: `${own === 0 ? 'first_seen' : 'rare'}_${subject}`,
      subject: { kind: subject, value },
      observed: { name: `sessions from this ${what} before`, value: own },
      expected: { name: `probability of a new ${what}`, value: newProbability(c, kind), unit: 'probability' },
      basis: seen > 0 ? 'identity' : c.basis,
      sentence:
        own === 0
          ? `The identity acts from the ${what} ${name(value)}, from which it never acted ${ofSessions(seen)}${others}.`
          : `The identity acts from the ${what} ${name(value)}, from which it acted in only ${plural(own, 'session', 'sessions')}.`,
    };
  },
  baselines: (state) =>
    KINDS.filter((kind) => seenSessions(state, kind) > 0).map((kind) => ({
      name: `sessions with a known ${WORDS[kind].what}`,
      value: seenSessions(state, kind),
      unit: 'sessions',
    })),
};

const WORDS = {
  [ACCESS.address]: { what: 'address block', subject: 'address' },
  [ACCESS.network]: { what: 'network', subject: 'network' },
  [ACCESS.workload]: { what: 'workload', subject: 'workload' },
} as const;

function namedValue(c: Context, kind: (typeof KINDS)[number]): string {
  const source = c.f.event?.source;
  if (kind === ACCESS.network) return source?.network ?? '';
  return kind === ACCESS.workload ? (source?.workload ?? '') : prefixName(source?.ip ?? '');
}

function known(c: Context): string {
  return `; ${peersName(c)} does`;
}

function unknown(c: Context): string {
  return `; nor did ${peersName(c)}`;
}

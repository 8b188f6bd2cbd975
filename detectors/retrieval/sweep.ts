import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND } from '../group.ts';
import { AT, RESOURCE_ENTRIES } from '../layout.ts';
import { goOnProbability, learnChain, runBits } from '../math/chain.ts';
import { countOf } from '../math/count-table.ts';
import { BITS_MAX, log2, surpriseFrom } from '../math/logarithm.ts';
import type { PriorGroup } from '../prior.ts';
import { learnedFrom, nearName, percent, plural } from '../sentences.ts';
import { TRACE } from '../trace.ts';

/**
 * In its first sessions everything is new to an identity; they say nothing about how it goes on. Until then it is judged
 * by what is new to its nearest peers as well, or one that has a session a week would not be watched for months.
 */
const FIRST_SESSIONS = 16;
const MEMORY = 128;

/** Whether the event touches resources of which none was known to the identity, nor, while it begins, to its peers. */
export function isNovel(c: Context): boolean {
  if (c.f.resources === 0) return false;
  for (let i = 0; i < c.f.resources; i++) {
    if ((c.known.resource[i] as number) > 0) return false;
    if (begins(c) && (c.known.near_resource[i] as number) > 0) return false;
    if (c.trace.hasToken(c.f.token[i] as number)) return false;
  }
  return true;
}

function begins(c: Context): boolean {
  return (c.u32[c.at + AT.sessions] as number) <= FIRST_SESSIONS;
}

/**
 * Chance that a resource that is new to the peers follows another: halfway between theirs of a new one, as if each came by
 * itself, and 1, as if all came together.
 */
function peersGoOn(near: PriorGroup): number {
  return (1 + Math.min(1, near.unseen(KIND.resource))) / 2;
}

function peersRunBits({ near, trace }: Context): number {
  if (near === undefined || near.total(KIND.resource) === 0) return 0;
  const run = -log2(peersGoOn(near)) * trace.get(TRACE.novel_run);
  return surpriseFrom(near.total(KIND.resource), near.unseen(KIND.resource)) + run;
}

/**
 * One unknown resource after the other: the shape of an enumeration.
 *
 * Statistics: new resources in a row as a two-state chain, start once and go on again and again; each step is itself evidence
 * that runs go on (beta-binomial predictive, chain.ts). State: four words; new ones are those missing from the table of resources.
 *
 * Wrong about a back-fill or a migration, which has the same shape; blind for a sweep with known resources in between.
 */
export const resourceSweep: Detector = {
  name: 'resource_sweep',
  family: 'retrieval_pattern',
  weighed: 'fully',
  voice: 1,

  score(c) {
    if (!isNovel(c)) return 0;
    if (begins(c)) return Math.min(BITS_MAX, peersRunBits(c));
    return runBits(c.u32, c.at + AT.novel_runs, 1 + c.trace.get(TRACE.novel_run));
  },

  learn(lesson) {
    const { state, record, trace } = lesson;
    if (record.resources === 0 || (state.u32[state.at + AT.sessions] as number) <= FIRST_SESSIONS) return;
    let novel = true;
    for (let i = 0; i < record.resources; i++) {
      novel &&= countOf(state.u32, state.at + AT.resources, RESOURCE_ENTRIES, trace.get(record.at + i)) === 0;
    }
    learnChain(state.u32, state.at + AT.novel_runs, lesson.novel, novel, MEMORY);
    lesson.novel = novel;
  },

  explain(c) {
    const length = 1 + c.trace.get(TRACE.novel_run);
    if (begins(c)) return explainByPeers(c, length);
    const share = goOnProbability(c.u32, c.at + AT.novel_runs);
    return {
      pattern: 'resource_sweep',
      observed: { name: 'new resources in a row', value: length, unit: 'resources' },
      expected: { name: 'chance that one new resource follows another', value: share, unit: 'probability' },
      basis: 'identity',
      sentence: `${plural(length, 'call', 'calls')} in a row touched resources that this identity never touched before; after one such call another follows in ${percent(share)} of cases ${learnedFrom(c)}.`,
    };
  },
};

function explainByPeers(c: Context, length: number): ReturnType<Detector['explain']> {
  const share = c.near === undefined ? 1 : peersGoOn(c.near);
  return {
    pattern: 'resource_sweep',
    observed: { name: 'new resources in a row', value: length, unit: 'resources' },
    expected: { name: 'chance that one new resource follows another', value: share, unit: 'probability' },
    basis: c.near_basis,
    sentence: `${plural(length, 'call', 'calls')} in a row touched resources that neither this identity nor ${nearName(c)} ever touched.`,
  };
}

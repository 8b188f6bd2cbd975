import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { AT, RESOURCE_ENTRIES } from '../layout.ts';
import { goOnProbability, learnChain, runBits } from '../math/chain.ts';
import { countOf } from '../math/count-table.ts';
import { learnedFrom, percent, plural } from '../sentences.ts';
import { TRACE } from '../trace.ts';

/** In its first sessions everything is new to an identity; they say nothing about how it goes on. */
const FIRST_SESSIONS = 16;
const MEMORY = 128;

/** Whether the event touches resources of which none was known to the identity. */
export function isNovel(c: Context): boolean {
  if (c.f.resources === 0) return false;
  for (let i = 0; i < c.f.resources; i++) {
    if (countOf(c.u32, c.at + AT.resources, RESOURCE_ENTRIES, c.f.resource[i] as number) > 0) return false;
    if (c.trace.hasToken(c.f.token[i] as number)) return false;
  }
  return true;
}

/** One unknown resource after the other: the shape of an enumeration. */
export const resourceSweep: Detector = {
  name: 'resource_sweep',
  family: 'retrieval_pattern',
  weighed: 'fully',
  voice: 1,

  score(c) {
    if ((c.u32[c.at + AT.sessions] as number) <= FIRST_SESSIONS || !isNovel(c)) return 0;
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

import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { OUTCOME } from '../features.ts';
import { AT } from '../layout.ts';
import { learnChain, runBits, startProbability } from '../math/chain.ts';
import { exp2 } from '../math/logarithm.ts';
import { count, learnedFrom, percent } from '../sentences.ts';
import { TRACE } from '../trace.ts';

/** Failures are rare: long memory, so that the first one after a long time is the surprise it should be. */
const MEMORY = 8192;
const CHAINS = [
  [AT.denied_runs, OUTCOME.denied],
  [AT.error_runs, OUTCOME.error],
] as const;

function run(c: Context): { at: number; length: number } | undefined {
  if (c.f.outcome === OUTCOME.denied) return { at: AT.denied_runs, length: 1 + c.trace.get(TRACE.denied_run) };
  if (c.f.outcome === OUTCOME.error) return { at: AT.error_runs, length: 1 + c.trace.get(TRACE.error_run) };
  return undefined;
}

/**
 * Errors level off towards so many bits: a server that fails makes its callers fail in long runs, and that is nobody's
 * attack, however long. Refusals do not: each is a door that somebody tried.
 */
const ERRORS_MAX = 8;

/**
 * Refusals and errors in a row: someone tries doors.
 *
 * Statistics: a two-state chain each (chain.ts), with a long memory, as failures are rare. State: eight words.
 *
 * Wrong while a policy or a server is broken and refuses everybody; blind for doors tried one a day.
 */
export const failureRun: Detector = {
  name: 'failure_run',
  family: 'tool_usage',
  weighed: 'fully',
  voice: 1,

  score(c) {
    const at = run(c);
    if (at === undefined) return 0;
    const bits = runBits(c.u32, c.at + at.at, at.length);
    return at.at === AT.error_runs ? ERRORS_MAX * (1 - exp2(-bits / ERRORS_MAX)) : bits;
  },

  learn({ state, record, failed }) {
    for (const [at, outcome] of CHAINS) {
      learnChain(state.u32, state.at + at, failed === outcome, record.outcome === outcome, MEMORY);
    }
  },

  explain(c) {
    const { at, length } = run(c) ?? { at: AT.error_runs, length: 0 };
    const denied = at === AT.denied_runs;
    const share = startProbability(c.u32, c.at + at);
    const what = denied ? 'refused call' : 'failed call';
    return {
      pattern: denied ? 'denial_burst' : 'error_burst',
      observed: { name: `${what}s in a row`, value: length, unit: 'calls' },
      expected: { name: `share of ${what}s`, value: share, unit: 'probability' },
      basis: 'identity',
      sentence:
        length <= 1
          ? `A call ${denied ? 'was refused' : 'failed'}; out of the blue that happens to ${percent(share)} of its calls ${learnedFrom(c)}.`
          : `${count(length)} calls in a row ${denied ? 'were refused' : 'failed'}; ${percent(share)} of its calls begin such a run ${learnedFrom(c)}.`,
    };
  },
};

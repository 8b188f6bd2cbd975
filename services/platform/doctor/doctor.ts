import type { Check, Facts } from './facts.ts';
import { checkDataDir, checkDisk, checkLock, checkRuntime } from './machine.ts';
import { checkClock, checkConsumers, checkLog, checkStore } from './storage.ts';
import { checkApplied, checkReceived } from './sums.ts';

export type { Check, DetectFacts, Facts, LogFacts, StoreFacts, Unopened } from './facts.ts';

/** All checks, in the order in which a person would look: what stands below rests on what stands above. */
export function examine(facts: Facts): readonly Check[] {
  return [
    checkRuntime,
    checkDataDir,
    checkLock,
    checkDisk,
    checkLog,
    checkStore,
    checkConsumers,
    checkClock,
    checkReceived,
    checkApplied,
  ].map((check) => check(facts));
}

/** The worst of them: what a script's exit code depends on. */
export function verdictOf(checks: readonly Check[]): Check['status'] {
  if (checks.some(({ status }) => status === 'fail')) return 'fail';
  return checks.some(({ status }) => status === 'warn') ? 'warn' : 'ok';
}

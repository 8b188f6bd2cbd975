import { commonDrift, teachDrift } from '../common-drift.ts';
import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { cusumWith, DRIFT_DAYS_MIN, driftBits } from '../drift.ts';
import { AT, MEASURES } from '../layout.ts';
import { exp2, log2 } from '../math/logarithm.ts';
import { learnMoment } from '../math/moments.ts';
import { name, plural } from '../sentences.ts';
import type { StateRef } from '../state.ts';
import { MEASURE, SPAN } from '../windows.ts';

/**
 * Does an identity touch sensitive data a little more often every day? No single touch is new, and the habit follows; so
 * days that are each a little above it are added up.
 *
 * Statistics: Page's CUSUM (Page 1954, as for volumes in drift.ts) over the daily number of calls that touch data of class
 * confidential or above, in octaves; less the mean of the group's sums, as a group whose work changes does so together.
 *
 * State: five words: the number of today, the sum, and moments of the days before.
 *
 * Wrong when classes are not stated; slow when the identity does so much of it that one more octave takes weeks.
 */
const FIELD = { today: 0, sum: 1, moments: 2 } as const;
const SENSITIVE_LEVEL = 2;
const MEMORY_DAYS = 30;
/** Numbers the sums that a group is told of. */
const SUM = 2;

function sumWith(f32: Float32Array, at: number, count: number): number {
  return cusumWith(f32, at + FIELD.moments, f32[at + FIELD.sum] as number, count);
}

function isSensitive(c: Context): boolean {
  return c.f.level >= SENSITIVE_LEVEL && (c.windows.totals[SPAN.day * MEASURES + MEASURE.calls] as number) >= 0;
}

/** Of a new day the number is that of the event alone; the day before is closed when the event is observed. */
function today(c: Context): number {
  const isNewDay = c.windows.totals[SPAN.day * MEASURES + MEASURE.calls] === 1;
  return 1 + (isNewDay ? 0 : (c.u32[c.at + AT.creep + FIELD.today] as number));
}

/** After the windows have taken the event in. */
export function observeCreep(c: Context): void {
  if (!isSensitive(c)) return;
  const at = c.at + AT.creep + FIELD.today;
  c.u32[at] = (c.u32[at] as number) + 1;
}

/** The day is over. While an alert holds it, the sum starts anew, as after any alarm. */
export function closeCreep({ u32, f32, at: identity }: StateRef, held: boolean): void {
  const at = identity + AT.creep;
  const count = u32[at + FIELD.today] as number;
  f32[at + FIELD.sum] = held ? 0 : sumWith(f32, at, count);
  if (!held) learnMoment(f32, at + FIELD.moments, log2(1 + count), MEMORY_DAYS);
  u32[at + FIELD.today] = 0;
}

export const sensitivityCreep: Detector = {
  name: 'sensitivity_creep',
  family: 'retrieval_pattern',
  weighed: 'fully',
  voice: 1,
  score(c) {
    const at = c.at + AT.creep;
    if (!isSensitive(c) || (c.f32[at + FIELD.moments] as number) < DRIFT_DAYS_MIN) return 0;
    const drift = sumWith(c.f32, at, today(c));
    return drift === 0 ? 0 : driftBits(Math.max(0, drift - commonDrift(c, SUM)));
  },
  learnSession(lesson) {
    teachDrift(lesson, SUM, lesson.state.f32[lesson.state.at + AT.creep + FIELD.sum] as number);
  },
  explain(c) {
    const count = today(c);
    const usual = Math.max(0, exp2(c.f32[c.at + AT.creep + FIELD.moments + 1] as number) - 1);
    const classification = c.f.event?.resources[c.f.sensitive]?.classification ?? 'confidential';
    return {
      pattern: 'sensitivity_creep',
      subject: { kind: 'classification', value: classification },
      observed: { name: 'calls on sensitive data today', value: count, unit: 'calls' },
      expected: { name: 'usual calls on sensitive data per day', value: Math.round(usual * 10) / 10, unit: 'calls' },
      basis: 'identity',
      sentence: `${plural(count, 'call', 'calls')} on data of class ${name(classification)} or the like today, after days that were each a little higher than usual (about ${usual.toFixed(1)} a day): the excess adds up over days.`,
    };
  },
};

import { UNITS } from '../schemas/limits.ts';
import { teachLevels } from './calibration.ts';
import type { Detector, Lesson } from './detector.ts';
import { DETECTORS } from './ensemble.ts';
import { SIZE_STEPS } from './features.ts';
import { type Group, TRUST_DOUBTED, TRUST_FULL } from './group.ts';
import { AT, MEASURES, momentAt, SPANS } from './layout.ts';
import { distinctOf } from './math/distinct.ts';
import { log2 } from './math/logarithm.ts';
import { learnMoment } from './math/moments.ts';
import { teachMaxima } from './maxima.ts';
import { homeOf, relabel } from './peers/member.ts';
import type { StateRef } from './state.ts';
import { RECORDS_AT, RecordView, TRACE, TRACE_DISTINCT_WORDS, type Trace } from './trace.ts';
import { vouch } from './vouchers.ts';
import { MEASURE, SESSION_MEMORY, SPAN } from './windows.ts';

const record = new RecordView();
const LEARN = DETECTORS.flatMap((detector) => detector.learn ?? []);
const LEARN_SESSION = DETECTORS.flatMap((detector) => detector.learnSession ?? []);

/** An ended session teaches its identity and its group, event by event and then as a whole. */
export function learnSession(state: StateRef, trace: Trace, group: Group): void {
  if (trace.events === 0) return;
  learnHeader(state, trace, group);
  const part = homeOf(state, trace, group);
  vouch(state.u32, state.at, part);
  const trust = trace.get(TRACE.doubted) === 1 ? TRUST_DOUBTED : TRUST_FULL;
  part.sessions += trust;
  part.enterDay(dayOf(trace));
  part.judged += TRUST_FULL * trace.events;
  teachLevels(trace.u32, TRACE.levels, part.reached, TRUST_FULL);
  const lesson: Lesson = { state, group, part, trace, record, trust, previous: 0, before: 0, failed: 0, novel: false };
  let at = RECORDS_AT;
  for (let i = trace.get(TRACE.recorded); i > 0; i--) {
    at = record.read(trace.u32, at);
    for (let d = 0; d < LEARN.length; d++) (LEARN[d] as NonNullable<Detector['learn']>)(lesson);
    lesson.before = lesson.previous;
    lesson.previous = record.tool;
    lesson.failed = record.outcome;
  }
  for (const learn of LEARN_SESSION) learn(lesson);
  learnTotals(state, trace);
  teachWindows(state, part);
  relabel(state);
}

function learnHeader({ u32, at }: StateRef, trace: Trace, group: Group): void {
  u32[at + AT.events] = (u32[at + AT.events] as number) + trace.events;
  u32[at + AT.sessions] = (u32[at + AT.sessions] as number) + 1;
  const first = trace.get(TRACE.first_s);
  if (u32[at + AT.first_s] === 0 || first < (u32[at + AT.first_s] as number)) u32[at + AT.first_s] = first;
  u32[at + AT.last_s] = Math.max(u32[at + AT.last_s] as number, trace.get(TRACE.last_s));
  group.enterDay(dayOf(trace));
  teachMaxima(u32, at, group);
}

function dayOf(trace: Trace): number {
  return Math.floor((trace.get(TRACE.last_s) * UNITS.SECOND_MS) / UNITS.DAY_MS) + 1;
}

function learnTotals(state: StateRef, trace: Trace): void {
  const known = trace.get(TRACE.known);
  for (let m = 0; m < 3; m++) {
    if ((known & (1 << m)) === 0) continue;
    const octaves = log2(1 + (trace.f32[TRACE.totals + m] as number));
    learnMoment(state.f32, state.at + momentAt(SPAN.session, m), octaves, SESSION_MEMORY);
  }
  learnMoment(state.f32, state.at + momentAt(SPAN.session, MEASURE.calls), log2(1 + trace.events), SESSION_MEMORY);
  const distinct = distinctOf(trace.u32, TRACE.distinct, TRACE_DISTINCT_WORDS, 0);
  if (distinct === 0) return;
  learnMoment(state.f32, state.at + momentAt(SPAN.session, MEASURE.distinct), log2(1 + distinct), SESSION_MEMORY);
}

/** The group learns where this identity's own means lie: what a new member is judged by. */
function teachWindows(state: StateRef, group: Group): void {
  for (let span = 0; span < SPANS; span++) {
    for (let measure = 0; measure < MEASURES; measure++) {
      const at = state.at + momentAt(span, measure);
      if ((state.f32[at] as number) < 1) continue;
      group.addWindow(span, measure, Math.round((state.f32[at + 1] as number) * SIZE_STEPS));
    }
  }
}

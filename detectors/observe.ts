import { UNITS } from '../schemas/limits.ts';
import { noteAccessValue } from './access/habit.ts';
import { observePlace } from './access/places.ts';
import { countLevels } from './calibration.ts';
import type { Context } from './context.ts';
import type { Score, ScoreInput } from './contract.ts';
import { egressOf } from './egress.ts';
import { ACCESS_KINDS, OUTCOME } from './features.ts';
import { markDistinct } from './math/distinct.ts';
import { countMaxima } from './maxima.ts';
import { noteMember } from './peers/member.ts';
import { observeCreep } from './retrieval/creep.ts';
import { isNovel } from './retrieval/sweep.ts';
import { slotOf } from './rhythm.ts';
import { hear } from './silence/silence.ts';
import { isFailed, observeToday } from './today.ts';
import { observeVersions } from './tool-usage/version.ts';
import { TRACE, TRACE_DISTINCT_WORDS } from './trace.ts';
import { noteNewTool } from './vouchers.ts';
import { observeWindows, SPAN } from './windows.ts';

/** The event becomes part of its session and of the running windows. Nothing is learned. */
export function observeEvent(c: Context, input: ScoreInput, { bits, continues = false }: Score): void {
  const { trace, f } = c;
  const words = trace.u32;
  const novel = isNovel(c);
  const seconds = Math.floor(input.log_ms / UNITS.SECOND_MS);
  if (words[TRACE.events] === 0) words[TRACE.first_s] = seconds;
  words[TRACE.last_s] = seconds;
  words[TRACE.events] = (words[TRACE.events] as number) + 1;
  if (bits > trace.bits_max) trace.f32[TRACE.bits] = bits;
  observeVersions(c);
  noteNewTool(c);
  countLevels(words, TRACE.levels, c.claims);
  noteMember(c.u32, c.at, trace, input.event);
  noteAccess(c, input.in_window);
  countMaxima(c.u32, c.at, trace, continues ? 0 : bits, input.log_ms);
  if (bits >= c.prior.doubt_bits) words[TRACE.doubted] = 1;
  for (let m = 0; m < 3; m++) {
    const size = f.size[m] as number;
    if (size < 0) continue;
    trace.f32[TRACE.totals + m] = (trace.f32[TRACE.totals + m] as number) + size;
    words[TRACE.known] = (words[TRACE.known] as number) | (1 << m);
  }
  const sent = egressOf(f);
  if (sent > 0) trace.f32[TRACE.egress] = (trace.f32[TRACE.egress] as number) + sent;
  for (let i = 0; i < f.resources; i++) {
    markDistinct(words, TRACE.distinct, TRACE_DISTINCT_WORDS, f.resource[i] as number);
  }
  for (let i = 0; i < f.tokens; i++) trace.addToken(f.token[i] as number, f.tool);
  trace.addSignature(f.signature);
  if (f.resources > 0) words[TRACE.novel_run] = novel ? (words[TRACE.novel_run] as number) + 1 : 0;
  words[TRACE.denied_run] = f.outcome === OUTCOME.denied ? (words[TRACE.denied_run] as number) + 1 : 0;
  words[TRACE.error_run] = f.outcome === OUTCOME.error ? (words[TRACE.error_run] as number) + 1 : 0;
  words[TRACE.before] = words[TRACE.previous] as number;
  words[TRACE.previous] = f.tool;
  trace.record(f);
  observeWindows(input.state, c.windows, f);
  if (input.in_window && !c.repeated && !isFailed(f)) observeToday(input.state, f);
  observeCreep(c);
  hear(input.state, input.log_ms);
}

/** Where from, with which credential and in which hour the session acted, for learning. */
function noteAccess(c: Context, in_window: boolean): void {
  const { trace, f } = c;
  for (let kind = 0; kind < ACCESS_KINDS; kind++) {
    const key = f.access[kind] as number;
    if (key !== 0 && trace.addAccess(key)) noteAccessValue(c, key);
  }
  observePlace(c);
  if (!in_window) return;
  const slot = slotOf(c.windows.index[SPAN.hour] as number);
  const word = TRACE.hours + (slot >>> 5);
  trace.u32[word] = ((trace.u32[word] as number) | (1 << (slot & 31))) >>> 0;
}

import { UNITS } from '../schemas/limits.ts';
import type { Context } from './context.ts';
import type { ScoreInput } from './contract.ts';
import { OUTCOME } from './features.ts';
import { markDistinct } from './math/distinct.ts';
import { countMaxima } from './maxima.ts';
import { isNovel } from './retrieval/sweep.ts';
import { TRACE, TRACE_DISTINCT_WORDS } from './trace.ts';
import { noteNewTool } from './vouchers.ts';
import { observeWindows } from './windows.ts';

/** The event becomes part of its session and of the running windows. Nothing is learned. */
export function observeEvent(c: Context, input: ScoreInput, bits: number): void {
  const { trace, f } = c;
  const words = trace.u32;
  const novel = isNovel(c);
  const seconds = Math.floor(input.log_ms / UNITS.SECOND_MS);
  if (words[TRACE.events] === 0) words[TRACE.first_s] = seconds;
  words[TRACE.last_s] = seconds;
  words[TRACE.events] = (words[TRACE.events] as number) + 1;
  if (bits > trace.bits_max) trace.f32[TRACE.bits] = bits;
  noteNewTool(c);
  countMaxima(c.u32, c.at, trace, bits, input.log_ms);
  if (bits >= c.prior.doubt_bits) words[TRACE.doubted] = 1;
  for (let m = 0; m < 3; m++) {
    const size = f.size[m] as number;
    if (size < 0) continue;
    trace.f32[TRACE.totals + m] = (trace.f32[TRACE.totals + m] as number) + size;
    words[TRACE.known] = (words[TRACE.known] as number) | (1 << m);
  }
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
  observeWindows(input.state, input, f);
}

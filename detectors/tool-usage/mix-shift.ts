import type { Context } from '../context.ts';
import type { Detector, Lesson } from '../detector.ts';
import { NAMESPACE } from '../features.ts';
import { KIND, keyOf } from '../group.ts';
import { MEASURES, momentAt } from '../layout.ts';
import { mix } from '../math/hash.ts';
import { logGamma } from '../math/log-gamma.ts';
import { exp2, log2 } from '../math/logarithm.ts';
import type { PriorGroup } from '../prior.ts';
import { count, learnedFrom, quoted, times, toolName } from '../sentences.ts';
import { isFailed, TODAY, type TodayKind, timesToday } from '../today.ts';
import { RECORDS_AT, RecordView, TRACE } from '../trace.ts';
import { MEASURE, SPAN } from '../windows.ts';
import { ownNameCount } from '../yardstick.ts';

/**
 * The day's mix of work against the habit: one tool, or one store, is used far more often today than it is of an ordinary
 * day's calls. A plugin that begins to be handed everything, a store that is read through, an agent that only read and now
 * executes: each single call may be explained, the many are a shift.
 *
 * Statistics: the successful calls of today with this tool (store) are held against a negative binomial law. Its mean is
 * the tool's share of the identity's calls, leaning on its peers' (20 calls), of as many calls as a usual day or today
 * has, whichever are more; its variance is 1.6 times the mean, as of Poisson many bunches of geometric length (Anscombe,
 * Sampling theory of the negative binomial and logarithmic series distributions, 1950). Where sessions of the peers use a
 * tool several times, both sides are divided by half of what they have beyond one. Overdispersion and lean were chosen
 * on quiet simulated fleets. The better of two looks, taken with every call, costs three bits. Failed calls and exact
 * repeats do not count, so neither a storm of retries nor a loop is a shift.
 *
 * State: 24 counts of today (37 words); what it compares with are the tables of tools and names, which others learn. The
 * group: one count a tool and store.
 *
 * Wrong about an identity that changes its work altogether for good reason (a new project with a new tool), until it
 * has learned it; it says nothing of an identity with fewer than 50 learned calls, and nothing of days that lack what
 * they usually have. With more than 24 tools and stores a day the rare ones may be missed.
 */

const CALLS_MIN = 50;
/** Calls that the peers' share weighs, and that the population's share weighs in it. */
const LEAN = 20;
const LEAN_BEYOND = 5;
/** Variance beyond that of a Poisson law, as a multiple of the mean. */
const OVERDISPERSION = 0.6;
/** Sessions and calls a session that the belief about bunches weighs. */
const BUNCH_SESSIONS = 10;
const BUNCH_CALLS = 1.5;
const LOOKS_BITS = 3;
const { tool: TOOL, store: STORE } = TODAY;
const SESSIONS_WITH = 0x5e5510;

const found = { bits: 0, kind: TOOL as TodayKind, times: 0, usual: 0 };

const sessionsKey = (kind: TodayKind, hash: number): number => keyOf(KIND.name, mix(SESSIONS_WITH, mix(kind, hash)));
const storeKey = (hash: number): number => keyOf(KIND.name, mix(NAMESPACE.store, hash));

/** Calls with it that the peers taught, and those that the nearest group taught. */
function peersCalls(c: Context, peers: PriorGroup, kind: TodayKind, hash: number): number {
  return kind === TOOL ? c.known.peers_tool : peers.count(storeKey(hash));
}
function nearCalls(c: Context, near: PriorGroup, kind: TodayKind, hash: number): number {
  return kind === TOOL ? c.known.near_tool : near.count(storeKey(hash));
}

/** Share of the calls of peers that go to it, so many of them being with it. */
function shareAmong(peers: PriorGroup, calls: number, believed: number): number {
  return (calls + LEAN_BEYOND * believed) / (peers.total(KIND.tool) + LEAN_BEYOND);
}

/** Share of calls that are expected to go to it. */
function expectedShare(c: Context, kind: TodayKind, hash: number): number {
  const { own, all } = habitOf(c, kind, hash);
  let share = 1 / (all + LEAN);
  if (c.peers !== undefined) share = shareAmong(c.peers, peersCalls(c, c.peers, kind, hash), share);
  if (c.near !== undefined && c.near !== c.peers) {
    share = shareAmong(c.near, nearCalls(c, c.near, kind, hash), share);
  }
  return Math.min(1, (own + LEAN * share) / (all + LEAN));
}

/** Own learned calls with it, and all with any tool or store: each table forgets at its own pace, so both from one. */
function habitOf(c: Context, kind: TodayKind, hash: number): { readonly own: number; readonly all: number } {
  if (kind === TOOL) {
    return { own: c.known.tool, all: c.known.tools };
  }
  const own = ownNameCount(c, NAMESPACE.store, hash);
  return { own, all: Math.max(own, ownNameCount(c, NAMESPACE.store, 1)) };
}

/** Calls that come together: 1 and half of what sessions have of it beyond one. */
function bunchOf(c: Context, kind: TodayKind, hash: number): number {
  const calls = c.near === undefined ? 0 : nearCalls(c, c.near, kind, hash);
  const sessions = c.near?.count(sessionsKey(kind, hash)) ?? 0;
  const mean = (calls + BUNCH_SESSIONS * BUNCH_CALLS) / (Math.min(sessions, calls) + BUNCH_SESSIONS);
  return 1 + Math.max(0, mean - 1) / 2;
}

/**
 * Surprise of at least so many under a negative binomial law of that mean and of the variance (1 + OVERDISPERSION) times
 * the mean: the probability of exactly so many, times a geometric series that bounds what follows. 0 up to the mean.
 */
export function tooManyBits(times: number, mean: number): number {
  if (times <= mean) return 0;
  const shape = mean / OVERDISPERSION;
  const again = OVERDISPERSION / (1 + OVERDISPERSION);
  // Ratios of neighbouring terms go from this one towards `again`, from whichever side.
  const ratio = again * Math.max(1, (times + shape) / (times + 1));
  const bits =
    (logGamma(times + 1) + logGamma(shape) - logGamma(times + shape)) * Math.LOG2E +
    shape * LOG2_NONE -
    times * LOG2_AGAIN +
    log2(Math.max(RATIO_LEFT_MIN, 1 - ratio));
  return Math.max(0, bits);
}
const LOG2_NONE = log2(1 + OVERDISPERSION);
const LOG2_AGAIN = log2(OVERDISPERSION / (1 + OVERDISPERSION));
/** Near the mean the series bounds nothing. */
const RATIO_LEFT_MIN = 0.05;

function judge(c: Context, kind: TodayKind, hash: number): void {
  const times = 1 + timesToday(c, kind, hash);
  if (times < 2) return;
  const today = c.windows.totals[SPAN.day * MEASURES + MEASURE.calls] as number;
  const usual = exp2(c.f32[c.at + momentAt(SPAN.day, MEASURE.calls) + 1] as number) - 1;
  const mean = Math.max(today, usual) * expectedShare(c, kind, hash);
  if (times <= mean) return;
  const bunch = bunchOf(c, kind, hash);
  const bits = tooManyBits(times / bunch, mean / bunch) - LOOKS_BITS;
  if (bits <= found.bits) return;
  found.bits = bits;
  found.kind = kind;
  found.times = times;
  found.usual = mean;
}

function look(c: Context): number {
  found.bits = 0;
  if (isFailed(c.f) || c.repeated || (c.windows.totals[SPAN.day * MEASURES + MEASURE.calls] as number) < 0) return 0;
  if (c.known.tools < CALLS_MIN || isAnotherDay(c)) return 0;
  judge(c, TOOL, c.f.tool);
  if (c.f.store !== 0) judge(c, STORE, c.f.store);
  return found.bits;
}

/** The counts are of the day that is open; with the first event of another one there is nothing to count yet. */
function isAnotherDay(c: Context): boolean {
  return c.windows.index[SPAN.day] !== c.windows.open[SPAN.day];
}

/** Different tools and stores of one session that the group is told of. */
const TOLD_MAX = 32;
const told = new Uint32Array(TOLD_MAX);
const record = new RecordView();

/** The group counts the sessions that used a tool or store. */
function learnSession({ part, trace, trust }: Lesson): void {
  let known = 0;
  const tell = (key: number): void => {
    if (known === TOLD_MAX) return;
    for (let i = 0; i < known; i++) if (told[i] === key) return;
    told[known++] = key;
    part.add(key, trust);
  };
  let at = RECORDS_AT;
  for (let i = trace.get(TRACE.recorded); i > 0; i--) {
    at = record.read(trace.u32, at);
    tell(sessionsKey(TOOL, record.tool));
    if (record.store !== 0) tell(sessionsKey(STORE, record.store));
  }
}

export const mixShift: Detector = {
  name: 'mix_shift',
  family: 'tool_usage',
  weighed: 'fully',
  voice: 0.8,
  score: look,
  learnSession,

  explain(c) {
    look(c);
    const tool = found.kind === TOOL;
    const what = tool ? toolName(c) : (c.f.event?.resources[0]?.store ?? '');
    const usual = found.usual >= 0.95 ? `about ${count(found.usual)}` : 'less than one';
    return {
      pattern: tool ? 'tool_mix_shift' : 'store_mix_shift',
      subject: { kind: tool ? 'tool' : 'store', value: what },
      observed: { name: `calls of this ${tool ? 'tool' : 'store'} today`, value: found.times, unit: 'calls' },
      expected: {
        name: 'usual calls of it in so much work',
        value: Math.round(found.usual * 100) / 100,
        unit: 'calls',
      },
      basis: 'identity',
      sentence: `The identity used ${quoted(what)} ${times(found.times)} so far today; ${usual} would be usual for so much work ${learnedFrom(c)}.`,
    };
  },
};

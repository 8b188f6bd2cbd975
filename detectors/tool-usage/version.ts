import type { Context } from '../context.ts';
import type { Detector, Explanation, Lesson } from '../detector.ts';
import { VERSION } from '../features.ts';
import { KIND, keyOf, TRUST_FULL } from '../group.ts';
import { AT, momentAt, VERSION_ENTRIES } from '../layout.ts';
import { countOf, increment, unseenMass } from '../math/count-table.ts';
import { mix } from '../math/hash.ts';
import { exp2, surprise } from '../math/logarithm.ts';
import { name, nearName, peersName, plural, toolName } from '../sentences.ts';
import { TRACE, TRACE_VERSIONS, type Trace } from '../trace.ts';
import { isNewTool } from '../vouchers.ts';
import { MEASURE, SPAN } from '../windows.ts';

/**
 * Is the agent another one than it was? A version of the identity (its model, prompt and tool set) or of a tool server that
 * it never had, or several tools within a day that neither it nor its group ever used.
 *
 * Statistics: what counts is the session. That a session brings a version the identity never had is a beta-binomial rate
 * of its own, leaning on the rate of its peers, and never below what the sessions can bear (Laplace's rule of
 * succession); who is released every day says little with a new version. Each peer that took up the very version vouches
 * for it: of n + 1 identities with it, the surprise is divided by n + 1. A first version where there was none is a source
 * that began to state it, and no change. Of several new tools the first is judged by tool_frequency; that others follow
 * within a day has the Good-Turing chance of a new tool in so many calls as the day usually has, and that it goes on after
 * that is believed to be as likely as not, more so with each one (beta-binomial, as for runs).
 *
 * State: a count table of 32 entries (45 words) for both kinds, one word a kind for the rate, two words for the run of
 * new tools, 9 words of the session. The group: one count a version, four for the rates.
 *
 * Wrong when a source states a build number or a time as version: then every session is a new one, until the rate has
 * learned it; with more than some fifteen versioned servers, as the table forgets; and blind to a change that states no
 * version and uses no new tool.
 */
/** First sessions of an identity: what is new in them is what any identity begins with. */
const BEGINNING = 16;
/** Sessions without which a set of tools is not settled. */
const SETTLED = 50;
/** Sessions after which the oldest fade, and those that the peers' rate weighs. */
const MEMORY = 1024;
const LEAN = 8;
/** New tools that make a change of the tool set. */
const TOOLS_MIN = 3;
/** Seconds without a new tool after which a run of them is over. */
const RUN_S = 86_400;
/** Steps that the belief before any history weighs. */
const BELIEF = 16;
const COUNT = { sessions: 0x7e55, news: 0x7e35 } as const;

const countKey = (what: number, kind: number): number => keyOf(KIND.name, mix(what, kind + 1));
const groupKey = (key: number): number => keyOf(KIND.name, key);

const found = { bits: 0, what: 'identity' as 'identity' | 'tool' | 'tools', others: 0 };

function look(c: Context): number {
  found.bits = 0;
  if ((c.u32[c.at + AT.sessions] as number) < BEGINNING) return 0;
  const { version } = c.f;
  if (version[VERSION.identity] !== 0) lookAt(c, VERSION.identity, 'identity', hasHad(c, 0));
  if (version[VERSION.tool] !== 0) lookAt(c, VERSION.tool, 'tool', owns(c, version[VERSION.known] as number));
  const bits = toolsBits(c);
  if (bits > found.bits) {
    found.bits = bits;
    found.what = 'tools';
  }
  return found.bits;
}

function lookAt(c: Context, kind: 0 | 1, what: 'identity' | 'tool', changes: boolean): void {
  const key = c.f.version[kind] as number;
  if (!changes || owns(c, key)) return;
  const others = c.peers?.count(groupKey(key)) ?? 0;
  const bits = surprise(newProbability(c, kind)) / (1 + others);
  if (bits <= found.bits) return;
  found.bits = bits;
  found.what = what;
  found.others = others;
}

function owns(c: Context, key: number): boolean {
  return countOf(c.u32, c.at + AT.versions, VERSION_ENTRIES, key) > 0;
}

/** Whether the identity was seen with any version of this kind. */
function hasHad(c: Context, kind: number): boolean {
  return (c.u32[c.at + AT.version_news + kind] as number) > 0;
}

function newProbability(c: Context, kind: number): number {
  const word = c.u32[c.at + AT.version_news + kind] as number;
  const sessions = c.peers?.count(countKey(COUNT.sessions, kind)) ?? 0;
  const news = Math.min(sessions, c.peers?.count(countKey(COUNT.news, kind)) ?? 0);
  const seen = word & 0xffff;
  const believed = (LEAN * (news + 0.5)) / (sessions + 1);
  const expected = ((word >>> 16) + believed) / (seen + LEAN);
  return Math.min(1, Math.max(expected, 1 / (seen + sessions + 1)));
}

/** Surprise of the new tools after the first, where a settled identity uses one that its group does not know either. */
function toolsBits(c: Context): number {
  const { u32, at } = c;
  if ((u32[at + AT.tool_run] as number) === 0 || (u32[at + AT.sessions] as number) < SETTLED) return 0;
  const run = toolRun(c);
  if (run < TOOLS_MIN || !isStrange(c)) return 0;
  const calls = exp2(c.f32[at + momentAt(SPAN.day, MEASURE.calls) + 1] as number);
  let odds = Math.min(1, calls * unseenMass(u32, at + AT.tools));
  for (let i = run - TOOLS_MIN; i >= 0; i--) odds *= (BELIEF / 2 + i) / (BELIEF + i);
  return surprise(odds);
}

/** New tools so far, each within a day of the last, the one at hand included. */
function toolRun(c: Context): number {
  const at = c.at + AT.tool_run;
  const goesOn = c.log_s - (c.u32[at] as number) <= RUN_S;
  return (goesOn ? (c.u32[at + 1] as number) : 0) + (isNewTool(c) ? 1 : 0);
}

/** A tool that neither the identity nor its group has learned. */
function isStrange(c: Context): boolean {
  return c.known.tool === 0 && c.known.near_tool === 0;
}

/** The session takes the versions in, and the run of new tools the tool. Before the tool is noted as new. */
export function observeVersions(c: Context): void {
  for (let i = 0; i < c.f.version.length; i++) if (c.f.version[i] !== 0) addVersion(c.trace, c.f.version[i] as number);
  if (!isNewTool(c) || !isStrange(c)) return;
  const at = c.at + AT.tool_run;
  c.u32[at + 1] = toolRun(c);
  c.u32[at] = c.log_s;
}

function addVersion({ u32 }: Trace, key: number): void {
  const count = u32[TRACE.versions] as number;
  for (let i = 0; i < count; i++) if (u32[TRACE.version + i] === key) return;
  if (count === TRACE_VERSIONS) return;
  u32[TRACE.version + count] = key;
  u32[TRACE.versions] = count + 1;
}

/** An ended session teaches its versions, each once; the group is told of those that are new to the identity. */
function learn({ state, group, trace }: Lesson): void {
  const { u32, at } = state;
  let met = 0;
  let renewed = 0;
  for (let i = 0; i < trace.get(TRACE.versions); i++) {
    const key = trace.get(TRACE.version + i);
    const kind = key & 3;
    met |= 1 << kind;
    if (countOf(u32, at + AT.versions, VERSION_ENTRIES, key) === 0) {
      renewed |= 1 << kind;
      if (kind !== VERSION.known) group.add(groupKey(key), TRUST_FULL);
    }
    increment(u32, at + AT.versions, VERSION_ENTRIES, key);
  }
  for (const kind of [VERSION.identity, VERSION.tool]) {
    if ((met & (1 << kind)) === 0) continue;
    const word = u32[at + AT.version_news + kind] as number;
    const judged = (word & 0xffff) >= BEGINNING;
    // With a server of its own a version is not a change of one.
    const isNew = (renewed & (1 << kind)) !== 0 && !(kind === VERSION.tool && (renewed & (1 << VERSION.known)) !== 0);
    if (judged) {
      group.add(countKey(COUNT.sessions, kind), TRUST_FULL);
      if (isNew) group.add(countKey(COUNT.news, kind), TRUST_FULL);
    }
    const fades = (word & 0xffff) + 1 >= MEMORY ? 1 : 0;
    const news = ((word >>> 16) + (judged && isNew ? 1 : 0)) >>> fades;
    u32[at + AT.version_news + kind] = ((news << 16) | (((word & 0xffff) + 1) >>> fades)) >>> 0;
  }
}

export const versionChange: Detector = {
  name: 'version_change',
  family: 'tool_usage',
  weighed: 'fully',
  voice: 1,
  score: look,
  learnSession: learn,
  explain(c) {
    look(c);
    return found.what === 'tools' ? toolsExplanation(c) : versionExplanation(c, found.what);
  },
};

function versionExplanation(c: Context, what: 'identity' | 'tool'): Explanation {
  const { identity, tool } = c.f.event ?? {};
  const kind = VERSION[what];
  const seen = (c.u32[c.at + AT.version_news + kind] as number) & 0xffff;
  const others = found.others === 0 ? '' : ` ${plural(found.others, 'other', 'others')} of ${peersName(c)} took it up.`;
  const versions = { identity: identity?.version ?? '', tool: tool?.version ?? '' };
  const value = versions[what];
  const server = tool?.server ?? toolName(c);
  const sentence =
    what === 'identity'
      ? `The identity acts as version ${name(value)}, which it never was ${sessions(seen)}.${others}`
      : `${name(server)} answers as version ${name(value)}, which this identity never met ${sessions(seen)}.${others}`;
  return {
    pattern: what === 'identity' ? 'first_seen_version' : 'first_seen_tool_version',
    subject: what === 'identity' ? { kind: 'version', value } : { kind: 'tool_version', value: `${server} ${value}` },
    observed: { name: 'sessions with this version before', value: 0 },
    expected: { name: 'probability of a new one', value: newProbability(c, kind), unit: 'probability' },
    basis: seen > 0 ? 'identity' : c.basis,
    sentence,
  };
}

function toolsExplanation(c: Context): Explanation {
  const run = toolRun(c);
  const version = c.f.event?.identity.version;
  const since = version === undefined ? '' : ` as version ${name(version)}`;
  return {
    pattern: 'tool_set_change',
    subject: { kind: 'tool', value: toolName(c) },
    observed: { name: 'new tools, each within a day of the last', value: run },
    expected: {
      name: 'chance of a new tool per call',
      value: unseenMass(c.u32, c.at + AT.tools),
      unit: 'probability',
    },
    basis: 'identity',
    sentence: `The identity acts with another set of tools${since}: ${name(toolName(c))} is one of ${plural(run, 'tool', 'tools')} that neither it nor ${nearName(c)} used before, each begun within a day of the last.`,
  };
}

const sessions = (seen: number): string => `in ${plural(seen, 'learned session', 'learned sessions')}`;

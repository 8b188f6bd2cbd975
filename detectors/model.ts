import { UNITS } from '../schemas/limits.ts';
import { attribute, contributionsFrom } from './attribution.ts';
import { corrected } from './calibration.ts';
import { combine, voicesOf } from './combine.ts';
import { Context } from './context.ts';
import type { FindingDraft, Model, Prior, Profile, Score, ScoreInput } from './contract.ts';
import type { Detector } from './detector.ts';
import { APART, DETECTORS } from './ensemble.ts';
import { Group } from './group.ts';
import { heard } from './heard.ts';
import { AT, LAYOUT_VERSION, upgradeWords, WORDS } from './layout.ts';
import { learnSession } from './learn.ts';
import { exp2, log2 } from './math/logarithm.ts';
import { observeEvent } from './observe.ts';
import { peersProfile } from './peers/company.ts';
import { decodeDivided, encodeDivided } from './peers/parts.ts';
import { OpenPrior, WordReader } from './prior.ts';
import { buildPriorBytes } from './prior-build.ts';
import { detectorsTouchedBy, relearningOf, relearnWords } from './relearn.ts';
import { type RuleSet, scoresOf } from './rule-set.ts';
import { draftOfSilence } from './silence/finding.ts';
import { restsOf } from './silence/rest.ts';
import { lookAtSilence, restartSilence } from './silence/silence.ts';
import type { StateRef } from './state.ts';
import { Trace } from './trace.ts';
import { advanceWindows, callsADay } from './windows.ts';

const VOICES = voicesOf(DETECTORS);
const RULES_VERSION = 6;
/** Sessions and days after which an identity is judged by its own habits alone. */
const MATURE_SESSIONS = 50;
const MATURE_DAYS = 5;

/** The ensemble behind the contract. One model may serve many identities, one event at a time. */
export function createModel(rules: RuleSet = {}): Model {
  const scores = scoresOf(rules);
  const context = new Context();
  /** The input that was scored last, as long as nothing has changed since. */
  let scored: ScoreInput | undefined;

  const read = (input: ScoreInput): Context => {
    context.read(input);
    return context;
  };
  const readAgain = (input: ScoreInput): Context => {
    if (scored === input) return context;
    read(input);
    claim(scores, context);
    return context;
  };

  return {
    detectors: DETECTORS.map(({ name, family }) => ({ name, family })),
    rules_version: RULES_VERSION,
    layout_version: LAYOUT_VERSION,
    words: WORDS,
    initial: (state) => {
      state.u32.fill(0, state.at, state.at + WORDS);
    },
    upgrade: upgradeWords,
    newSession: () => new Trace(),
    score(input) {
      const c = read(input);
      scored = input;
      const parts = new Array<number>(DETECTORS.length);
      const excess = c.peers?.excess;
      claim(scores, c);
      for (let i = 0; i < parts.length; i++) {
        const bits = c.claims[i] as number;
        parts[i] = excess === undefined ? bits : Math.fround(corrected(bits, i, excess));
      }
      return { bits: Math.fround(combine(VOICES, heard(c, parts, DETECTORS), c)), parts };
    },
    weigh(input, parts) {
      const c = readAgain(input);
      return Math.fround(combine(VOICES, heard(c, parts, DETECTORS), c));
    },
    apart: (input, parts) => (APART.some((i) => parts[i] !== 0) ? apartOf(readAgain(input), parts) : undefined),
    observe(input, score) {
      const c = readAgain(input);
      scored = undefined;
      observeEvent(c, input, score);
    },
    explain: (input, score, bits_min) => explain(readAgain(input), score, bits_min),
    contributions: (input, score) =>
      contributionsFrom(
        DETECTORS,
        attribute(VOICES, heard(readAgain(input), score.parts, DETECTORS), context, score.bits),
      ),
    learn(state, session, group) {
      learnSession(state, session as Trace, group as Group);
    },
    advance: advanceWindows,
    relearn: relearnWords,
    touchedBy: detectorsTouchedBy,
    silence: SILENCE,
    encodeSession: (session) => (session as Trace).encode(),
    decodeSession: (bytes, layout) => Trace.decode(bytes, layout),
    newGroup: () => new Group(),
    encodeGroup: (group) => encodeDivided(group as Group),
    decodeGroup: decodeDivided,
    emptyPrior: () => openPrior(buildPriorBytes(new Map(), 0), 'empty'),
    buildPrior: buildPriorBytes,
    openPrior,
    profile,
  };
}

/**
 * The parts as they are told. The fleet's experience makes those that are judged by the day into bits of an event; of a day with
 * as many events as members have, it is so much likelier. Nothing is said of days where nobody is known.
 */
function toldParts({ peers }: Context, parts: readonly number[]): readonly number[] {
  if (APART.every((i) => parts[i] === 0)) return parts;
  const events_bits = peers === undefined ? Number.POSITIVE_INFINITY : log2(callsADay(peers));
  return parts.map((bits, i) => (APART.includes(i) ? Math.max(0, bits - events_bits) : bits));
}

function apartOf(c: Context, parts: readonly number[]): ReturnType<Model['apart']> {
  const told = toldParts(c, parts);
  let most: { bits: number; detector: string } | undefined;
  for (const i of APART) {
    const bits = told[i] as number;
    if (bits > (most?.bits ?? 0)) most = { bits, detector: (DETECTORS[i] as Detector).name };
  }
  return most;
}

function claim(scores: readonly Detector['score'][], c: Context): void {
  for (let i = 0; i < scores.length; i++) c.claims[i] = Math.fround((scores[i] as Detector['score'])(c));
}

const SILENCE: Model['silence'] = {
  heard: ({ u32, at }) => u32[at + AT.heard_hour] as number,
  restart: restartSilence,
  look(state, log_ms, bits_min, away, peers) {
    const rests = peers === undefined ? [] : restsOf(state, peers);
    const { found, due } = lookAtSilence(state, log_ms, bits_min, away, rests);
    if (found === undefined) return { draft: undefined, due };
    const history = { ...historyOf(state.u32, state.at), basis: 'identity' as const };
    return { draft: { ...draftOfSilence(found), history }, due };
  },
};

/** Copies once, so that the words are aligned and nobody changes them afterwards. */
function openPrior(bytes: Uint8Array, version: string): Prior {
  return new OpenPrior(version, new WordReader(new Uint32Array(new Uint8Array(bytes).buffer)));
}

/** A part that comes near the strongest helps to explain an event, even where only their combination is extreme. */
const NEAR_STRONGEST = 0.5;
const DRAFT_BITS_MIN = 4;
const DRAFTS_MAX = 6;

function explain(c: Context, score: Score, bits_min: number): FindingDraft[] {
  const parts = toldParts(c, score.parts);
  const strongest = Math.max(0, ...parts);
  const least = Math.min(
    Math.max(bits_min, Number.MIN_VALUE),
    strongest,
    Math.max(DRAFT_BITS_MIN, strongest * NEAR_STRONGEST),
  );
  if (strongest === 0) return [];
  const history = historyOf(c.u32, c.at);
  const said = parts
    .map((bits, index) => ({ bits, claim: c.claims[index] as number, detector: DETECTORS[index] as Detector }))
    .filter(({ bits, detector }) => bits >= (isContext(detector) ? Math.min(least, DRAFT_BITS_MIN) : least))
    .sort((a, b) => b.bits - a.bits);
  return strongestOf(said).map((part) => draftOf(c, part, history));
}

function isContext({ weighed }: Detector): boolean {
  return weighed === 'context' || weighed === 'place';
}

/** The access adds to what is said of the work (combine.ts), so what there is to say of it is never left out for that. */
function strongestOf<T extends { readonly detector: Detector }>(said: readonly T[]): T[] {
  let rest = DRAFTS_MAX - said.filter(({ detector }) => isContext(detector)).length;
  return said.filter(({ detector }) => isContext(detector) || rest-- > 0);
}

type Part = { readonly bits: number; readonly claim: number; readonly detector: Detector };

function draftOf(c: Context, part: Part, history: ReturnType<typeof historyOf>): FindingDraft {
  const { bits, detector } = part;
  const { basis, ...explanation } = detector.explain(c, part.claim);
  return {
    detector: detector.name,
    family: detector.family,
    probability: exp2(-bits),
    bits,
    history: { ...history, basis },
    ...explanation,
  };
}

function historyOf(u32: Uint32Array, at: number): Omit<FindingDraft['history'], 'basis'> {
  const sessions = u32[at + AT.sessions] as number;
  const seconds = (u32[at + AT.last_s] as number) - (u32[at + AT.first_s] as number);
  const days = Math.round((seconds * UNITS.SECOND_MS * 10) / UNITS.DAY_MS) / 10;
  const maturity = sessions >= MATURE_SESSIONS && days >= MATURE_DAYS ? 'mature' : 'learning';
  const since = sessions === 0 ? {} : { since: (u32[at + AT.first_s] as number) * UNITS.SECOND_MS };
  return { events: u32[at + AT.events] as number, sessions, days, maturity, ...since };
}

function profile(state: StateRef, among?: Parameters<Model['profile']>[1]): Profile {
  const { u32, at } = state;
  const label = u32[at + AT.peer_label] as number;
  const peers = among === undefined ? undefined : peersProfile(among.prior as OpenPrior, among.group, label);
  return {
    events: u32[at + AT.events] as number,
    sessions: u32[at + AT.sessions] as number,
    first_ms: (u32[at + AT.first_s] as number) * UNITS.SECOND_MS,
    last_ms: (u32[at + AT.last_s] as number) * UNITS.SECOND_MS,
    maturity: historyOf(u32, at).maturity,
    relearning: relearningOf(state),
    ...(peers === undefined ? {} : { peers }),
    baselines: DETECTORS.flatMap((detector) =>
      (detector.baselines?.(state) ?? []).map((baseline) => ({ detector: detector.name, ...baseline })),
    ),
  };
}

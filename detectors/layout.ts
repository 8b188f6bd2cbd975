import { ACCESS_KINDS } from './features.ts';
import { CHAIN_WORDS } from './math/chain.ts';
import { countTableWords } from './math/count-table.ts';
import { MOMENT_WORDS } from './math/moments.ts';

/**
 * Where everything lies in one identity's words. A change here is a new `LAYOUT_VERSION` and a step in `upgradeWords`.
 */
export const LAYOUT_VERSION = 5;

export const TOOL_ENTRIES = 64;
export const BIGRAM_ENTRIES = 112;
export const RESOURCE_ENTRIES = 192;
/** Operations, classifications, stores, servers: few values each, told apart by a namespace in the hash. */
export const NAME_ENTRIES = 48;

/** Tools whose sizes are kept: hash, then moments of arguments, results, records. */
export const SIZE_SLOTS = 14;
export const SIZE_SLOT_WORDS = 1 + 3 * MOMENT_WORDS;

/** Running windows: minute, hour, day. */
export const WINDOW_KINDS = 3;
/** Index of the window plus 1 (0: none open), totals of three volumes, calls, and which volumes are known. */
export const RUNNING_WORDS = 6;
/** Words of the distinct-resources bitmap per window kind; a minute has none. */
export const DISTINCT_WORDS = [0, 2, 4] as const;
/** bytes out, bytes in, records, calls, distinct resources. */
export const MEASURES = 5;
/** The session is a fourth span beside minute, hour and day. */
export const SPANS = 4;

/**
 * Histograms of maxima of sessions and of identity-days, two buckets to a word: budget and doubt are taken from them.
 */
export const SESSION_SCORES = { buckets: 24, bits: 3 } as const;
export const DAY_SCORES = { buckets: 32, bits: 2 } as const;
/** Hour of day on working days and on weekends, two slots to a word. */
export const RHYTHM_SLOTS = 48;

/** Tools of which it is remembered that this identity began to use them, learned or not. */
export const NEW_TOOLS = 3;

/** Hours of the week as in the rhythm, and the longest silences, two to a word each (silence/). */
export const SILENCE_GAPS = 16;

/** Addresses, networks, workloads, credentials and their kinds. */
export const ACCESS_ENTRIES = 48;
/** Tools and stores of which it is counted how often they were used today. */
export const TODAY_ENTRIES = 24;

/** Spans over which data handed on is summed: hour, day and session, the last one kept by the session. */
export const EGRESS_SPANS = 3;

/** What is remembered of the places a credential was used from (access/places.ts). */
export const PLACES_WORDS = 7;

/** Versions of the identity and of its tool servers. */
export const VERSION_ENTRIES = 32;
/** Parts of a baseline that a declared change makes uncertain, each by itself (relearn.ts). */
export const RELEARN_PARTS = 4;

let next = 0;
const region = (words: number): number => {
  const at = next;
  next += words;
  return at;
};

export const AT = {
  /** Learned events and sessions. */
  events: region(1),
  sessions: region(1),
  /** Log clock of the first and last learned session, in seconds since the epoch. */
  first_s: region(1),
  last_s: region(1),
  /** 1 while an open alert holds what the windows would learn. */
  held: region(1),
  tools: region(countTableWords(TOOL_ENTRIES)),
  bigrams: region(countTableWords(BIGRAM_ENTRIES)),
  resources: region(countTableWords(RESOURCE_ENTRIES)),
  names: region(countTableWords(NAME_ENTRIES)),
  sizes: region(SIZE_SLOTS * SIZE_SLOT_WORDS),
  running: region(WINDOW_KINDS * RUNNING_WORDS + DISTINCT_WORDS[1] + DISTINCT_WORDS[2]),
  moments: region(SPANS * MEASURES * MOMENT_WORDS),
  rhythm: region(RHYTHM_SLOTS / 2),
  /** CUSUM of bytes out and of records. */
  drift: region(2),
  novel_runs: region(CHAIN_WORDS),
  denied_runs: region(CHAIN_WORDS),
  error_runs: region(CHAIN_WORDS),
  /** Maxima not yet handed to the group: signed half-words, as what is still going on moves up the buckets. */
  session_scores: region(SESSION_SCORES.buckets / 2),
  day_scores: region(DAY_SCORES.buckets / 2),
  /** Day number of the last event, and the bucket plus 1 under which that day is counted. */
  score_day: region(1),
  score_bucket: region(1),
  /** Tools that were new to the identity lately: hashes, the lowest bit set once the group has been told. */
  new_tools: region(NEW_TOOLS),
  access: region(countTableWords(ACCESS_ENTRIES)),
  /** By kind of access: sessions in which the value was new in the high half-word, sessions in the low one. */
  access_news: region(ACCESS_KINDS),
  places: region(PLACES_WORDS),
  place_runs: region(CHAIN_WORDS),
  today: region(countTableWords(TODAY_ENTRIES)),
  /** Data handed on: totals of the open hour and day, moments by span. */
  egress: region(EGRESS_SPANS - 1 + EGRESS_SPANS * MOMENT_WORDS),
  /** CUSUM of its daily totals. */
  egress_drift: region(1),
  /** Days that have not been learned while they added up. */
  egress_waits: region(1),
  versions: region(countTableWords(VERSION_ENTRIES)),
  /** Of the identity and of tools: sessions that brought a new version in the high half-word, sessions in the low one. */
  version_news: region(2),
  /** Log clock in seconds of the last new tool, and how many of them came within a day of the one before. */
  tool_run: region(2),
  /** By part: learned sessions and log clock in seconds at which a change is learned. */
  relearning: region(2 * RELEARN_PARTS),
  /** Calls on sensitive data: those of today, CUSUM and moments of their daily number. */
  creep: region(2 + MOMENT_WORDS),
  /** Hours since the epoch plus 1, of the log's clock: last active, first watched, silence found (0: it speaks). */
  heard_hour: region(1),
  heard_first: region(1),
  silent_hour: region(1),
  heard_rates: region(RHYTHM_SLOTS / 2),
  heard_gaps: region(SILENCE_GAPS / 2),
  /** Which tools it uses most, as a label (peers/label.ts); 0 before anything was learned. */
  peer_label: region(1),
  /** Hash of the identity's id, by which members of a group are told apart; 0 before its first event. */
  peer_member: region(1),
  /** By kind of access: the new value that was seen last and has not been learned; 0 for none. */
  access_fresh: region(ACCESS_KINDS),
} as const;

/** Words of one identity. */
export const WORDS = next;

export function momentAt(span: number, measure: number): number {
  return AT.moments + (span * MEASURES + measure) * MOMENT_WORDS;
}

/** Words that the layouts before this one had: each ended where the next one went on. */
const LENGTHS: Readonly<Record<number, number>> = {
  1: AT.new_tools,
  2: AT.access,
  3: AT.today,
  4: AT.access_fresh,
  [LAYOUT_VERSION]: WORDS,
};

/** @throws RangeError on a layout that no release had. */
export function upgradeWords(words: Uint32Array, from: number): Uint32Array {
  const length = LENGTHS[from];
  if (length === undefined) throw new RangeError(`state layout ${from} is unknown; known is ${LAYOUT_VERSION}`);
  if (words.length !== length) throw new RangeError(`state of layout ${from} has ${words.length} words, not ${length}`);
  if (from === LAYOUT_VERSION) return words;
  const upgraded = new Uint32Array(WORDS);
  upgraded.set(words);
  return upgraded;
}

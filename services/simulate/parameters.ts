import { LIMITS, UNITS } from '../../schemas/limits.ts';
import type { Story } from './stories/contract.ts';
import { DEFAULT_STORIES, STORIES } from './stories/index.ts';

const IDENTITIES_MAX = 100_000;
const DAYS_MAX = 400;
/** Session numbers of stories share a byte with the lanes of agents. */
const STORIES_MAX = 200;
const INTENSITY_DEFAULT = 0.6;

export type SimulationRequest = {
  /** Any whole number from 0 to 2**53 - 1: the same seed gives the same fleet. */
  readonly seed: number;
  readonly identities: number;
  readonly days: number;
  /** Start of the run, epoch milliseconds. */
  readonly start_ms: number;
  /** `name` or `name:intensity` (0 to 1), repeatable; absent means the default set, empty means none. */
  readonly stories?: readonly string[];
};

export type SimulationError = {
  readonly code:
    | 'bad_seed'
    | 'bad_identities'
    | 'bad_days'
    | 'bad_start'
    | 'unknown_story'
    | 'bad_intensity'
    | 'too_many_stories'
    | 'story_does_not_fit'
    | 'out_unwritable';
  readonly field: 'seed' | 'identities' | 'days' | 'start_ms' | 'stories' | 'out';
  readonly value: string;
  /** What is wrong and what to do about it. */
  readonly message: string;
};

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: SimulationError };

export type ChosenStory = { readonly story: Story; readonly intensity: number };
export type Parameters = Omit<SimulationRequest, 'stories'> & {
  readonly stories: readonly ChosenStory[];
  /** Stories of the default set give way where the fleet is too small; named ones are refused. */
  readonly stories_may_give_way: boolean;
};

const refuse = (
  code: SimulationError['code'],
  field: SimulationError['field'],
  value: unknown,
  message: string,
): { ok: false; error: SimulationError } => ({ ok: false, error: { code, field, value: String(value), message } });

function checkNumbers(request: SimulationRequest): SimulationError | undefined {
  const { seed, identities, days, start_ms } = request;
  const within = (value: number, low: number, high: number): boolean =>
    Number.isSafeInteger(value) && value >= low && value <= high;
  if (!within(seed, 0, Number.MAX_SAFE_INTEGER)) {
    return refuse('bad_seed', 'seed', seed, `seed must be a whole number from 0 to 2^53 - 1, not ${seed}`).error;
  }
  if (!within(identities, 1, IDENTITIES_MAX)) {
    const message = `identities must be a whole number from 1 to ${IDENTITIES_MAX}, not ${identities}`;
    return refuse('bad_identities', 'identities', identities, message).error;
  }
  if (!within(days, 1, DAYS_MAX)) {
    return refuse('bad_days', 'days', days, `days must be a whole number from 1 to ${DAYS_MAX}, not ${days}`).error;
  }
  if (!within(start_ms, LIMITS.time_ms_min, LIMITS.time_ms_max - days * UNITS.DAY_MS)) {
    const message = `start_ms must be epoch milliseconds such that the run lies between 2000 and 2100, not ${start_ms}`;
    return refuse('bad_start', 'start_ms', start_ms, message).error;
  }
  return undefined;
}

/** Checks a request. Every refusal names the field, the value and the remedy. */
export function parseRequest(request: SimulationRequest): Result<Parameters> {
  const wrong = checkNumbers(request);
  if (wrong !== undefined) return { ok: false, error: wrong };
  const names = request.stories ?? DEFAULT_STORIES;
  if (names.length > STORIES_MAX) {
    return refuse(
      'too_many_stories',
      'stories',
      names.length,
      `at most ${STORIES_MAX} stories fit into one run; ask for fewer`,
    );
  }
  const stories: ChosenStory[] = [];
  for (const text of names) {
    const chosen = parseStory(text);
    if (!chosen.ok) return chosen;
    stories.push(chosen.value);
  }
  const { seed, identities, days, start_ms } = request;
  return {
    ok: true,
    value: { seed, identities, days, start_ms, stories, stories_may_give_way: request.stories === undefined },
  };
}

function parseStory(text: string): Result<ChosenStory> {
  const colon = text.indexOf(':');
  const name = (colon < 0 ? text : text.slice(0, colon)).trim();
  const story = STORIES.find((one) => one.name === name);
  if (story === undefined) {
    const close = nearest(
      name,
      STORIES.map((one) => one.name),
    );
    const hint = close === undefined ? '.' : `; did you mean ${close}?`;
    const known = STORIES.map((one) => one.name).join(', ');
    const message = `no story is called ${JSON.stringify(name)}${hint} Known stories: ${known}`;
    return refuse('unknown_story', 'stories', text, message);
  }
  const intensity = colon < 0 ? INTENSITY_DEFAULT : Number(text.slice(colon + 1).trim() || Number.NaN);
  if (!(intensity >= 0 && intensity <= 1)) {
    return refuse(
      'bad_intensity',
      'stories',
      text,
      `intensity must be a number from 0 to 1, as in ${name}:0.5, not as in ${text}`,
    );
  }
  return { ok: true, value: { story, intensity } };
}

/** The known name within a third of the length in edits, if there is one. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((one) => ({ one, edits: distance(name, one) })).sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(2, Math.floor(best.one.length / 3)) ? best.one : undefined;
}

/** Levenshtein distance over the first 64 characters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(64, a.length); i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row[b.length] ?? 0) + Math.max(0, a.length - 64);
}

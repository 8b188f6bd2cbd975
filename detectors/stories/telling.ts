import type { Finding } from '../../schemas/finding.ts';
import type { HandedSubject } from '../../schemas/handed.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { exp2 } from '../math/logarithm.ts';
import { name, plural } from '../sentences.ts';
import { chainOf, type SubjectChain, type Visit } from './chains.ts';
import type { PatternWatch } from './groups.ts';
import type { Chain } from './spread.ts';

/** Something that several identities have in common, and how surprising that is. */
export type Telling = {
  readonly pattern: StoryPattern;
  /** Names it within its tenant. */
  readonly key: string;
  readonly subject: HandedSubject;
  readonly visits: readonly Visit[];
  readonly groups: number;
  readonly linked: number;
  readonly bits: number;
  readonly sensitivity: number;
  readonly outbound: boolean;
  /** What the surprise rests on: how many like it were learned. */
  readonly learned: number;
  /** What is learned of it once it is judged to be nothing; undefined where nothing is held back. */
  readonly held: { readonly class: string; readonly chain: Chain } | undefined;
};

export const STORY_PATTERNS = ['emerging_target', 'handed_on_target', 'shared_pattern'] as const;
export type StoryPattern = (typeof STORY_PATTERNS)[number];
export const STORY_DETECTORS = { chain: 'shared_subject', watch: 'shared_pattern' } as const;

/** Chains and spans that have to be learned before the yardstick is called mature, and days. */
const MATURE_LEARNED = 200;
const MATURE_DAYS = 5;

export function tellingOfChain(chain: SubjectChain, bits: number, learned: number): Telling {
  const { key, subject, visits, across, linked, sensitivity, outbound } = chain;
  return {
    pattern: linked > 0 ? 'handed_on_target' : 'emerging_target',
    key: `subject\u0000${key}`,
    subject,
    visits,
    groups: across + 1,
    linked,
    bits,
    sensitivity,
    outbound,
    learned,
    held: { class: chain.class, chain: chainOf(chain) },
  };
}

export function tellingOfWatch(watch: PatternWatch, bits: number, learned: number): Telling {
  return {
    pattern: 'shared_pattern',
    key: `pattern\u0000${watch.key}\u0000${watch.span}`,
    subject: { kind: 'pattern', value: watch.pattern },
    visits: watch.visits,
    groups: 1,
    linked: 0,
    bits,
    sensitivity: -1,
    outbound: false,
    learned,
    held: undefined,
  };
}

/** The telling as a finding. `days` is how long the tenant has been watched. */
export function findingOf(
  telling: Telling,
  { id, log_ms, days }: { readonly id: string; readonly log_ms: number; readonly days: number },
): Finding {
  const { pattern, subject, visits, bits, learned } = telling;
  const watch = pattern === 'shared_pattern';
  return {
    id,
    detector: watch ? STORY_DETECTORS.watch : STORY_DETECTORS.chain,
    family: 'several_identities',
    pattern,
    time: Math.max(...visits.map(({ event }) => event.time)),
    log_time: log_ms,
    probability: exp2(-bits),
    bits,
    subject: { kind: subject.kind, value: subject.value.slice(0, LIMITS.story_value_chars_max) },
    observed: {
      name: watch
        ? 'members of the group that show it within the hour'
        : 'identities that took it up one after another',
      value: visits.length,
    },
    expected: { name: 'probability of so many', value: exp2(-bits), unit: 'probability' },
    history: {
      events: Math.floor(learned),
      sessions: 0,
      days,
      maturity: learned >= MATURE_LEARNED && days >= MATURE_DAYS ? 'mature' : 'learning',
      basis: watch ? 'peer_group' : 'population',
    },
    evidence: visits.map(({ event }) => event),
    sentence: sentenceOf(telling),
  };
}

/** "4 agents of 3 groups took up the resource X within 40 minutes, 3 of them after one before had handed them work." */
export function sentenceOf(telling: Telling): string {
  const { pattern, subject, visits, groups, linked } = telling;
  const who = whoOf(visits);
  const within = spanOf(visits);
  if (pattern === 'shared_pattern') {
    return `${who} of one group show the same departure from habit (${words(subject.value)}) within ${within}.`;
  }
  const spread = groups > 1 ? ` of ${groups} groups` : ' of one group';
  const handed =
    linked === 0 ? '' : `, ${linked === 1 ? 'one' : linked} of them after one before had handed work to it`;
  return `${who}${spread}, to whom it was new, took up the ${words(subject.kind)} ${name(subject.value)} within ${within}${handed}.`;
}

export function whoOf(visits: readonly Visit[]): string {
  const agents = visits.every(({ identity }) => identity.kind === 'agent');
  const most = visits.length >= LIMITS.story_identities_max ? 'At least ' : '';
  return most + (agents ? plural(visits.length, 'agent', 'agents') : plural(visits.length, 'identity', 'identities'));
}

function spanOf(visits: readonly Visit[]): string {
  const times = visits.map(({ at }) => at);
  const minutes = Math.max(1, Math.ceil((Math.max(...times) - Math.min(...times)) / UNITS.MINUTE_MS));
  if (minutes < 120) return plural(minutes, 'minute', 'minutes');
  return plural(Math.ceil(minutes / 60), 'hour', 'hours');
}

const words = (value: string): string => name(value.replaceAll('_', ' '));

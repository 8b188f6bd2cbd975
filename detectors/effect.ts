import type { ContainmentAction } from '../schemas/alert.ts';
import type { EffectWatch } from '../schemas/effect.ts';
import type { CanonicalEvent } from '../schemas/event.ts';
import type { Family } from '../schemas/finding.ts';
import type { FindingDraft, Profile } from './contract.ts';
import { exp2 } from './math/logarithm.ts';
import { duration, moment, plural, quoted, times } from './sentences.ts';

/**
 * Whether a containment holds: which events it should have made impossible, and what is said when one went through. No
 * baseline and no threshold: humans countersigned that it must not happen again.
 */
export const EFFECT_DETECTOR = 'containment_effect';

/** Not learned surprise but broken promise: more than any detector says of habit, so that it names the alert. */
export const EFFECT_BITS = 64;

/** What each action promises: how its failure is called, in which family, and what it was about. */
type Promised = {
  readonly pattern: string;
  readonly family: Family;
  readonly subject: string;
  /** The event that shows the failure, in words. */
  readonly shown: (target: string) => string;
};

const PROMISED: Readonly<Record<ContainmentAction, Promised>> = {
  restrict_tool: {
    pattern: 'restricted_tool_used',
    family: 'tool_usage',
    subject: 'tool',
    shown: (target) => `a call of the tool ${quoted(target)}`,
  },
  restrict_data_class: {
    pattern: 'restricted_data_reached',
    family: 'retrieval_pattern',
    subject: 'classification',
    shown: (target) => `an access to data of class ${quoted(target)}`,
  },
  quarantine_session: {
    pattern: 'quarantined_session_active',
    family: 'access_context',
    subject: 'session',
    shown: (target) => `an event of the session ${quoted(target)}`,
  },
  revoke_credential: {
    pattern: 'revoked_credential_used',
    family: 'access_context',
    subject: 'credential',
    shown: (target) => `an event with the credential ${quoted(target)}`,
  },
  suspend_agent: {
    pattern: 'suspended_agent_active',
    family: 'access_context',
    subject: 'identity',
    shown: (target) => `an event of ${quoted(target)}`,
  },
};

/** What containments that do not hold are called. */
export const EFFECT_PATTERNS: readonly string[] = Object.values(PROMISED).map(({ pattern }) => pattern);

/** How an event of the watched identity bears on the promise. */
export type Bearing = 'permitted' | 'refused' | 'other';

/** `event` is of the identity that the watch names. An outcome that is not known is taken for one that went through. */
export function bearingOf({ predicate }: EffectWatch, event: CanonicalEvent): Bearing {
  const { credential, session, tool, classification } = predicate;
  if (credential !== undefined && !isNamed(event.credential?.id, credential)) return 'other';
  if (session !== undefined && !isNamed(event.session, session)) return 'other';
  if (tool !== undefined && !isNamed(toolOf(event), tool)) return 'other';
  if (classification !== undefined && !event.resources.some((one) => isNamed(one.classification, classification))) {
    return 'other';
  }
  const { status } = event.outcome;
  return status === 'denied' || status === 'error' ? 'refused' : 'permitted';
}

/** What was countersigned is well-formed text (RFC 8785): a name with lone surrogates, an agent's choice, is meant by it. */
function isNamed(value: string | undefined, target: string): boolean {
  return value === target || value?.toWellFormed() === target;
}

/** As the detectors name it, whose word the containment's target is. */
function toolOf({ tool, action }: CanonicalEvent): string {
  return tool?.name ?? action.name ?? action.operation;
}

/** The finding that a containment does not hold, of the event that shows it. `permitted`: how many have by now. */
export function failureDraft(
  watch: EffectWatch,
  event: CanonicalEvent,
  { permitted, profile }: { readonly permitted: number; readonly profile: Profile },
): FindingDraft {
  const { pattern, family, subject } = promisedBy(watch);
  const { events, sessions, first_ms, last_ms, maturity } = profile;
  const days = Math.max(0, (last_ms - first_ms) / DAY_MS);
  const what = { name: 'events that went through after the containment', unit: 'events' as const };
  return {
    detector: EFFECT_DETECTOR,
    family,
    pattern,
    probability: exp2(-EFFECT_BITS),
    bits: EFFECT_BITS,
    subject: { kind: subject, value: targetOf(watch) },
    observed: { ...what, value: permitted },
    expected: { ...what, value: 0 },
    history: { events, sessions, days, maturity, basis: 'identity' },
    contributed: EFFECT_BITS,
    sentence: failureSentence(watch, event.time, permitted),
  };
}
const DAY_MS = 86_400_000;

export function failureSentence(watch: EffectWatch, time: number, permitted: number): string {
  const { shown } = promisedBy(watch);
  const more = permitted > 1 ? `, ${plural(permitted, 'event', 'events')} by then` : '';
  return `Containment ${watch.containment} (${watch.action}) was carried out, and ${shown(targetOf(watch))} went through at ${moment(time)}, ${sinceWords(time - watch.from)} after it had to hold${more}.`;
}

const sinceWords = (ms: number): string => (ms < 1_000 ? 'less than a second' : duration(ms));

/** What the telemetry of a watch came to. */
export type Seen = {
  readonly permitted: number;
  readonly refused: number;
  readonly others: number;
  /** Events that fit and came long after the start of the watch, but say that they happened before it. */
  readonly backdated: number;
  /** Event time of the newest event of the identity's source; 0 where none was heard of. */
  readonly source_newest: number;
  /** Time within the watch in which the source, or all peers, were silent as well. */
  readonly away_ms: number;
};

/**
 * What a watch that is over says, and why. Refused attempts prove that the containment holds; silence proves it only where
 * it would have been heard, so an identity that says nothing is verified by the events of others from the same source.
 */
export function concludeWatch(
  watch: EffectWatch,
  seen: Seen,
): { readonly finding: 'failed' | 'verified' | 'untested'; readonly why: string } {
  const { permitted, refused, others, backdated, source_newest, away_ms } = seen;
  const { shown } = promisedBy(watch);
  const span = duration(Math.max(0, watch.until - watch.from));
  const what = shown(targetOf(watch));
  if (permitted > 0) {
    const refusals = refused === 0 ? '' : `, and was refused ${times(refused)}`;
    return { finding: 'failed', why: `In ${span} ${what} went through ${times(permitted)}${refusals}.` };
  }
  if (backdated > 0) {
    const said = `${plural(backdated, 'event', 'events')} that would show a failure came late and claim an earlier time`;
    return { finding: 'untested', why: `${said}: nobody can tell whether it holds.` };
  }
  if (refused > 0) {
    return { finding: 'verified', why: `In ${span} ${what} was tried ${times(refused)} and never went through.` };
  }
  if (source_newest < watch.from) {
    return { finding: 'untested', why: `Nothing was heard of its source in ${span}, so nothing could have been seen.` };
  }
  if (away_ms * 2 >= watch.until - watch.from) {
    const away = `its source or all of its peers were silent for ${duration(away_ms)} of ${span}`;
    return { finding: 'untested', why: `Nothing was seen, but ${away}.` };
  }
  const gap = away_ms === 0 ? '' : ` (its source was silent for ${duration(away_ms)} of it)`;
  const did =
    others === 0
      ? 'nothing was heard of the identity while its source was'
      : `${plural(others, 'other event', 'other events')} of the identity came`;
  return { finding: 'verified', why: `In ${span}${gap} ${did}, and never ${what}.` };
}

/** An action of a release that knows more of them is taken for what it does to the identity as a whole. */
function promisedBy({ action }: EffectWatch): Promised {
  return PROMISED[action as ContainmentAction] ?? PROMISED.suspend_agent;
}

function targetOf({ predicate }: EffectWatch): string {
  const { identity, credential, session, tool, classification } = predicate;
  return tool ?? classification ?? session ?? credential ?? identity;
}

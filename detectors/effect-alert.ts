import type { Alternative, ContainmentAction, Recommendation } from '../schemas/alert.ts';
import { CONTAINMENT_ACTIONS } from '../schemas/alert.ts';
import type { Finding } from '../schemas/finding.ts';
import { EFFECT_DETECTOR } from './effect.ts';
import type { AlertDescription, AlertFacts } from './recommend.ts';
import { name, quoted } from './sentences.ts';
import { type SeverityFacts, severityAt, severityOf } from './severity.ts';

/**
 * What a person reads of a containment that does not hold: that first, whatever else was found, and a stronger containment
 * or the same by another lever. Like every recommendation it is a proposal (promise P5).
 */
type Failed = { readonly action: ContainmentAction; readonly still: (target: string) => string };

const FAILED: Readonly<Record<string, Failed>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, Failed>, {
    restricted_tool_used: {
      action: 'restrict_tool',
      still: (target: string) => `still uses the tool ${quoted(target)}`,
    },
    restricted_data_reached: {
      action: 'restrict_data_class',
      still: (target: string) => `still reaches data of class ${quoted(target)}`,
    },
    quarantined_session_active: {
      action: 'quarantine_session',
      still: (target: string) => `still acts in the session ${quoted(target)}`,
    },
    revoked_credential_used: {
      action: 'revoke_credential',
      still: (target: string) => `still acts with the credential ${quoted(target)}`,
    },
    suspended_agent_active: { action: 'suspend_agent', still: () => 'still acts' },
  } satisfies Record<string, Failed>),
);

/** The last finding that makes an alert one about a failed containment, if one does. */
export function failureOf(findings: readonly Finding[]): Finding | undefined {
  return findings.findLast(({ detector, pattern }) => detector === EFFECT_DETECTOR && FAILED[pattern] !== undefined);
}

const SENTENCES_MAX = 3;
/** Enough for `high` by itself; whatever makes it worse makes it `critical`. */
const FAILED_POINTS = 5;

/** `failure` is one of the findings that `level` names, which are the strongest first. */
export function describeFailure(
  facts: AlertFacts,
  failure: Finding,
  level: SeverityFacts,
): Omit<AlertDescription, 'techniques'> {
  const { action, still } = FAILED[failure.pattern] as Failed;
  const target = failure.subject?.value ?? facts.identity.id;
  const others = level.findings.filter(({ pattern }) => pattern !== failure.pattern);
  const sentences = [...new Set([failure, ...others].map(({ sentence }) => sentence))];
  // That it should not have happened is no matter of likelihood: nothing that speaks against surprise lowers it.
  const grounds = severityOf(level).grounds.filter(({ points }) => points > 0);
  const words = 'a containment that humans approved was carried out and does not hold';
  const all = [{ ground: 'containment_failed' as const, points: FAILED_POINTS, words }, ...grounds];
  return {
    title: `Containment failed: ${name(facts.identity.name ?? facts.identity.id)} ${still(target)}`,
    summary: sentences.slice(0, SENTENCES_MAX).join(' '),
    severity: severityAt(all.reduce((sum, { points }) => sum + points, 0)),
    grounds: all,
    ...escalation(facts, { action, target, why: failure.sentence }),
  };
}

type Tried = { readonly action: ContainmentAction; readonly target: string; readonly why: string };

function escalation(
  facts: AlertFacts,
  tried: Tried,
): { readonly recommendation: Recommendation; readonly alternatives: Alternative[] } {
  const { action, because } = nextOf(facts, tried);
  const target = targetOf(facts, tried, action) ?? facts.identity.id;
  return {
    recommendation: { action, target, parameters: {}, reason: `${because} ${tried.why}` },
    alternatives: CONTAINMENT_ACTIONS.filter((other) => other !== action).map((other) => {
      const about = targetOf(facts, tried, other);
      return { action: other, ...(about !== undefined && { target: about }), why_not: whyNot(other, tried, about) };
    }),
  };
}

function nextOf(
  { credential }: AlertFacts,
  tried: Tried,
): { readonly action: ContainmentAction; readonly because: string } {
  if (tried.action === 'suspend_agent') {
    return credential === undefined
      ? {
          action: 'suspend_agent',
          because: 'Suspending it was reported as done and has no effect: look at the target, then suspend it again.',
        }
      : {
          action: 'revoke_credential',
          because: 'Suspending it has no effect; without its credential it cannot act, wherever it runs.',
        };
  }
  if (tried.action === 'quarantine_session' && credential !== undefined) {
    return {
      action: 'revoke_credential',
      because: 'The session could not be stopped; without its credential it cannot go on.',
    };
  }
  return {
    action: 'suspend_agent',
    because: 'The narrower containment does not hold; suspending the identity stops all.',
  };
}

function targetOf(facts: AlertFacts, tried: Tried, action: ContainmentAction): string | undefined {
  if (action === tried.action) return tried.target;
  if (action === 'quarantine_session') return facts.session;
  if (action === 'revoke_credential') return facts.credential;
  return action === 'suspend_agent' ? facts.identity.id : undefined;
}

function whyNot(action: ContainmentAction, tried: Tried, target: string | undefined): string {
  if (action === tried.action) return 'It was carried out and does not hold.';
  if (action === 'suspend_agent') return 'Wider than needed, if what is proposed holds.';
  if (target === undefined) return 'The events name nothing that it could be aimed at.';
  return 'Too narrow: what was meant to stop the identity has failed already.';
}

import type { ContainmentAction, Severity } from '../../../schemas/alert.ts';
import type { CancelReason, Containment, ContainmentTerms } from '../../../schemas/containment.ts';
import type { Effect } from '../../../schemas/effect.ts';

/** What the codes of containments mean, in the words of the pages. */

type Phrase = { readonly title: string; readonly undo: string; readonly means: string; readonly target: string };

export const ACTIONS: Readonly<Record<ContainmentAction, Phrase>> = {
  restrict_tool: {
    title: 'Restrict a tool',
    undo: 'Give back a tool',
    means: 'Takes this tool from the identity. Its other work goes on.',
    target: 'tool',
  },
  restrict_data_class: {
    title: 'Restrict a class of data',
    undo: 'Give back a class of data',
    means: 'Keeps the identity from data of this class. Its other work goes on.',
    target: 'class of data',
  },
  quarantine_session: {
    title: 'Quarantine a session',
    undo: 'Release a session',
    means: 'Stops this session. Other sessions of the identity go on.',
    target: 'session',
  },
  revoke_credential: {
    title: 'Revoke a credential',
    undo: 'Give back a credential',
    means: 'Takes this credential away: whatever uses it loses its access until a new one is issued.',
    target: 'credential',
  },
  suspend_agent: {
    title: 'Suspend an agent',
    undo: 'Resume an agent',
    means: 'Stops everything that the identity does, until it is resumed.',
    target: 'identity',
  },
};

/** What is asked for, as a heading. */
export function askedFor({ recommendation, origin }: Pick<ContainmentTerms, 'recommendation' | 'origin'>): string {
  const { title, undo } = ACTIONS[recommendation.action];
  return origin?.kind === 'rollback' ? undo : title;
}

export function meaning({ recommendation, origin }: Pick<ContainmentTerms, 'recommendation' | 'origin'>): string {
  if (origin?.kind === 'rollback') return 'Takes back what an earlier containment did.';
  return ACTIONS[recommendation.action].means;
}

/** How a state looks: what it is called, and in which tone. */
export type Tone = 'calm' | 'wait' | 'good' | 'bad';
type Shown = { readonly name: string; readonly tone: Tone; readonly says: string };

export const STATES: Readonly<Record<Containment['state'], Shown>> = {
  pending: { name: 'Waiting for approval', tone: 'wait', says: 'Nothing has been sent. Silence denies it.' },
  approved: { name: 'Approved', tone: 'wait', says: 'It is about to be carried out.' },
  dispatching: { name: 'Being carried out', tone: 'wait', says: 'It was sent, and the answer is awaited.' },
  succeeded: { name: 'Carried out', tone: 'good', says: 'The target confirmed it.' },
  failed: { name: 'Failed', tone: 'bad', says: 'The target refused, or nothing was sent. It did not take effect.' },
  unknown: {
    name: 'Outcome unknown',
    tone: 'bad',
    says: 'It was sent, and nobody knows what became of it. Somebody has to look at the target itself.',
  },
  denied: { name: 'Denied', tone: 'calm', says: 'One denial ends it. Nothing was sent.' },
  expired: { name: 'Expired', tone: 'calm', says: 'Its time ran out. Nothing was sent.' },
  cancelled: { name: 'Cancelled', tone: 'calm', says: 'It was called off before anything was sent.' },
};

export const EFFECTS: Readonly<Record<Effect['state'], Shown>> = {
  watching: { name: 'Being watched', tone: 'wait', says: 'Telemetry is watched for what must no longer be seen.' },
  verified: { name: 'Verified', tone: 'good', says: 'The source was heard, and nothing got through.' },
  failed: { name: 'Containment failed', tone: 'bad', says: 'What must no longer be seen was seen.' },
  untested: { name: 'Untested', tone: 'wait', says: 'Nothing could have been seen: the source was not heard.' },
  needs_human: { name: 'Needs a person', tone: 'bad', says: 'Somebody has to look at the target itself.' },
};

export const CANCELLED: Readonly<Record<CancelReason, string>> = {
  withdrawn: 'it was withdrawn',
  alert_false_positive: 'its alert was judged a false positive',
  alert_expected_change: 'its alert was judged an expected change',
  quorum_lost: 'its approvals no longer held when it was to be carried out',
  superseded: 'a newer proposal of the same alert took its place',
};

export const SEVERITY_TONE: Readonly<Record<Severity, Tone>> = {
  low: 'calm',
  medium: 'calm',
  high: 'wait',
  critical: 'bad',
};

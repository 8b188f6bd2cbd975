import { SEVERITIES } from '../../../schemas/alert.ts';
import type { Containment, ContainmentState } from '../../../schemas/containment.ts';
import type { ControlRecord } from '../../../schemas/control.ts';
import type { NoticeFilter, NoticeKind } from '../../../schemas/notify.ts';

/** Something to tell people, about one containment or several that came together. */
export type Notice = {
  /** Names what is told: the same in every attempt and after every crash, so that a repeat is recognised. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** The one that it is about, or the first of several. */
  readonly containment: Containment;
  /** Others that are told of with it. */
  readonly others: readonly Containment[];
  /** When it came to be, epoch milliseconds: the same in every attempt. */
  readonly when: number;
};

/**
 * What a record of the control log tells people; undefined when nothing. A function of the record alone, so that every
 * lane and every process reads the same out of it. What is proposed is told by the agenda, a while later.
 */
export function noticeOf(record: ControlRecord): Notice | undefined {
  if (record.kind !== 'containment_changed') return undefined;
  const { containment, from, when } = record;
  const kind = kindOf(containment, from);
  return kind === undefined ? undefined : noticeAbout(kind, containment, when);
}

export function noticeAbout(
  kind: NoticeKind,
  containment: Containment,
  when: number,
  others: readonly Containment[] = [],
): Notice {
  return { id: `${kind}-${containment.id}-${containment.digest.slice(0, 16)}`, kind, containment, others, when };
}

const ENDS: Partial<Record<ContainmentState, NoticeKind>> = {
  approved: 'approved',
  denied: 'denied',
  expired: 'expired',
  cancelled: 'cancelled',
  succeeded: 'succeeded',
  failed: 'failed',
  unknown: 'unknown',
};

function kindOf(containment: Containment, from: ContainmentState | undefined): NoticeKind | undefined {
  const { state, votes, effect, resolution } = containment;
  if (from !== state) {
    if (state !== 'pending') return ENDS[state];
    return isBreakGlass(containment) ? 'break_glass' : 'proposed';
  }
  // A vote leaves a vote behind; a change of the terms takes all of them away.
  if (state === 'pending') return votes.length === 0 ? 'amended' : undefined;
  return effect?.state === 'failed' && resolution === undefined ? 'effect_failed' : undefined;
}

export function isBreakGlass({ terms }: Containment): boolean {
  return terms.break_glass !== undefined;
}

/**
 * Whether somebody is told. An emergency is told to everybody, whatever else they want to hear; only the border between
 * tenants holds for it, too.
 */
export function isWanted(filter: NoticeFilter, kind: NoticeKind, containment: Containment): boolean {
  const { terms } = containment;
  if (filter.tenants !== undefined && !filter.tenants.includes(terms.tenant)) return false;
  if (isBreakGlass(containment)) return true;
  if (!filter.about.includes(kind)) return false;
  return SEVERITIES.indexOf(terms.alert.severity) >= SEVERITIES.indexOf(filter.severity_min);
}

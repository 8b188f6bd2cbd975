import type { Containment } from '../../../schemas/containment.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { NoticeKind } from '../../../schemas/notify.ts';
import { principalKey } from '../../../schemas/principal.ts';
import type { Notice } from './notice.ts';

/** What a message says, before it takes the form of a mail or of a chat. */
export type Facts = {
  /** One line, of our own words and of names that agents may have chosen. */
  readonly subject: string;
  /** What it is and what is wanted, in our own words alone. */
  readonly lead: string;
  readonly urgent: boolean;
  readonly shown: readonly ContainmentFacts[];
  /** How many more there are than are shown. */
  readonly more: number;
  /** Where to look: the containment, or the list of all. */
  readonly link: string;
};

export type ContainmentFacts = {
  readonly containment: Containment;
  readonly link: string;
  /** Label and value. Values may be of an agent's choosing: bounded, of one line, and never markup. */
  readonly rows: readonly (readonly [string, string])[];
};

/**
 * Text that an agent may have written, for people: one line, bounded, without characters that turn or hide what stands
 * beside them (Unicode TR 36, sections 2.5 and 3), and without what a mail program would make a link of.
 */
export function plain(text: string, chars_max: number = LIMITS.notify_name_chars_max): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replaceAll(/\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb]/gu, '')
    .replaceAll(/:\/\//g, '[:]//')
    .replaceAll(/\b(www)\./gi, '$1[.]')
    .replaceAll(/\b(mailto|javascript|data):/gi, '$1[:]')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const points = [...line];
  return points.length <= chars_max ? line : `${points.slice(0, chars_max - 1).join('')}…`;
}

const LEADS: Readonly<Record<NoticeKind, string>> = {
  proposed: 'A containment waits for approval.',
  break_glass:
    'EMERGENCY: a containment was requested as break-glass and waits for approval. It needs the full quorum.',
  amended: 'A containment was changed. All votes on it are void: it needs to be looked at and approved anew.',
  reminder: 'A containment still waits for approval and expires soon. Silence denies.',
  approved: 'A containment has its approvals and will be carried out.',
  denied: 'A containment was denied. Nothing was sent.',
  expired: 'A containment expired. Nothing was sent.',
  cancelled: 'A containment was cancelled. Nothing was sent.',
  succeeded: 'A containment was carried out. Telemetry is now watched for its effect.',
  failed: 'The execution of a containment failed: the target refused, or nothing was sent.',
  unknown: 'Nobody knows whether a containment took effect: its execution had no clear answer. Look at the target.',
  effect_failed: 'A containment was carried out and does NOT hold: the identity did again what it must not.',
};

const SUBJECTS: Readonly<Record<NoticeKind, string>> = {
  proposed: 'Approval needed',
  break_glass: 'BREAK-GLASS, approval needed',
  amended: 'Changed, approval needed anew',
  reminder: 'Reminder, approval needed',
  approved: 'Approved',
  denied: 'Denied',
  expired: 'Expired',
  cancelled: 'Cancelled',
  succeeded: 'Carried out',
  failed: 'Execution failed',
  unknown: 'Outcome unknown',
  effect_failed: 'Containment does not hold',
};

/** Characters of a name in the subject line. */
const SUBJECT_CHARS = 48;

/** What a notice says. `public_url` is where people reach this installation, without a slash at its end. */
export function factsOf(
  notice: Notice,
  options: { readonly public_url: string; readonly detail: 'full' | 'link' },
): Facts {
  const { containment, others, kind } = notice;
  const all = [containment, ...others];
  const hidden = options.detail === 'link';
  const urgent = containment.terms.break_glass !== undefined;
  const linkOf = ({ id }: Containment): string => `${options.public_url}/containments/${id}`;
  const shown = all.slice(0, LIMITS.notify_shown_max);
  return {
    subject: `${urgent && kind !== 'break_glass' ? 'BREAK-GLASS: ' : ''}${SUBJECTS[kind]}${hidden ? '' : `: ${headline(all)}`}`,
    lead: all.length === 1 ? LEADS[kind] : `${all.length} containments wait for approval.`,
    urgent,
    shown: shown.map((one) => ({ containment: one, link: linkOf(one), rows: hidden ? [] : rowsOf(one, kind) })),
    more: all.length - shown.length,
    link: all.length === 1 ? linkOf(containment) : `${options.public_url}/containments`,
  };
}

function headline([first, ...others]: readonly Containment[]): string {
  if (first === undefined) return '';
  const { recommendation, identity, alert } = first.terms;
  const what = `${actionOf(first)} ${plain(recommendation.target, SUBJECT_CHARS)} of ${plain(identity.id, SUBJECT_CHARS)}`;
  return `${what} (${alert.severity})${others.length === 0 ? '' : ` and ${others.length} more`}`;
}

function actionOf({ terms }: Containment): string {
  const words = terms.recommendation.action.replaceAll('_', ' ');
  return terms.origin?.kind === 'rollback' ? `roll back ${words}` : words;
}

function rowsOf(containment: Containment, kind: NoticeKind): (readonly [string, string])[] {
  const { terms, state, execution, effect } = containment;
  const { identity, recommendation, alert } = terms;
  const named = identity.name === undefined ? '' : ` (${plain(identity.name)})`;
  const rows: (readonly [string, string])[] = [
    ['Identity', `${plain(identity.id)}${named}, ${identity.kind}`],
    ['Action', actionOf(containment)],
    ['Target', plain(recommendation.target)],
    ['Severity', alert.severity],
    ['Alert', plain(alert.title, LIMITS.notify_text_chars_max)],
    ['Summary', plain(alert.summary, LIMITS.notify_text_chars_max)],
    ['Approvals', `${approvalsOf(containment)} of ${terms.policy.approvals}`],
  ];
  if (terms.tenant !== 'default') rows.unshift(['Tenant', plain(terms.tenant)]);
  if (terms.break_glass !== undefined)
    rows.push(['Emergency', plain(terms.break_glass.why, LIMITS.notify_text_chars_max)]);
  if (state === 'pending') rows.push(['Expires', time(containment.approval_expires)]);
  if (state === 'pending' && terms.executor === undefined) rows.push(['Executor', 'none: it cannot be carried out']);
  if (execution?.detail !== undefined) rows.push(['Answer', plain(execution.detail, LIMITS.notify_text_chars_max)]);
  if (kind === 'effect_failed' && effect?.report !== undefined) {
    rows.push(['Seen since', plain(effect.report.why, LIMITS.notify_text_chars_max)]);
  }
  rows.push(['Digest', containment.digest.slice(0, 16)]);
  return rows;
}

/** Distinct people who approved these terms. Whether they still count is decided when it matters. */
export function approvalsOf({ votes, digest }: Containment): number {
  const approving = votes.filter((vote) => vote.decision === 'approve' && vote.digest === digest);
  return new Set(approving.map(({ by }) => principalKey(by))).size;
}

/** `2026-03-01 09:30 UTC` */
export function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

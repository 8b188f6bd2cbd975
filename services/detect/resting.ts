import type { Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { IdentityState, OpenAlert } from './identity.ts';

/**
 * An agent that was given other tools surprises every day until somebody judges it, as what an alert holds is not
 * learned. So that it does not fill the queue, an alert that shows other tools or versions rests when it falls quiet:
 * what follows from the same change wakes it, with the uid that it has, instead of opening another.
 *
 * A finding follows from the change when the alert showed its tool, server, version or kind of operation already. Others
 * of the same event may come with it as long as they only say the same of another tool, or are too weak to stand for
 * themselves. A volume, a class of data, a new target or an access that is strong by itself is another harm and opens an alert of
 * its own. An alert rests for a week after it fell quiet, and no longer than two after it was opened: then it is told anew.
 */
export type RestingAlert = {
  readonly open: OpenAlert;
  /** What it showed to be new, as `subjectOf` names it. */
  readonly subjects: readonly string[];
  readonly until_ms: number;
};

const OF_TOOLS: ReadonlySet<string> = new Set([
  'first_seen_tool',
  'rare_tool',
  'unlikely_transition',
  'unlikely_sequence',
  'new_operation',
  'rare_operation',
  'first_seen_server',
  'rare_server',
  'first_seen_version',
  'first_seen_tool_version',
  'tool_set_change',
]);
/** It says that a call does not belong here, which is true of every call of a new tool, and names what it touched. */
const OUT_OF_CONTEXT = 'out_of_context';

const subjectOf = ({ pattern, subject }: Finding): string | undefined =>
  subject === undefined || !OF_TOOLS.has(pattern) ? undefined : `${subject.kind}\u0000${subject.value}`;

/** The alert fell quiet and is closed; if it told of other tools, it may come back. */
export function restAlert(state: IdentityState, open: OpenAlert): void {
  const subjects = new Set(open.alert.findings.flatMap((finding) => subjectOf(finding) ?? []));
  const until_ms = Math.min(open.quiet_due + LIMITS.alert_rest_ms, open.alert.created + LIMITS.held_expiry_ms);
  state.resting = state.resting.filter((resting) => resting.until_ms > state.clock_ms);
  if (subjects.size === 0 || until_ms <= state.clock_ms) return;
  state.resting.push({ open, subjects: [...subjects], until_ms });
  if (state.resting.length > LIMITS.alerts_resting_per_identity_max) state.resting.shift();
}

/** The resting alert of which these findings are the sequel, open again. */
export function wakeAlert(
  state: IdentityState,
  findings: readonly Finding[],
  { log_ms, alert_bits }: { readonly log_ms: number; readonly alert_bits: number },
): OpenAlert | undefined {
  const found = state.resting.find(
    ({ subjects, until_ms }) => until_ms > log_ms && follows(findings, subjects, alert_bits / 2),
  );
  if (found === undefined || state.alerts.length >= LIMITS.alerts_open_per_identity_max) return undefined;
  state.resting = state.resting.filter((resting) => resting !== found);
  const { closed_reason: _closed, ...alert } = found.open.alert;
  const open: OpenAlert = { ...found.open, alert: { ...alert, status: 'open' } };
  state.alerts.push(open);
  return open;
}

/** Somebody judged the alert: what comes later is judged by what was learned of it. */
export function forgetResting(state: IdentityState, uid: string): void {
  state.resting = state.resting.filter(({ open }) => open.alert.uid !== uid);
}

function follows(findings: readonly Finding[], subjects: readonly string[], weak_bits: number): boolean {
  const isKnown = (finding: Finding): boolean => {
    const subject = subjectOf(finding);
    return subject !== undefined && subjects.includes(subject);
  };
  return (
    findings.some(isKnown) &&
    findings.every(({ pattern, bits }) => OF_TOOLS.has(pattern) || pattern === OUT_OF_CONTEXT || bits < weak_bits)
  );
}

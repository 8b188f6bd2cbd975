import type { Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { IdentityState, OpenAlert } from './identity.ts';
import { isOfAccess, isOfDays, isOfTools, shownBy, shownWith } from './shown.ts';

/**
 * An agent that was given other tools, or another credential, surprises every day until somebody judges it, as what an
 * alert holds is not learned. So that it does not fill the queue, an alert that shows tools, versions, places or
 * credentials rests when it falls quiet: what follows from the same change wakes it, with the uid that it has, instead
 * of opening another. So does one that tells of days that add up: the next day of the same sum is no news.
 *
 * A finding follows from the change when the alert showed its tool, server, version or kind of operation already, or its
 * very address, network, workload or credential. Others of the same event may come with it when the alert showed
 * them too, when they are too weak to stand for themselves, or when a known tool is there and they only say the same of
 * another. A strong finding that is new (an address, credential, class or target that the alert did not show) and any
 * amount, rate or run is another harm and opens an alert of its own. An alert rests for a week after it fell quiet, and no
 * longer than two after it was opened: then it is told anew.
 */
export type RestingAlert = {
  readonly open: OpenAlert;
  readonly until_ms: number;
};

/** It says that a call does not belong here, which is true of every call of a new tool, and names what it touched. */
const OUT_OF_CONTEXT = 'out_of_context';

/** The alert fell quiet and is closed; if it told of tools, places or credentials, it may come back. */
export function restAlert(state: IdentityState, open: OpenAlert): void {
  const until_ms = Math.min(open.quiet_due + LIMITS.alert_rest_ms, open.alert.created + LIMITS.held_expiry_ms);
  state.resting = state.resting.filter((resting) => resting.until_ms > state.clock_ms);
  if (!open.alert.findings.some(wakes) || until_ms <= state.clock_ms) return;
  state.resting.push({ open, until_ms });
  if (state.resting.length > LIMITS.alerts_resting_per_identity_max) state.resting.shift();
}

/** The resting alert of which these findings are the sequel, open again. */
export function wakeAlert(
  state: IdentityState,
  findings: readonly Finding[],
  { log_ms, alert_bits }: { readonly log_ms: number; readonly alert_bits: number },
): OpenAlert | undefined {
  const found = state.resting.find(
    ({ open, until_ms }) => until_ms > log_ms && follows(findings, shownIn(open), alert_bits / 2),
  );
  if (found === undefined || state.alerts.length >= LIMITS.alerts_open_per_identity_max) return undefined;
  state.resting = state.resting.filter((resting) => resting !== found);
  const { closed_reason: _closed, ...alert } = found.open.alert;
  const open: OpenAlert = { ...found.open, alert: { ...alert, status: 'open' }, told: [] };
  state.alerts.push(open);
  return open;
}

/** Somebody judged the alert: what comes later is judged by what was learned of it. */
export function forgetResting(state: IdentityState, uid: string): void {
  state.resting = state.resting.filter(({ open }) => open.alert.uid !== uid);
}

/** The keys of what the alert showed. One that was opened before they were kept has those of the findings it holds. */
export const shownIn = ({ shown, alert }: OpenAlert): readonly string[] => shown ?? shownWith([], alert.findings);

/**
 * What an alert told since it woke: it has long told of these patterns, of old, so what is told now begins anew, and an
 * address or credential is told by its name. The names are bounded, the patterns are few.
 */
export function toldWith(told: readonly string[], findings: readonly Finding[]): readonly string[] {
  const all = new Set(told);
  for (const { detector, pattern } of findings) all.add(`${detector}/${pattern}`);
  for (const name of findings.filter(isOfAccess).map(shownBy)) {
    if (name !== undefined && all.size < LIMITS.alert_shown_max) all.add(name);
  }
  return all.size === told.length ? told : [...all];
}

/** Whether an alert that woke told of one of these since: then they belong to it, in whatever session they are. */
export function hasTold(told: readonly string[], findings: readonly Finding[]): boolean {
  return findings.some((finding) =>
    told.includes((isOfAccess(finding) ? shownBy(finding) : undefined) ?? `${finding.detector}/${finding.pattern}`),
  );
}

const wakes = (finding: Finding): boolean =>
  (isOfTools(finding) || isOfAccess(finding) || isOfDays(finding)) && shownBy(finding) !== undefined;

function follows(findings: readonly Finding[], shown: readonly string[], weak_bits: number): boolean {
  const isKnown = (finding: Finding): boolean => {
    const key = shownBy(finding);
    return key !== undefined && shown.includes(key);
  };
  const known = findings.filter(isKnown);
  if (!known.some(wakes)) return false;
  const sameTools = known.some(isOfTools);
  return findings.every(
    (finding) =>
      finding.bits < weak_bits ||
      known.includes(finding) ||
      (sameTools && (isOfTools(finding) || finding.pattern === OUT_OF_CONTEXT)),
  );
}

import { peerGroupOf } from '../../../../detectors/contract.ts';
import { AGE_ENOUGH, IDENTITY_DAYS_ENOUGH, SESSIONS_ENOUGH } from '../../../../detectors/threshold.ts';
import type { Alert, Severity } from '../../../../schemas/alert.ts';
import type { Finding } from '../../../../schemas/finding.ts';
import { UNITS } from '../../../../schemas/limits.ts';
import type { FindingRow, ScoredEvent } from '../../../../schemas/outputs.ts';
import type { Adopted, BacktestStep } from '../backtest.ts';

/** What a backtest keeps of one alert, to tell of the analyst's week and to find it again in another run. */
export type LedgerAlert = {
  readonly uid: string;
  /** Identity with its tenant, as `NotedIdentity.key`. */
  readonly key: string;
  readonly identity: string;
  readonly title: string;
  readonly severity: Severity;
  readonly bits: number;
  /** Recorded clock, epoch milliseconds; `closed` is undefined while it is open. */
  readonly created: number;
  readonly closed: number | undefined;
  readonly revisions: number;
  /** The identity was still learning when it was raised. */
  readonly learning: boolean;
  readonly opened_by: Pick<Finding, 'detector' | 'pattern' | 'sentence'>;
  /** What its strongest finding says, as of its last revision. */
  readonly sentence: string;
  /** Keys of the events that its findings are about, and its sessions. */
  readonly events: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
};

export type NotedIdentity = {
  /** Tenant and id. */
  readonly key: string;
  readonly tenant: string;
  readonly id: string;
  /** Declared peer group, or one per kind of identity. */
  readonly group: string;
  /** Days of the recorded clock on which it did something. */
  readonly days: ReadonlySet<number>;
};

export type Ledger = {
  add(step: BacktestStep): void;
  readonly alerts: readonly LedgerAlert[];
  readonly identities: readonly NotedIdentity[];
  /** First and last event on the recorded clock, epoch milliseconds; undefined before the first. */
  readonly span: { readonly from_ms: number; readonly to_ms: number } | undefined;
  /** Adopted thresholds, in order. */
  readonly thresholds: readonly Adopted[];
  /**
   * The first prior that was made when the recording had shown enough for thresholds that are all the fleet's own
   * (threshold.ts): since when the alert budget means something.
   */
  readonly own_since_ms: number | undefined;
};

/** Between the parts of a key. */
export const NUL = '\u0000';

type Open = { -readonly [K in keyof LedgerAlert]: LedgerAlert[K] } & {
  readonly events: Set<string>;
  readonly sessions: Set<string>;
};

export function createLedger(): Ledger {
  const alerts = new Map<string, Open>();
  const eventsOf = new Map<string, Set<string>>();
  const identities = new Map<string, NotedIdentity & { readonly days: Set<number> }>();
  const thresholds: Adopted[] = [];
  const seen = createExperience();
  let own_since_ms: number | undefined;
  let from_ms = Number.POSITIVE_INFINITY;
  let to_ms = Number.NEGATIVE_INFINITY;

  const addEvent = ({ event, log_time }: ScoredEvent): void => {
    from_ms = Math.min(from_ms, log_time);
    to_ms = Math.max(to_ms, log_time);
    const key = keyOf(event.tenant, event.identity.id);
    const day = Math.floor(log_time / UNITS.DAY_MS);
    const known = identities.get(key);
    if (known === undefined) {
      const group = peerGroupOf(event).slice(event.tenant.length + 1);
      identities.set(key, { key, tenant: event.tenant, id: event.identity.id, group, days: new Set([day]) });
      seen.identityDay(day);
    } else if (!known.days.has(day)) {
      known.days.add(day);
      seen.identityDay(day);
    }
    seen.session(`${key}${NUL}${event.session ?? ''}`);
  };

  const addFinding = ({ finding, alert_uid }: FindingRow): void => {
    if (alert_uid === undefined) return;
    const events = eventsOf.get(alert_uid) ?? new Set();
    events.add(finding.evidence[0]?.key ?? finding.id);
    eventsOf.set(alert_uid, events);
  };

  const addRevision = (alert: Alert): void => {
    const known = alerts.get(alert.uid);
    if (known === undefined) alerts.set(alert.uid, opened(alert, eventsOf.get(alert.uid) ?? new Set()));
    else revised(known, alert);
  };

  return {
    add({ outputs, adopted }) {
      for (const row of outputs.events) addEvent(row);
      for (const row of outputs.findings) addFinding(row);
      for (const { alert } of outputs.alerts) addRevision(alert);
      if (adopted === undefined) return;
      thresholds.push(adopted);
      if (seen.enough()) own_since_ms ??= adopted.at_ms;
    },
    get alerts() {
      return [...alerts.values()];
    },
    get identities() {
      return [...identities.values()];
    },
    get span() {
      return to_ms < from_ms ? undefined : { from_ms, to_ms };
    },
    thresholds,
    get own_since_ms() {
      return own_since_ms;
    },
  };
}

const keyOf = (tenant: string, identity: string): string => `${tenant}${NUL}${identity}`;

function opened(alert: Alert, events: Set<string>): Open {
  const first = alert.findings[0];
  if (first === undefined) throw new RangeError(`alert ${alert.uid} has no finding`);
  const { detector, pattern, sentence, history } = first;
  return {
    uid: alert.uid,
    key: keyOf(alert.tenant, alert.identity.id),
    identity: alert.identity.id,
    title: alert.title,
    severity: alert.severity,
    bits: alert.bits,
    created: alert.created,
    closed: undefined,
    revisions: 1,
    learning: history.maturity === 'learning',
    opened_by: { detector, pattern, sentence },
    sentence,
    events,
    sessions: new Set(alert.sessions),
  };
}

function revised(known: Open, alert: Alert): void {
  known.title = alert.title;
  known.severity = alert.severity;
  known.bits = alert.bits;
  known.revisions = alert.revision;
  known.sentence = alert.findings[0]?.sentence ?? known.sentence;
  for (const session of alert.sessions) known.sessions.add(session);
  if (alert.status === 'closed') known.closed = alert.updated;
}

/** What the fleet has shown so far, counted no further than it matters. */
function createExperience() {
  const sessions = new Set<string>();
  let identity_days = 0;
  let first_day = Number.POSITIVE_INFINITY;
  let last_day = Number.NEGATIVE_INFINITY;
  return {
    identityDay(day: number): void {
      identity_days += 1;
      first_day = Math.min(first_day, day);
      last_day = Math.max(last_day, day);
    },
    session(name: string): void {
      if (sessions.size < SESSIONS_ENOUGH) sessions.add(name);
    },
    enough: (): boolean =>
      identity_days >= IDENTITY_DAYS_ENOUGH && sessions.size >= SESSIONS_ENOUGH && last_day - first_day >= AGE_ENOUGH,
  };
}

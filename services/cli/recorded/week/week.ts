import { SEVERITIES, type Severity } from '../../../../schemas/alert.ts';
import { UNITS } from '../../../../schemas/limits.ts';
import type { Rules } from '../rules.ts';
import { type BudgetReport, budgetReport } from './budget.ts';
import { type Calendar, calendarOf } from './calendar.ts';
import type { Ledger, LedgerAlert, NotedIdentity } from './ledger.ts';

/**
 * What the week of an analyst would have looked like: a pure summary of a backtest. Times are the recording's, in UTC;
 * an alert counts on the day on which it was raised.
 */
export type Week = Calendar & {
  readonly rules: Rules;
  readonly alerts: number;
  readonly by_severity: Readonly<Partial<Record<Severity, number>>>;
  readonly identity_days: number;
  readonly alerts_per_1000_identity_days: number;
  readonly alert_bits: number | null;
  readonly budget: BudgetReport;
  readonly learning: { readonly alerts: number; readonly share: number };
  readonly open: OpenTimes;
  readonly revisions: { readonly all: number; readonly per_alert: number; readonly most: number };
  /** All with an alert, most alerts first. */
  readonly by_identity: readonly IdentityLine[];
  readonly by_group: readonly GroupLine[];
  /** What the alerts were raised for, most alerts first. */
  readonly noise: readonly NoiseLine[];
};

export type OpenTimes = {
  readonly closed: number;
  /** Open when the recording ended: they count in none of the hours. */
  readonly still_open: number;
  readonly hours_median: number | null;
  readonly hours_p90: number | null;
  readonly hours_most: number | null;
  readonly at_once_most: number;
};

export type IdentityLine = {
  readonly tenant: string;
  readonly identity: string;
  readonly peer_group: string;
  readonly alerts: number;
  readonly days: number;
  readonly mostly: string;
};

export type GroupLine = {
  readonly tenant: string;
  readonly peer_group: string;
  readonly identities: number;
  readonly identity_days: number;
  readonly alerts: number;
  readonly alerts_per_1000_identity_days: number;
};

export type NoiseLine = {
  readonly detector: string;
  readonly pattern: string;
  readonly alerts: number;
  readonly identities: number;
  /** The identity with the most of them. */
  readonly worst: { readonly identity: string; readonly alerts: number };
  readonly examples: readonly {
    readonly alert: string;
    readonly identity: string;
    readonly time: string;
    readonly sentence: string;
  }[];
};

const EXAMPLES_MAX = 3;

export function weekOf(ledger: Ledger, rules: Rules): Week {
  const { alerts, identities } = ledger;
  const identity_days = identities.reduce((sum, { days }) => sum + days.size, 0);
  const learning = alerts.filter((alert) => alert.learning).length;
  return {
    rules,
    alerts: alerts.length,
    by_severity: severitiesOf(alerts),
    identity_days,
    alerts_per_1000_identity_days: perThousand(alerts.length, identity_days),
    alert_bits: ledger.thresholds.at(-1)?.alert_bits ?? null,
    budget: budgetReport(ledger, rules.budget),
    ...calendarOf(ledger),
    learning: { alerts: learning, share: rounded(learning / Math.max(1, alerts.length), 3) },
    open: openTimes(alerts),
    revisions: revisionsOf(alerts),
    by_identity: byIdentity(alerts, identities),
    by_group: byGroup(alerts, identities),
    noise: noiseOf(alerts),
  };
}

function severitiesOf(alerts: readonly LedgerAlert[]): Week['by_severity'] {
  const counts: Partial<Record<Severity, number>> = {};
  for (const severity of SEVERITIES.toReversed()) {
    const count = alerts.filter((alert) => alert.severity === severity).length;
    if (count > 0) counts[severity] = count;
  }
  return counts;
}

function openTimes(alerts: readonly LedgerAlert[]): OpenTimes {
  const hours = alerts
    .flatMap(({ created, closed }) => (closed === undefined ? [] : [(closed - created) / UNITS.HOUR_MS]))
    .toSorted((a, b) => a - b);
  const at = (share: number): number | null => {
    const found = hours[Math.min(hours.length - 1, Math.floor(share * hours.length))];
    return found === undefined ? null : rounded(found, 1);
  };
  return {
    closed: hours.length,
    still_open: alerts.length - hours.length,
    hours_median: at(0.5),
    hours_p90: at(0.9),
    hours_most: at(1),
    at_once_most: atOnce(alerts),
  };
}

/** Most alerts that were open at one time; one that closes makes room for one that opens at the same time. */
function atOnce(alerts: readonly LedgerAlert[]): number {
  const changes = alerts
    .flatMap(({ created, closed = Number.POSITIVE_INFINITY }) => [
      { at: created, by: 1 },
      { at: closed, by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let [open, most] = [0, 0];
  for (const { by } of changes) {
    open += by;
    most = Math.max(most, open);
  }
  return most;
}

function revisionsOf(alerts: readonly LedgerAlert[]): Week['revisions'] {
  const all = alerts.reduce((sum, { revisions }) => sum + revisions, 0);
  const most = alerts.reduce((max, { revisions }) => Math.max(max, revisions), 0);
  return { all, per_alert: rounded(all / Math.max(1, alerts.length), 1), most };
}

function byIdentity(alerts: readonly LedgerAlert[], identities: readonly NotedIdentity[]): IdentityLine[] {
  const known = new Map(identities.map((identity) => [identity.key, identity]));
  return [...Map.groupBy(alerts, ({ key }) => key)]
    .map(([key, own]) => {
      const noted = known.get(key);
      const mostly = mostOf(own, ({ opened_by }) => opened_by.pattern).name;
      const [tenant, peer_group, days] = [noted?.tenant ?? '', noted?.group ?? '', noted?.days.size ?? 0];
      return { tenant, identity: own[0]?.identity ?? '', peer_group, alerts: own.length, days, mostly };
    })
    .sort((a, b) => b.alerts - a.alerts || order(a.identity, b.identity) || order(a.tenant, b.tenant));
}

function byGroup(alerts: readonly LedgerAlert[], identities: readonly NotedIdentity[]): GroupLine[] {
  const count = new Map([...Map.groupBy(alerts, ({ key }) => key)].map(([key, own]) => [key, own.length]));
  return [...Map.groupBy(identities, ({ tenant, group }) => `${tenant}\u0000${group}`).values()]
    .map((members) => {
      const identity_days = members.reduce((sum, { days }) => sum + days.size, 0);
      const own = members.reduce((sum, { key }) => sum + (count.get(key) ?? 0), 0);
      return {
        tenant: members[0]?.tenant ?? '',
        peer_group: members[0]?.group ?? '',
        identities: members.length,
        identity_days,
        alerts: own,
        alerts_per_1000_identity_days: perThousand(own, identity_days),
      };
    })
    .sort((a, b) => b.alerts - a.alerts || order(a.peer_group, b.peer_group) || order(a.tenant, b.tenant));
}

function noiseOf(alerts: readonly LedgerAlert[]): NoiseLine[] {
  return [...Map.groupBy(alerts, ({ opened_by }) => `${opened_by.detector}/${opened_by.pattern}`).values()]
    .map((own) => {
      const { detector = '', pattern = '' } = own[0]?.opened_by ?? {};
      const worst = mostOf(own, ({ identity }) => identity);
      const examples = own
        .toSorted((a, b) => b.bits - a.bits || order(a.uid, b.uid))
        .slice(0, EXAMPLES_MAX)
        .map(({ uid, identity, created, opened_by }) => {
          return { alert: uid, identity, time: new Date(created).toISOString(), sentence: opened_by.sentence };
        });
      const identities = new Set(own.map(({ key }) => key)).size;
      const most = { identity: worst.name, alerts: worst.count };
      return { detector, pattern, alerts: own.length, identities, worst: most, examples };
    })
    .sort((a, b) => b.alerts - a.alerts || order(a.detector, b.detector) || order(a.pattern, b.pattern));
}

function mostOf(
  alerts: readonly LedgerAlert[],
  nameOf: (alert: LedgerAlert) => string,
): { readonly name: string; readonly count: number } {
  const [name = '', own = []] =
    [...Map.groupBy(alerts, nameOf)].sort((a, b) => b[1].length - a[1].length || order(a[0], b[0]))[0] ?? [];
  return { name, count: own.length };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const perThousand = (alerts: number, identity_days: number): number =>
  identity_days === 0 ? 0 : rounded((alerts / identity_days) * 1000, 1);
const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

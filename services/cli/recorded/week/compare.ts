import { SEVERITIES, type Severity } from '../../../../schemas/alert.ts';
import type { Rules } from '../rules.ts';
import { type Ledger, type LedgerAlert, NUL } from './ledger.ts';
import { type Week, weekOf } from './week.ts';

/**
 * Two runs over the same events, A and B. An alert is in both when the other run has one on the same identity that is
 * about one of its events or its sessions; then the two may well be of different size, so each run counts its own.
 */
export type Comparison = {
  readonly rules: { readonly a: Rules; readonly b: Rules };
  /** The week of B; that of A stands beside this. */
  readonly week: Week;
  readonly in_both: { readonly a: number; readonly b: number };
  readonly only_a: number;
  readonly only_b: number;
  /** By the detector that opened the alert, and by identity; greatest change first. */
  readonly by_detector: readonly ({ readonly detector: string } & Split)[];
  readonly by_identity: readonly ({ readonly tenant: string; readonly identity: string } & Split)[];
  /** Alerts of A that B would not have raised, and the reverse: most severe first, then most surprising. */
  readonly lost: readonly ComparedAlert[];
  readonly won: readonly ComparedAlert[];
};

export type Split = {
  readonly a: number;
  readonly b: number;
  readonly only_a: number;
  readonly only_b: number;
};

export type ComparedAlert = {
  readonly alert: string;
  readonly time: string;
  readonly severity: Severity;
  readonly bits: number;
  readonly identity: string;
  readonly title: string;
  readonly detector: string;
  readonly sentence: string;
};

const TOLD_MAX = 20;

type Side = { readonly ledger: Ledger; readonly rules: Rules };

export function compareRuns(a: Side, b: Side): Comparison {
  const lost = missingIn(b.ledger, a.ledger.alerts);
  const won = missingIn(a.ledger, b.ledger.alerts);
  const runs = { a: a.ledger.alerts, b: b.ledger.alerts, lost, won };
  return {
    rules: { a: a.rules, b: b.rules },
    week: weekOf(b.ledger, b.rules),
    in_both: { a: runs.a.length - lost.length, b: runs.b.length - won.length },
    only_a: lost.length,
    only_b: won.length,
    by_detector: splitBy(runs, ({ opened_by }) => opened_by.detector).map(([detector, split]) => {
      return { detector, ...split };
    }),
    by_identity: splitBy(runs, ({ key }) => key).map(([key, split]) => {
      const [tenant = '', identity = ''] = key.split(NUL);
      return { tenant, identity, ...split };
    }),
    lost: told(lost),
    won: told(won),
  };
}

function missingIn(other: Ledger, alerts: readonly LedgerAlert[]): LedgerAlert[] {
  const theirs = Map.groupBy(other.alerts, ({ key }) => key);
  return alerts.filter((alert) => !(theirs.get(alert.key) ?? []).some((one) => isSame(alert, one)));
}

function isSame(a: LedgerAlert, b: LedgerAlert): boolean {
  return a.uid === b.uid || meet(a.events, b.events) || meet(a.sessions, b.sessions);
}

function meet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const one of a) if (b.has(one)) return true;
  return false;
}

type Runs = Readonly<Record<'a' | 'b' | 'lost' | 'won', readonly LedgerAlert[]>>;

function splitBy({ a, b, lost, won }: Runs, nameOf: (alert: LedgerAlert) => string): [string, Split][] {
  const [inA, inB, inLost, inWon] = [a, b, lost, won].map((alerts) => countsOf(alerts, nameOf));
  return [...new Set([...a, ...b].map(nameOf))]
    .map((name): [string, Split] => [
      name,
      {
        a: inA?.get(name) ?? 0,
        b: inB?.get(name) ?? 0,
        only_a: inLost?.get(name) ?? 0,
        only_b: inWon?.get(name) ?? 0,
      },
    ])
    .sort(([nameA, x], [nameB, y]) => changeOf(y) - changeOf(x) || y.a + y.b - x.a - x.b || (nameA < nameB ? -1 : 1));
}

const changeOf = ({ only_a, only_b }: Split): number => only_a + only_b;

function countsOf(alerts: readonly LedgerAlert[], nameOf: (alert: LedgerAlert) => string): Map<string, number> {
  return new Map([...Map.groupBy(alerts, nameOf)].map(([name, own]) => [name, own.length]));
}

function told(alerts: readonly LedgerAlert[]): ComparedAlert[] {
  return alerts
    .toSorted(
      (a, b) =>
        SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || b.bits - a.bits || (a.uid < b.uid ? -1 : 1),
    )
    .slice(0, TOLD_MAX)
    .map(({ uid, created, severity, bits, identity, title, opened_by, sentence }) => ({
      alert: uid,
      time: new Date(created).toISOString(),
      severity,
      bits,
      identity,
      title,
      detector: opened_by.detector,
      sentence,
    }));
}

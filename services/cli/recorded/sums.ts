import { UNITS } from '../../../schemas/limits.ts';
import type { Decided } from '../../ingest/core.ts';
import type { BacktestStep } from './backtest.ts';

/** What came in and what came out of a backtest, in numbers. */
export type Sums = {
  readonly events: number;
  decided(decided: Decided): void;
  step(step: BacktestStep): void;
  summary(counters: Readonly<Record<string, number>>, identities: number): Summary;
};

export type Summary = {
  readonly received: number;
  readonly events: number;
  readonly absorbed: number;
  readonly unresolved: number;
  readonly duplicates: number;
  readonly dead_letters: number;
  readonly dead_letter_reasons: Readonly<Record<string, number>>;
  readonly identities: number;
  readonly identity_days: number;
  readonly first_time: string | null;
  readonly last_time: string | null;
  readonly findings: number;
  readonly alerts: number;
  readonly alerts_by_severity: Readonly<Record<string, number>>;
  readonly alert_revisions: number;
  readonly alerts_per_1000_identity_days: number;
};

export function createSums(): Sums {
  let events = 0;
  let absorbed = 0;
  let unresolved = 0;
  let findings = 0;
  let revisions = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  const reasons: Record<string, number> = {};
  const severities = new Map<string, string>();
  const identityDays = new Set<string>();
  return {
    get events() {
      return events;
    },
    decided(decided) {
      if (decided.kind === 'absorbed') absorbed++;
      else if (decided.kind === 'accepted' && decided.way === 'unresolved') unresolved++;
      else if (decided.kind === 'dead_letter') {
        const { reason } = decided.letter;
        reasons[reason] = (reasons[reason] ?? 0) + 1;
      }
    },
    step({ outputs }) {
      events += outputs.events.length;
      findings += outputs.findings.length;
      revisions += outputs.alerts.length;
      for (const { alert } of outputs.alerts) severities.set(alert.uid, alert.severity);
      for (const { event, log_time } of outputs.events) {
        first = Math.min(first, event.time);
        last = Math.max(last, event.time);
        identityDays.add(`${event.tenant}\u0000${event.identity.id}\u0000${Math.floor(log_time / UNITS.DAY_MS)}`);
      }
    },
    summary(counters, identities) {
      const by_severity: Record<string, number> = {};
      for (const severity of severities.values()) by_severity[severity] = (by_severity[severity] ?? 0) + 1;
      const dead_letters = Object.values(reasons).reduce((a, b) => a + b, 0);
      return {
        received: (counters.event ?? 0) + absorbed + dead_letters,
        events: counters.accepted ?? 0,
        absorbed,
        unresolved,
        duplicates: counters.duplicate ?? 0,
        dead_letters,
        dead_letter_reasons: reasons,
        identities,
        identity_days: identityDays.size,
        first_time: events === 0 ? null : new Date(first).toISOString(),
        last_time: events === 0 ? null : new Date(last).toISOString(),
        findings,
        alerts: severities.size,
        alerts_by_severity: by_severity,
        alert_revisions: revisions,
        alerts_per_1000_identity_days:
          identityDays.size === 0 ? 0 : Math.round((severities.size / identityDays.size) * 10_000) / 10,
      };
    },
  };
}

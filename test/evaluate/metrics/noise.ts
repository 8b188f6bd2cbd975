import type { FleetFacts, Owner } from '../facts.ts';
import { perThousand, shareOf } from './numbers.ts';
import { peakAbove } from './recall.ts';

/** What a threshold costs: alerts (or identity-days above a level) by whose they are, and per 1,000 identity-days. */
export type Noise = {
  readonly identity_days: number;
  readonly attack: number;
  readonly beside: number;
  readonly look_alike: number;
  readonly nobody: number;
  readonly false_per_1000: number;
  readonly look_alike_per_1000: number;
  /** Share of all but those beside an attack that rest on an attack. */
  readonly precision: number | undefined;
};

export type LookAlike = {
  readonly story: string;
  readonly runs: number;
  /** Runs in which somebody was alerted about it at the shipped budget, the alerts, and runs with an event above the level. */
  readonly alerted_runs: number;
  readonly alerts: number;
  readonly runs_above_level: number;
};

export type Source = { readonly detector: string; readonly pattern: string; readonly false_alarms: number };

type Counts = Record<Owner, number>;

/** Alerts at the shipped budget, in the second half of the runs. */
export function noiseAtBudget(facts: readonly FleetFacts[]): Noise {
  const alerts = facts.flatMap((run) => run.alerts).filter(({ learning }) => !learning);
  return noiseOf(
    countsOf(alerts),
    facts.reduce((sum, run) => sum + run.days.length, 0),
  );
}

/** Alerts per 1,000 identity-days of the first half, while baselines form. */
export function learningNoise(facts: readonly FleetFacts[]): number {
  const alerts = facts.flatMap((run) => run.alerts).filter(({ learning }) => learning).length;
  return perThousand(
    alerts,
    facts.reduce((sum, run) => sum + run.learning_identity_days, 0),
  );
}

/** Identity-days above the level; what was caught of attacks is counted by story, as an alert would be. */
export function noiseAtLevel(facts: readonly FleetFacts[], level: number): Noise {
  const days = facts.flatMap((run) => run.days);
  const counts = countsOf(days.filter(({ bits }) => bits > level));
  const caught = facts
    .flatMap((run) => run.stories)
    .filter(({ kind, peaks }) => kind === 'attack' && peakAbove(peaks, level) !== undefined);
  return noiseOf({ ...counts, attack: caught.length }, days.length);
}

export function lookAlikesOf(facts: readonly FleetFacts[], level: number): LookAlike[] {
  const benign = facts.flatMap((run) => run.stories).filter(({ kind }) => kind === 'benign');
  return [...Map.groupBy(benign, ({ story }) => story)]
    .map(([story, runs]) => {
      const alerts = facts.map(
        (run) => run.alerts.filter((alert) => alert.owner === 'look_alike' && alert.story === story).length,
      );
      return {
        story,
        runs: runs.length,
        alerted_runs: alerts.filter((count) => count > 0).length,
        alerts: alerts.reduce((sum, count) => sum + count, 0),
        runs_above_level: runs.filter(({ peaks }) => peakAbove(peaks, level) !== undefined).length,
      };
    })
    .sort((a, b) => b.alerts - a.alerts || (a.story < b.story ? -1 : 1));
}

/** What raises false alarms at the shipped budget, by the finding that opened them, most first. */
export function worstSources(facts: readonly FleetFacts[], most: number): Source[] {
  const alerts = facts.flatMap((run) => run.alerts).filter((alert) => alert.owner === 'nobody' && !alert.learning);
  return [...Map.groupBy(alerts, ({ detector, pattern }) => `${detector}/${pattern}`)]
    .map(([, own]) => ({
      detector: own[0]?.detector ?? '',
      pattern: own[0]?.pattern ?? '',
      false_alarms: own.length,
    }))
    .sort((a, b) => b.false_alarms - a.false_alarms || (a.pattern < b.pattern ? -1 : 1))
    .slice(0, most);
}

function countsOf(list: readonly { readonly owner: Owner }[]): Counts {
  const counts: Counts = { attack: 0, beside: 0, look_alike: 0, nobody: 0 };
  for (const { owner } of list) counts[owner] += 1;
  return counts;
}

function noiseOf(counts: Counts, identity_days: number): Noise {
  return {
    identity_days,
    ...counts,
    false_per_1000: perThousand(counts.nobody, identity_days),
    look_alike_per_1000: perThousand(counts.look_alike, identity_days),
    precision: shareOf(counts.attack, counts.attack + counts.look_alike + counts.nobody),
  };
}

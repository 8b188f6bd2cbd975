import type { Report, StoryReport } from '../evaluate.ts';
import { aimsOf } from '../metrics/aims.ts';
import type { Noise } from '../metrics/noise.ts';
import { wilson } from '../metrics/numbers.ts';
import type { Caught, Curve, Point } from '../metrics/recall.ts';
import type { Judged } from '../recorded/referee.ts';

/** One table, for the terminal, for Markdown and for HTML alike. */
export type Table = {
  readonly title: string;
  readonly note: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

export function tablesOf(report: Report): Table[] {
  const { stories, recorded } = report;
  return [
    aimTable(report),
    ...(stories === undefined ? [] : storyTables(stories)),
    ...(recorded.length === 0 ? [] : [recordedTable(recorded)]),
  ];
}

function aimTable(report: Report): Table {
  return {
    title: 'Aims',
    note: 'What detection is meant to reach. Of two figures the first is the floor, the second what is aimed at.',
    head: ['aim', 'wanted', 'measured', 'met'],
    rows: aimsOf(report).map(({ aim, wanted, measured, met }) => [aim, wanted, measured, met ? 'yes' : 'no']),
  };
}

function storyTables(report: StoryReport): Table[] {
  return [
    recallTable(report, {
      title: 'Recall at one false alarm in 1,000 quiet identity-days',
      note: levelNote(report.level),
      at: (point) => point.level,
      end: (curve) => curve.faint_end.level,
    }),
    recallTable(report, {
      title: `Recall at the shipped budget (${report.budget} alerts per 1,000 identity-days)`,
      note: 'By alert: a story is caught by an alert on its identity that rests on an event of it.',
      at: (point) => point.budget,
      end: (curve) => curve.faint_end.budget,
    }),
    familyTable(report),
    noiseTable(report),
    lookAlikeTable(report),
    sourceTable(report),
  ];
}

function levelNote({ bits, identity_days }: StoryReport['level']): string {
  const seen =
    identity_days >= 1000
      ? `which one in 1,000 of ${identity_days} quiet identity-days exceeds`
      : `the most of ${identity_days} quiet identity-days, too few to see one in 1,000`;
  return `By score: a story is caught by an event of its own above ${number(bits)} bits, ${seen}.`;
}

type Side = {
  readonly title: string;
  readonly note: string;
  readonly at: (point: Point) => Caught;
  readonly end: (curve: Curve) => number | undefined;
};

function recallTable({ curves, plan }: StoryReport, { title, note, at, end }: Side): Table {
  return {
    title,
    note:
      `${note} Columns are intensities; delays are medians over all caught, minutes with the 90th percentile. The faint end ` +
      'is the least intensity from which on recall stays at 0.98; in brackets what so few runs at full intensity can show at least (Wilson, 95 %).',
    head: ['story', ...plan.intensities.map(String), 'faint end', 'delay, events', 'delay, minutes', 'runs'],
    rows: curves.map((curve) => {
      const points = plan.intensities.map((intensity) => curve.points.find((point) => point.intensity === intensity));
      const last = curve.points.at(-1);
      const sure = last === undefined ? undefined : wilson(at(last).caught, last.runs)?.low;
      const typical = typicalOf(curve, at);
      return [
        curve.story,
        ...points.map((point) => (point === undefined ? '' : share(at(point).recall))),
        `${end(curve) ?? 'none'}${sure === undefined ? '' : ` (${share(sure)})`}`,
        typical?.delay_events === undefined ? '' : number(typical.delay_events),
        typical?.delay_minutes === undefined
          ? ''
          : `${number(typical.delay_minutes)} / ${number(typical.delay_minutes_p90 ?? 0)}`,
        String(curve.points.reduce((sum, point) => sum + point.runs, 0)),
      ];
    }),
  };
}

/** Delays at the intensity nearest to the default of the simulator at which anything was caught. */
function typicalOf(curve: Curve, at: Side['at']): Caught | undefined {
  const caught = curve.points.filter((point) => at(point).caught > 0);
  const nearest = caught.sort((a, b) => Math.abs(a.intensity - TYPICAL) - Math.abs(b.intensity - TYPICAL))[0];
  return nearest && at(nearest);
}

const TYPICAL = 0.6;

function familyTable({ curves }: StoryReport): Table {
  return {
    title: 'Explained by a family that fits',
    note: 'Of the stories caught at the shipped budget, over all intensities: whether the strongest finding about the first event caught is of a family that names the harm.',
    head: ['story', 'caught', 'by a family that fits', 'strongest finding'],
    rows: curves.map(({ story, points, told_by }) => {
      const caught = points.reduce((sum, { budget }) => sum + budget.caught, 0);
      const right = points.reduce((sum, { budget }) => sum + budget.caught * (budget.right_family ?? 0), 0);
      const patterns = told_by.slice(0, 3).map(({ pattern, stories }) => `${pattern} ${stories}`);
      return [story, String(caught), caught === 0 ? '' : share(right / caught), patterns.join(', ')];
    }),
  };
}

function noiseTable({ at_budget, at_level, quiet }: StoryReport): Table {
  const row = (name: string, noise: Noise): string[] => [
    name,
    String(noise.identity_days),
    String(noise.attack),
    String(noise.beside),
    `${noise.look_alike} (${noise.look_alike_per_1000})`,
    `${noise.nobody} (${noise.false_per_1000})`,
    noise.precision === undefined ? '' : share(noise.precision),
  ];
  return {
    title: 'False alarms and precision',
    note:
      'Second half of the runs. In brackets per 1,000 identity-days. Beside an attack: on an attacked identity in its time, ' +
      'resting on none of its events; counted neither for nor against. ' +
      `While baselines form, in the first half of quiet runs, there are ${quiet.learning_per_1000} alerts per 1,000 identity-days.`,
    head: ['', 'identity-days', 'of attacks', 'beside them', 'of look-alikes', 'of no story', 'precision'],
    rows: [
      row('quiet fleets, shipped budget', quiet.budget),
      row('fleets with stories, shipped budget', at_budget),
      row('fleets with stories, level of 1 in 1,000', at_level),
    ],
  };
}

function lookAlikeTable({ look_alikes }: StoryReport): Table {
  return {
    title: 'Look-alikes',
    note: 'Unusual and harmless; every fleet with stories holds all of them.',
    head: ['story', 'runs', 'with an alert', 'alerts', 'above the level of 1 in 1,000'],
    rows: look_alikes.map((one) => [
      one.story,
      String(one.runs),
      share(one.alerted_runs / one.runs),
      String(one.alerts),
      share(one.runs_above_level / one.runs),
    ]),
  };
}

function sourceTable({ worst_sources }: StoryReport): Table {
  return {
    title: 'Where false alarms come from',
    note: 'Alerts of no story at the shipped budget, by the finding that opened them.',
    head: ['detector', 'pattern', 'false alarms'],
    rows: worst_sources.map(({ detector, pattern, false_alarms }) => [detector, pattern, String(false_alarms)]),
  };
}

const VARIANT_NAMES = {
  as_shipped: 'as shipped',
  without_peers: 'peer groups and population disabled',
  poisoned: 'baseline poisoned',
} as const;

function recordedTable(recorded: readonly Judged[]): Table {
  const delay = (events: number | undefined): string => (events === undefined ? '' : String(events));
  return {
    title: 'Recorded streams, by the referee',
    note:
      'Sessions by their strongest event. Delay: median events from the first bad call, at 1 % false positives. The last ' +
      'columns are alerts at the shipped budget.',
    head: [
      'stream',
      'run',
      'AUROC',
      'recall at 1 %',
      'at 5 %',
      'delay',
      'alerts per 1,000',
      'precision',
      'recall',
      'delay',
    ],
    rows: recorded.map((one) => [
      one.stream,
      `${VARIANT_NAMES[one.variant]}${one.poisoned_sessions > 0 ? `, ${one.poisoned_sessions} sessions` : ''}`,
      one.auroc.toFixed(3),
      one.recall_at_1.toFixed(3),
      one.recall_at_5.toFixed(3),
      delay(one.delay_events),
      String(one.budget.alerts_per_1000),
      one.budget.alerts === 0 ? '' : one.budget.precision.toFixed(3),
      one.budget.recall.toFixed(3),
      delay(one.budget.delay_events),
    ]),
  };
}

const share = (value: number): string => value.toFixed(2);
const number = (value: number): string => (value >= 100 ? value.toFixed(0) : String(Math.round(value * 10) / 10));

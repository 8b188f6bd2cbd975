import type { Report, StoryReport } from '../evaluate.ts';
import type { Judged } from '../recorded/referee.ts';

/** One thing that detection is meant to reach, and what was measured. */
export type Aim = {
  readonly aim: string;
  readonly wanted: string;
  readonly measured: string;
  readonly met: boolean;
};

/** How far the alerts on quiet fleets may be from the budget. */
const BUDGET_TOLERANCE = 0.25;
const BURST = 'volume_burst';
const BURST_MINUTES_MAX = 1;

/** Floors on recorded streams as they are, by session, and what is aimed at. */
const RECORDED = [
  { name: 'AUROC', floor: 0.955, aim: 0.97, of: (one: Judged) => one.auroc },
  { name: 'recall at 1 %', floor: 0.65, aim: 0.8, of: (one: Judged) => one.recall_at_1 },
  { name: 'recall at 5 %', floor: 0.88, aim: 0.93, of: (one: Judged) => one.recall_at_5 },
] as const;

export function aimsOf({ stories, recorded }: Report): Aim[] {
  return [
    ...(stories === undefined ? [] : storyAims(stories)),
    ...recorded.filter(({ variant }) => variant === 'as_shipped').flatMap(recordedAims),
  ];
}

function storyAims({ curves, quiet, budget, plan }: StoryReport): Aim[] {
  const seen = curves.filter(({ faint_end }) => faint_end.level !== undefined);
  const rate = quiet.budget.false_per_1000;
  const burst = curves.find(({ story }) => story === BURST)?.points.filter(({ level }) => level.caught > 0) ?? [];
  const minutes = burst.map(({ level }) => level.delay_minutes_p90 ?? 0);
  const slowest = Math.max(0, ...minutes);
  return [
    {
      aim: 'attacks with a faint end at one false alarm in 1,000',
      wanted: `${plan.attacks.length} of ${plan.attacks.length}`,
      measured: `${seen.length} of ${plan.attacks.length}`,
      met: seen.length === plan.attacks.length,
    },
    {
      aim: 'alerts per 1,000 identity-days of quiet fleets',
      wanted: `${budget * (1 - BUDGET_TOLERANCE)} to ${budget * (1 + BUDGET_TOLERANCE)}`,
      measured: String(rate),
      met: Math.abs(rate - budget) <= BUDGET_TOLERANCE * budget,
    },
    ...(plan.attacks.includes(BURST)
      ? [
          {
            aim: 'minutes until a burst is caught, 90th percentile, slowest intensity',
            wanted: `at most ${BURST_MINUTES_MAX}`,
            measured: minutes.length === 0 ? 'never' : String(Math.round(slowest * 10) / 10),
            met: minutes.length > 0 && slowest <= BURST_MINUTES_MAX,
          },
        ]
      : []),
  ];
}

function recordedAims(one: Judged): Aim[] {
  const shares = RECORDED.map(({ name, floor, aim, of }) => ({
    aim: `${one.stream}: ${name}`,
    wanted: `${floor}, then ${aim}`,
    measured: of(one).toFixed(3),
    met: of(one) >= floor,
  }));
  const delay = {
    aim: `${one.stream}: median delay in events at 1 %`,
    wanted: '0',
    measured: one.delay_events === undefined ? 'never' : String(one.delay_events),
    met: one.delay_events === 0,
  };
  return [...shares, delay];
}

import { UNITS } from '../../../schemas/limits.ts';
import type { Call } from '../fleet/call.ts';
import type { Story, StoryContext } from './contract.ts';
import { busyTime, ordinaryWork } from './kit.ts';

const { DAY_MS } = UNITS;
const PEAK_DAYS = 3;

export const monthEndPeak: Story = {
  name: 'month_end_peak',
  kind: 'benign',
  description: 'The books are closed: a finance agent does its ordinary work several times over for three days.',
  days_min: 8,
  plan(context) {
    const agent =
      context.find((one) => one.group.name === 'finance-operations' && one.sessions_per_day >= 2) ??
      context.find((one) => one.role.rhythm === 'office' && one.sessions_per_day >= 2);
    if (agent === undefined) return undefined;
    const from_ms = busyTime(context, agent, closeOf(context));
    const to_ms = Math.min(context.to_ms, from_ms + PEAK_DAYS * DAY_MS);
    const rate = Math.min(120, agent.sessions_per_day * (1 + 2.5 * context.intensity));
    const calls: Call[] = ordinaryWork(context, agent, { from_ms, to_ms, rate });
    return {
      agents: [agent],
      calls,
      summary: `${agent.id} does ${(rate / agent.sessions_per_day).toFixed(1)} times its usual work beside it, for the close`,
    };
  },
};

/** Two days before the last midnight of a month, if one lies in the window; else some time before the run ends. */
function closeOf(context: StoryContext): number {
  for (
    let day_ms = Math.ceil(context.from_ms / DAY_MS) * DAY_MS;
    day_ms + PEAK_DAYS * DAY_MS <= context.to_ms;
    day_ms += DAY_MS
  ) {
    const closes = new Date(day_ms + PEAK_DAYS * DAY_MS).getUTCDate() === 1;
    if (closes) return day_ms;
  }
  return Math.max(context.from_ms, context.to_ms - (PEAK_DAYS + 1) * DAY_MS);
}

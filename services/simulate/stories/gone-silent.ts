import { UNITS } from '../../../schemas/limits.ts';
import { between } from '../fleet/random.ts';
import type { Story } from './contract.ts';
import { busyTime } from './kit.ts';

const { HOUR_MS, MINUTE_MS } = UNITS;
/** Half a working day, at the end of the run. */
const SILENT_MS_MIN = 5 * HOUR_MS;

export const goneSilent: Story = {
  name: 'gone_silent',
  kind: 'attack',
  description: 'A busy agent stops reporting from one moment to the next and stays silent to the end of the run.',
  technique: { mitre: ['T1562.008'], owasp: ['ASI10'] },
  days_min: 3,
  plan(context) {
    const agent = context.find((one) => one.sessions_per_day >= 5 && one.role.rhythm !== 'night');
    if (agent === undefined) return undefined;
    const window_ms = context.to_ms - context.from_ms;
    const silent_ms = SILENT_MS_MIN + (0.85 * window_ms - SILENT_MS_MIN) * context.intensity;
    const from_ms = busyTime(context, agent, context.to_ms - silent_ms - between(context.random, 0, 90) * MINUTE_MS);
    const span = { from_ms, to_ms: context.to_ms };
    return { agents: [agent], calls: [], absences: [{ agent, ...span }], span, summary: `${agent.id} falls silent` };
  },
};

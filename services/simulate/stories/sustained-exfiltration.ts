import { UNITS } from '../../../schemas/limits.ts';
import { pick } from '../fleet/random.ts';
import type { Story } from './contract.ts';
import { moment } from './kit.ts';
import { moreSends, sentBefore } from './sending.ts';

const DAYS_MAX = 10;

export const sustainedExfiltration: Story = {
  name: 'sustained_exfiltration',
  kind: 'attack',
  description:
    'For days an agent sends out more than it used to, to recipients it always had and never more at once than ever.',
  technique: { mitre: ['AML.T0086'], owasp: ['ASI02'] },
  days_min: 8,
  plan(context) {
    const from_ms = moment(context, 0, 0.15);
    const agent = context.find((one) => one.sessions_per_day >= 3 && sentBefore(context, one, from_ms) !== undefined);
    const past = agent && sentBefore(context, agent, from_ms);
    if (agent === undefined || past === undefined) return undefined;
    const factor = 1.1 + 2.9 * context.intensity;
    const days = Math.max(1, Math.min(DAYS_MAX, Math.floor((context.to_ms - from_ms) / UNITS.DAY_MS)));
    const calls = moreSends(context, agent, past, {
      from_ms,
      days,
      goal: () => (factor - 1) * past.bytes_a_day,
      recipient: () => pick(context.random, past.calls).resource,
      quantile_max: 0.7 + 0.25 * context.intensity,
    });
    if (calls.length === 0) return undefined;
    return {
      agents: [agent],
      calls,
      summary: `${agent.id} sends ${factor.toFixed(1)} times its usual bytes a day for ${days} days, to known recipients`,
    };
  },
};

import type { Story } from './contract.ts';
import { busyTime, moment } from './kit.ts';

export const goneSilent: Story = {
  name: 'gone_silent',
  kind: 'attack',
  description: 'A busy agent stops reporting from one moment to the next and stays silent to the end of the run.',
  technique: { mitre: ['T1562.008'], owasp: ['ASI10'] },
  days_min: 3,
  plan(context) {
    const agent = context.find((one) => one.sessions_per_day >= 5 && one.role.rhythm !== 'night');
    if (agent === undefined) return undefined;
    const from_ms = busyTime(context, agent, moment(context, 0.1, 0.4));
    const span = { from_ms, to_ms: context.to_ms };
    return { agents: [agent], calls: [], absences: [{ agent, ...span }], span, summary: `${agent.id} falls silent` };
  },
};

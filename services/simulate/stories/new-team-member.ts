import type { Story } from './contract.ts';
import { busyTime, moment } from './kit.ts';

export const newTeamMember: Story = {
  name: 'new_team_member',
  kind: 'benign',
  description: 'An agent starts its first day beside others of its role, doing what they do.',
  days_min: 3,
  plan(context) {
    const colleagues = new Map<string, number>();
    for (const { role } of context.fleet.agents) colleagues.set(role.slug, (colleagues.get(role.slug) ?? 0) + 1);
    const agent = context.find((one) => one.sessions_per_day >= 2.5 && (colleagues.get(one.role.slug) ?? 0) >= 3);
    if (agent === undefined) return undefined;
    const from_ms = busyTime(context, agent, moment(context, 0.1, 0.6));
    return {
      agents: [agent],
      calls: [],
      absences: [{ agent, from_ms: context.fleet.start_ms, to_ms: from_ms }],
      follows: { from_ms, to_ms: context.to_ms },
      summary: `${agent.id} joins ${agent.group.name}`,
    };
  },
};

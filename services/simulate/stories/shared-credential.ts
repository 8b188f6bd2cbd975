import { UNITS } from '../../../schemas/limits.ts';
import { below, between } from '../fleet/random.ts';
import type { Story } from './contract.ts';
import { busyTime, callsBefore, moment, ordinarySession } from './kit.ts';
import { thiefsPlace } from './place.ts';

const { HOUR_MS, MINUTE_MS } = UNITS;
const LASTS_MS = 10 * HOUR_MS;

export const sharedCredential: Story = {
  name: 'shared_credential',
  kind: 'attack',
  description:
    "An agent's credential is used in two places at once: while the agent works, somebody does its kind of work elsewhere.",
  technique: { mitre: ['AML.T0012', 'AML.T0091.000'], owasp: ['ASI03'] },
  days_min: 2,
  plan(context) {
    const agent = context.find((one) => one.sessions_per_day >= 4);
    if (agent === undefined) return undefined;
    const start = busyTime(context, agent, moment(context, 0.1, 0.8));
    const end = Math.min(start + LASTS_MS, context.to_ms);
    const during = callsBefore(context, agent, end).filter(({ time_ms }) => time_ms >= start);
    const begins = [...new Map(during.toReversed().map((call) => [call.session.id, call.time_ms])).values()];
    const source = thiefsPlace(context, agent);
    const wanted = 1 + Math.round(11 * context.intensity);
    // Each of them begins while a session of the agent's own goes on.
    const calls = begins
      .sort((a, b) => a - b)
      .slice(0, wanted)
      .flatMap((begin_ms) => {
        const at = begin_ms + between(context.random, 2, 20) * 1000 + below(context.random, MINUTE_MS / 4);
        const session = context.open(agent, agent.tasks[0]?.purpose ?? '', { source });
        return ordinarySession(context, agent, at, { session });
      });
    if (calls.length === 0) return undefined;
    return {
      agents: [agent],
      calls,
      summary: `${agent.credential.id} of ${agent.id} is used from ${source.ip} too while the agent works`,
    };
  },
};
